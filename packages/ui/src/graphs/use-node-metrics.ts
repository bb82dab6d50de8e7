import { useQueries } from '@tanstack/react-query';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { MetricReply } from '@hauban/shared/api';
import { useServices } from '../api/services.ts';
import { linesOf, namesOf, PANELS, type Line, type Panel } from './panels.ts';
import { RANGES, refreshMs, type Range } from './ranges.ts';
import { createSampleBuffer, type SampleBuffer } from './sample-buffer.ts';

const LIVE_CAPACITY = 900;
const POINTS = 400;

export interface PanelWithLines {
  readonly panel: Panel;
  readonly lines: readonly Line[];
  readonly hidden: number;
}

/** The panels that this node has anything for. */
export function usePanels(names: readonly string[] | undefined): readonly PanelWithLines[] {
  return useMemo(
    () => PANELS.map((panel) => ({ panel, ...linesOf(panel, names ?? []) })).filter(({ lines }) => lines.length > 0),
    [names],
  );
}

export interface PanelHistory {
  readonly data: MetricReply | undefined;
  readonly isLoading: boolean;
  readonly error: unknown;
}

/** History of every panel; each is a query of its own, so that a graph appears as soon as it is there. */
export function useHistories(nodeId: string, panels: readonly PanelWithLines[], range: Range): readonly PanelHistory[] {
  const { api } = useServices();
  return useQueries({
    queries: panels.map(({ panel, lines }) => {
      const names = namesOf(panel, lines).join(',');
      return {
        queryKey: ['node', nodeId, 'metrics', range, names],
        queryFn: ({ signal }: { readonly signal: AbortSignal }) => {
          const to = Date.now();
          return api.metrics(nodeId, { series: names, from: to - RANGES[range], to, points: POINTS }, signal);
        },
        refetchInterval: refreshMs(range),
        staleTime: refreshMs(range) / 2,
      };
    }),
    combine: (results) => results.map(({ data, isPending, error }) => ({ data, isLoading: isPending, error })),
  });
}

export interface LiveSamples {
  readonly buffer: SampleBuffer;
  /** Grows with each sample. */
  readonly count: number;
}

/** Samples once a second while the component is there; null names: not now. */
export function useLiveSamples(nodeId: string, names: readonly string[] | null): LiveSamples {
  const { live } = useServices();
  const [store] = useState(createLiveStore);
  const key = names === null ? null : names.join(',');
  useEffect(() => {
    if (key === null || key === '') return undefined;
    store.clear();
    return live.watchNode(nodeId, key.split(','), (event) => store.push(event.at, event.names, event.values));
  }, [live, nodeId, key, store]);
  const count = useSyncExternalStore(store.subscribe, store.count);
  return { buffer: store.buffer(), count };
}

function createLiveStore() {
  let buffer = createSampleBuffer(LIVE_CAPACITY);
  let count = 0;
  const listeners = new Set<() => void>();
  return {
    buffer: () => buffer,
    count: () => count,
    clear: () => {
      buffer = createSampleBuffer(LIVE_CAPACITY);
    },
    push: (at: number, names: readonly string[], values: readonly (number | null)[]) => {
      buffer.push(at, names, values);
      count += 1;
      for (const listener of listeners) listener();
    },
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
