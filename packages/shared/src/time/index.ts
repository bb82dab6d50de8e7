/** Clock, randomness and backoff as arguments. May import nothing. */
export type { Clock, Random, Timer } from './clock.ts';
export { fullJitterMs } from './backoff.ts';
export { parseCron, type Cron, type CronParsed } from './cron.ts';
export { isSecondsName, parseDurationS } from './duration-text.ts';
export { zonedTime } from './zone.ts';
