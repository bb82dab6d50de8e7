/** The log, as the features take it as an argument. Clock and randomness come from `@hauban/link`. No rule of a feature may enter. */
export { createLog, type Log, type RootLog } from './log.ts';
