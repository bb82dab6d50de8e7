/**
 * What the process gives and the features take: the log, as an argument, and natural batching of what they store,
 * and work that comes again and again. Clock and
 * randomness come from `@hauban/link`. No rule of a feature may enter.
 */
export { startBeat, type Beat } from './beat.ts';
export { createBatchWriter } from './batch-writer.ts';
export { createLog, type Log, type RootLog } from './log.ts';
