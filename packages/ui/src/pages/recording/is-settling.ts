import type { SessionRow } from '@hauban/shared/api';

/** So long after the end of a shell the node may still be sending the last of its recording. */
const SETTLING_MS = 120_000;

/** The shell has just ended and its recording is not whole yet: soon it will be. */
export function isSettling({ state, recording, endedAt }: SessionRow, nowMs: number): boolean {
  const isUnsettled = recording === 'recording' || recording === 'none';
  return state === 'ended' && isUnsettled && endedAt !== null && nowMs - endedAt < SETTLING_MS;
}
