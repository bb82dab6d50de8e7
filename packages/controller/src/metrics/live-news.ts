import type { SeriesList } from '@hauban/shared/metrics';
import type { RingTick } from './live-ring.ts';

/** One live tick as pages get it: values in the order of `names`; null is a gap. The same list gives the same `names` array. */
export interface NodeTick {
  readonly nodeId: string;
  readonly at: number;
  readonly names: readonly string[];
  readonly values: readonly (number | null)[];
}

export interface LiveNews {
  /** Told of every live tick; must not throw. Returns how to stop that. */
  onTick(listener: (tick: NodeTick) => void): () => void;
}

/** Hands ticks on to whoever listens; without listeners it costs nothing. */
export function createLiveNews(): LiveNews & { tell(nodeId: string, tick: RingTick): void } {
  const listeners = new Set<(tick: NodeTick) => void>();
  const names = new WeakMap<SeriesList, readonly string[]>();

  const namesOf = (list: SeriesList): readonly string[] => {
    const known = names.get(list) ?? list.series.map((series) => series.name);
    names.set(list, known);
    return known;
  };

  /** Back to the decimals of the series: a 32-bit number has a tail of its own. */
  const shown = (value: number, scale: number): number | null =>
    value === value ? Math.round(value * scale) / scale : null;

  return {
    onTick: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: (nodeId, { timeMs, list, values }) => {
      if (listeners.size === 0) return;
      const tick = {
        nodeId,
        at: timeMs,
        names: namesOf(list),
        values: Array.from(values, (value, i) => shown(value, list.series[i]?.scale ?? 1)),
      };
      for (const listener of listeners) listener(tick);
    },
  };
}
