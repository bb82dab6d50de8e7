/**
 * What the process gives and the features take as arguments: clock, randomness, log. No rule of a feature may enter.
 */
export { createLog, type Log, type LogLevel, type RootLog } from './log.ts';
export { systemClock } from './system-clock.ts';
export { systemRandom } from './system-random.ts';
