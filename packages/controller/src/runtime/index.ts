/**
 * What the process gives and the features take: the log, as an argument, and natural batching of what they store. Clock and
 * randomness come from `@hauban/link`. No rule of a feature may enter.
 */
export { createBatchWriter } from './batch-writer.ts';
export { createLog, type Log, type RootLog } from './log.ts';
