import { LIMITS } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';

/** Who watches which node, so that a node sends a frame a second exactly while somebody looks at it. */
export interface NodeWatchers {
  /** Counts this viewer (again) for a minute. */
  watch(nodeId: string, viewer: object): void;
  unwatch(nodeId: string, viewer: object): void;
  forget(viewer: object): void;
  stop(): void;
}

const REPEAT_MS = LIMITS.watchLapseMs / 2;

export function createNodeWatchers(
  clock: Clock,
  setPace: (nodeId: string, periodMs: 1000 | 10_000) => void,
): NodeWatchers {
  /** Node → viewer → when its interest lapses, monotonic ms. */
  const nodes = new Map<string, Map<object, number>>();

  const drop = (nodeId: string, viewer: object): void => {
    const viewers = nodes.get(nodeId);
    if (viewers === undefined || !viewers.delete(viewer) || viewers.size > 0) return;
    nodes.delete(nodeId);
    setPace(nodeId, 10_000);
  };
  const repeat = (): void => {
    const now = clock.monotonicMs();
    for (const [nodeId, viewers] of nodes) {
      for (const [viewer, lapsesAt] of viewers) if (lapsesAt <= now) drop(nodeId, viewer);
      if (nodes.has(nodeId)) setPace(nodeId, 1000);
    }
  };
  const timer: Timer = clock.every(REPEAT_MS, repeat);

  return {
    watch: (nodeId, viewer) => {
      const viewers = nodes.get(nodeId) ?? new Map<object, number>();
      nodes.set(nodeId, viewers);
      viewers.set(viewer, clock.monotonicMs() + LIMITS.watchLapseMs);
      setPace(nodeId, 1000);
    },
    unwatch: drop,
    forget: (viewer) => {
      for (const nodeId of nodes.keys()) drop(nodeId, viewer);
    },
    stop: () => timer.cancel(),
  };
}
