import type { Clock } from '@hauban/shared/time';

/** How many refusals of one node are written to the audit log: a node that forges without end must not fill it. */
export interface RefusalBudget {
  /** False: this one is only logged. */
  take(nodeId: string): boolean;
}

const PER_MINUTE = 20;
const MINUTE_MS = 60_000;
const MOST_NODES = 10_000;

export function createRefusalBudget(clock: Clock): RefusalBudget {
  const spent = new Map<string, { readonly sinceMs: number; count: number }>();
  return {
    take: (nodeId) => {
      const now = clock.monotonicMs();
      const known = spent.get(nodeId);
      if (known === undefined || now - known.sinceMs >= MINUTE_MS) {
        if (spent.size >= MOST_NODES) spent.clear();
        spent.set(nodeId, { sinceMs: now, count: 1 });
        return true;
      }
      known.count += 1;
      return known.count <= PER_MINUTE;
    },
  };
}
