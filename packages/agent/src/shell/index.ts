/**
 * Shells: one process each, with its terminal, its recorder and the socket where the link process attaches. It checks
 * no permit: the executor did, and starts it with everything decided. May not import executor/ or link/.
 */
export * from './orphan-recording.ts';
export * from './recorder.ts';
export * from './run-shell-host.ts';
export * from './seal-chunk.ts';
export * from './shell-options.ts';
export * from './sign-record.ts';
