import type { RunTarget } from '@hauban/shared/api';

const UNDER_WAY: ReadonlySet<RunTarget['state']> = new Set(['waiting', 'queued', 'leased', 'delivered', 'started']);

/** The node has not said how it ended. */
export const isUnderWay = (target: RunTarget): boolean => UNDER_WAY.has(target.state);
