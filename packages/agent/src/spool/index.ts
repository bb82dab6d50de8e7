/**
 * The agent's write-ahead log of metrics: sealed chunks that the controller has not confirmed, the journal of the
 * window that is still open, and the lists of series that both refer to. It survives a kill at any moment. It knows
 * files and bytes; what a chunk means is in `@hauban/shared/metrics`.
 *
 * Layout of the folder:
 *   <start s>-<boot>-<seq>-<list version>.chunk    a sealed chunk, written under another name, synced, then renamed
 *   <boot>-<seq>.window                            the journal of an open window (see `window-journal.ts`)
 *   lists/<version>.json                           a list of series
 *   state.json                                     last sequence used and chunks dropped
 *   quarantine/                                    files that could not be read, the newest 32
 */
export { createSpool, type Spool, type SpoolDeps } from './spool.ts';
export { zlibDeflate } from './zlib-deflate.ts';
