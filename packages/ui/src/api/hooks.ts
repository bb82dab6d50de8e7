import type {
  AuditQuery,
  InventoryChangePage,
  NodeDetail,
  NodeQuery,
  RunDetail,
  RunQuery,
  SessionQuery,
} from '@hauban/shared/api';
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import type { RunEvent } from './live-connection.ts';
import { useServices } from './services.ts';

/** Reads of the REST API as hooks, with the keys under which they are cached. */
export const keys = {
  me: ['me'] as const,
  setup: ['setup'] as const,
  nodes: (query: NodeQuery) => ['nodes', query] as const,
  allNodes: ['nodes'] as const,
  node: (id: string) => ['node', id] as const,
  series: (id: string) => ['node', id, 'series'] as const,
  inventory: (id: string) => ['node', id, 'inventory'] as const,
  inventoryChanges: (id: string) => ['node', id, 'inventory-changes'] as const,
  actions: ['actions'] as const,
  runs: (query: RunQuery) => ['runs', query] as const,
  run: (id: string) => ['run', id] as const,
  runGrid: (id: string) => ['run', id, 'grid'] as const,
  runTargets: (id: string) => ['run', id, 'targets'] as const,
  runStates: (id: string) => ['run', id, 'states'] as const,
  runFailures: (id: string) => ['run', id, 'failures'] as const,
  runPlan: (id: string) => ['run', id, 'plan'] as const,
  runNode: (id: string, nodeId: string) => ['run', id, 'node', nodeId] as const,
  targets: (on: string, action: string) => ['targets', on, action] as const,
  sessions: (which: string, query: SessionQuery) => ['sessions', which, query] as const,
  recording: (id: string) => ['recording', id] as const,
  /** What was read of a running recording is not what is read of the whole one. */
  cast: (id: string, extent: 'so-far' | 'whole') => ['recording', id, 'cast', extent] as const,
  audit: (query: AuditQuery) => ['audit', query] as const,
  auditState: ['audit-state'] as const,
  auditWhy: (seq: number) => ['audit-why', seq] as const,
  tokens: ['tokens'] as const,
  joinTokens: ['join-tokens'] as const,
  people: ['people'] as const,
  roles: ['roles'] as const,
  schedules: ['schedules'] as const,
  windows: ['windows'] as const,
  webhooks: ['webhooks'] as const,
  deliveries: (id: string) => ['webhooks', id, 'deliveries'] as const,
  pools: ['pools'] as const,
  pool: (id: string) => ['pools', id] as const,
  poolDrift: (id: string) => ['pools', id, 'drift'] as const,
  poolWorks: (id: string) => ['pools', id, 'work'] as const,
  banLists: ['ban-lists'] as const,
  banList: (id: string) => ['ban-lists', id] as const,
  banEntries: (id: string, holds: string) => ['ban-lists', id, 'entries', holds] as const,
  approvals: ['approvals'] as const,
  trust: ['trust'] as const,
  personSessions: (id: string) => ['person', id, 'sessions'] as const,
  personTokens: (id: string) => ['person', id, 'tokens'] as const,
  invite: (token: string) => ['invite', token] as const,
  mySessions: ['me', 'sessions'] as const,
  myPasskeys: ['me', 'passkeys'] as const,
  mySignOns: ['me', 'sign-ons'] as const,
  signOnProviders: ['sign-on'] as const,
  signOnEnd: (provider: string, query: string) => ['sign-on', provider, query] as const,
};

/** Pace of a list that is followed. */
const FOLLOW_MS = 2_000;
/** Pace of what waits for approval, asked on every page. */
const APPROVALS_MS = 10_000;

export function useMe() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.me, queryFn: () => api.me(), staleTime: 60_000 });
}

export function useSetupState() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.setup, queryFn: () => api.setupState() });
}

/** Identity providers to sign in by; they change with the controller's configuration only. */
export function useSignOnProviders() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.signOnProviders, queryFn: () => api.signOnProviders(), staleTime: Infinity });
}

export function useActions() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.actions, queryFn: () => api.actions(), staleTime: 5 * 60_000 });
}

export function useLiveState() {
  const { live } = useServices();
  return useSyncExternalStore(live.onState, live.state);
}

/** One page of nodes (for pickers and counts). */
export function useNodePage(query: NodeQuery, options: { readonly enabled?: boolean } = {}) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.nodes(query),
    queryFn: ({ signal }) => api.nodes(query, signal),
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
  });
}

export function useNode(id: string) {
  const { api } = useServices();
  return useQuery({ queryKey: keys.node(id), queryFn: () => api.node(id), refetchInterval: 30_000 });
}

/** Puts the newest row of a node, as the live socket tells it, over what is shown. */
export function useLiveNode(id: string): void {
  const { live } = useServices();
  const client = useQueryClient();
  useEffect(
    () =>
      live.watchFleet((event) => {
        if (event.t !== 'node' || event.node.id !== id) return;
        const known = client.getQueryData<NodeDetail>(keys.node(id));
        if (known === undefined) return;
        client.setQueryData<NodeDetail>(keys.node(id), { ...known, ...event.node });
        // Why it is kept out, its address and its shells are no part of the row.
        if (known.state !== event.node.state) void client.invalidateQueries({ queryKey: keys.node(id), exact: true });
      }),
    [live, client, id],
  );
}

export function useSeries(id: string) {
  const { api } = useServices();
  return useQuery({ queryKey: keys.series(id), queryFn: () => api.series(id), staleTime: 60_000 });
}

export function useInventory(id: string) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.inventory(id),
    queryFn: () => api.inventory(id),
    // A node that has just joined sends its first inventory within a minute; somebody who looks before must not have to reload.
    refetchInterval: (query) => (query.state.data?.sections.length === 0 ? 3_000 : 60_000),
  });
}

export function useInventoryChanges(id: string) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.inventoryChanges(id),
    queryFn: ({ pageParam }) => api.inventoryChanges(id, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: InventoryChangePage) => page.cursor ?? undefined,
  });
}

export function useRuns(query: RunQuery) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.runs(query),
    queryFn: ({ pageParam }) => api.runs({ ...query, ...(pageParam === undefined ? {} : { cursor: pageParam }) }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    refetchInterval: 15_000,
  });
}

/** Of a run with more nodes than this, the counts are followed and not each node. */
const FOLLOWED_ONE_BY_ONE = 100;

/** The run with one live event applied. */
function applyRunEvent(run: RunDetail | undefined, event: RunEvent): RunDetail | undefined {
  if (run === undefined) return run;
  if (event.t === 'run') return { ...run, ...event.run };
  // The grid shows them; a change of each would draw the page anew hundreds of times.
  if (run.nodeCount > FOLLOWED_ONE_BY_ONE) return run;
  const isKnown = run.targets.some((target) => target.orderId === event.target.orderId);
  const targets = isKnown
    ? run.targets.map((target) => (target.orderId === event.target.orderId ? event.target : target))
    : [...run.targets, event.target];
  return { ...run, targets };
}

/** A run, kept up to date by the live socket; asked again every few seconds until it has ended, should an event be lost. */
export function useRun(id: string, options: { readonly enabled?: boolean } = {}) {
  const { api, live } = useServices();
  const client = useQueryClient();
  const isEnabled = options.enabled ?? true;
  const query = useQuery({
    queryKey: keys.run(id),
    queryFn: () => api.run(id),
    enabled: isEnabled,
    refetchInterval: ({ state }) => (state.data?.finishedAt === null ? 3000 : false),
  });
  const isOver = query.data !== undefined && query.data.finishedAt !== null;
  useEffect(() => {
    if (!isEnabled || isOver) return undefined;
    return live.watchRun(id, (event) => {
      client.setQueryData<RunDetail>(keys.run(id), (old) => applyRunEvent(old, event));
      // The end is read once more, whole: receipts of its targets may have come between two events.
      if (event.t === 'run' && event.run.finishedAt !== null) void client.invalidateQueries({ queryKey: keys.run(id) });
    });
  }, [live, client, id, isEnabled, isOver]);
  return query;
}

export function useSessions(which: 'shells' | 'recordings', query: SessionQuery) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.sessions(which, query),
    queryFn: ({ pageParam }) => api[which]({ ...query, ...(pageParam === undefined ? {} : { cursor: pageParam }) }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    refetchInterval: 15_000,
  });
}

/** What waits for people; asked by those who may act. */
export function useApprovals(isEnabled: boolean) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.approvals,
    queryFn: () => api.approvals(),
    refetchInterval: APPROVALS_MS,
    // Who comes to the page because something waits must see it at once.
    staleTime: 0,
    enabled: isEnabled,
  });
}

/** @param isFollowed new entries come by themselves */
export function useAudit(query: AuditQuery, isFollowed: boolean) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.audit(query),
    queryFn: ({ pageParam }) => api.audit({ ...query, ...(pageParam === undefined ? {} : { cursor: pageParam }) }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    refetchInterval: isFollowed ? FOLLOW_MS : false,
  });
}

/** What the log says of one node by one code, newest first. */
export function useNodeAudit(nodeId: string, code: string, limit: number) {
  const { api } = useServices();
  const query = { nodeId, code, limit };
  return useQuery({ queryKey: keys.audit(query), queryFn: () => api.audit(query) });
}

export function useAuditState() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.auditState, queryFn: () => api.auditState(), refetchInterval: 60_000 });
}

export function useAuditWhy(seq: number) {
  const { api } = useServices();
  return useQuery({ queryKey: keys.auditWhy(seq), queryFn: () => api.auditWhy(seq), staleTime: 60_000 });
}

/** Lists of nodes are stale: read them again. */
export const refreshNodes = (client: QueryClient): Promise<void> =>
  client.invalidateQueries({ queryKey: keys.allNodes });
