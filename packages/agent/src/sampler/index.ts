/**
 * The tick. Every 10 s (every second while somebody watches) all collectors are read; a live frame goes to whoever
 * listens, and the 10 s ticks fill a window of 5 minutes that is sealed into the spool. Nothing here knows the link or
 * the disk: frames, lists and chunks go out through arguments.
 */
export { createSampler } from './sampler.ts';
export { STORED_PERIOD_MS } from './sampling.ts';
