import { fullJitterMs } from '@hauban/shared/time';

/** The pieces of the protocol that the command line's shell uses. */
export { decodeOutput, encodeAttach, encodeCredit, encodeResize, SHELL_OPS } from '@hauban/shared/protocol';

export const fullJitter = (attempt: number): number => fullJitterMs(attempt, Math.random(), 500, 10_000);
