import type { RunDetail, RunGrid, RunRow, RunTarget } from '@hauban/shared/api';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { keys } from './hooks.ts';
import { useServices } from './services.ts';

/** Reads of runs over many nodes. */

/** Counts come four times a second; what is behind them is read this often at most. */
const FOLLOW_MS = 800;

/** Calls when `signature` has changed, soon but not more often than every `FOLLOW_MS`, the last change included. */
function useOnChange(signature: string, act: () => void): void {
  const current = useRef({ seen: signature, act, timer: null as ReturnType<typeof setTimeout> | null });
  useEffect(() => {
    current.current.act = act;
  });
  useEffect(() => {
    const state = current.current;
    if (state.seen === signature) return;
    state.seen = signature;
    state.timer ??= setTimeout(() => {
      state.timer = null;
      state.act();
    }, FOLLOW_MS);
  }, [signature]);
  useEffect(() => {
    const state = current.current;
    return () => {
      if (state.timer !== null) clearTimeout(state.timer);
      state.timer = null;
    };
  }, []);
}

const signatureOf = ({ counts, finishedAt }: RunRow): string => JSON.stringify([counts, finishedAt]);

/** Every node of a run with its state, read again when the counts of the run have moved. */
export function useRunGrid(
  run: RunRow,
  isEnabled: boolean,
): { readonly data: RunGrid | undefined; readonly error: unknown } {
  const { api } = useServices();
  const names = useQuery({
    queryKey: keys.runGrid(run.id),
    queryFn: () => api.runGrid(run.id),
    enabled: isEnabled,
    staleTime: Infinity,
  });
  const states = useQuery({
    queryKey: keys.runStates(run.id),
    queryFn: () => api.runStates(run.id),
    enabled: isEnabled && names.data !== undefined,
  });
  useOnChange(signatureOf(run), () => {
    if (isEnabled) void states.refetch();
  });
  // The same object until something has changed: what is drawn of it is drawn once.
  const data = useMemo(
    () => (names.data === undefined ? undefined : { ...names.data, ...states.data }),
    [names.data, states.data],
  );
  return { data, error: names.error ?? states.error };
}

/** Of a run with more, `RunDetail` holds only a part. */
const WHOLE_UP_TO = 100;
const TARGETS_A_PAGE = 1000;
/** A run has 10,000 nodes at most. */
const MOST_PAGES = 10;

/** Every target of a run with what its node said, read again when the counts have moved. */
export function useAllTargets(run: RunDetail | undefined): readonly RunTarget[] {
  const { api } = useServices();
  const id = run?.id ?? '';
  const isPaged = run !== undefined && run.nodeCount > WHOLE_UP_TO;
  const all = useQuery({
    queryKey: keys.runTargets(id),
    queryFn: async () => {
      const targets: RunTarget[] = [];
      let cursor: string | null | undefined;
      for (let page = 0; page < MOST_PAGES && cursor !== null; page += 1) {
        const next = await api.runTargets(id, {
          limit: TARGETS_A_PAGE,
          ...(cursor === undefined ? {} : { cursor }),
        });
        targets.push(...next.targets);
        cursor = next.cursor;
      }
      return targets;
    },
    enabled: isPaged,
  });
  useOnChange(run === undefined ? '' : signatureOf(run), () => {
    if (isPaged) void all.refetch();
  });
  return (isPaged ? all.data : run?.targets) ?? [];
}

/** What did not end well, by cause. */
export function useRunFailures(run: RunRow, isEnabled: boolean) {
  const { api } = useServices();
  const failures = useQuery({
    queryKey: keys.runFailures(run.id),
    queryFn: () => api.runFailures(run.id),
    enabled: isEnabled,
    placeholderData: keepPreviousData,
  });
  useOnChange(signatureOf(run), () => {
    if (isEnabled) void failures.refetch();
  });
  return failures;
}

/** What one node does in a run: an order a step, and those that take them back. */
export function useRunNode(run: RunRow, nodeId: string) {
  const { api } = useServices();
  const node = useQuery({
    queryKey: keys.runNode(run.id, nodeId),
    queryFn: () => api.runTargets(run.id, { nodeId }),
    enabled: nodeId !== '',
  });
  useOnChange(signatureOf(run), () => {
    if (nodeId !== '') void node.refetch();
  });
  return node;
}

/** The plans of all nodes as one, once every node has answered. */
export function useMergedPlan(run: RunRow | undefined) {
  const { api } = useServices();
  const id = run?.id ?? '';
  return useQuery({
    queryKey: keys.runPlan(id),
    queryFn: () => api.runPlan(id),
    enabled: run !== undefined && run.finishedAt !== null,
    staleTime: Infinity,
  });
}

/** Which nodes a selector means now. */
export function useTargets(on: string, action: string) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.targets(on, action),
    queryFn: () => api.previewTargets({ on, actions: [action] }),
    enabled: on !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });
}
