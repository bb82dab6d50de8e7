import type { NodePage, NodeQuery, NodeRow, NodeState } from '@hauban/shared/api';
import { NODE_ROLES } from '@hauban/shared/protocol';
import {
  keepPreviousData,
  useInfiniteQuery,
  useQueries,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import { keys, refreshNodes } from '../../api/hooks.ts';
import type { FleetEvent } from '../../api/live-connection.ts';
import { useServices } from '../../api/services.ts';
import type { SearchState } from '../../parts/use-search-state.ts';

export const STATES: readonly NodeState[] = ['up', 'down', 'locked', 'never-seen', 'revoked'];
const PAGE_SIZE = 200;
/** Key figures move by themselves; the order of the rows is read anew this often. */
const REFRESH_MS = 30_000;

type Pages = InfiniteData<NodePage, string | undefined>;

const SORTS = ['hostName', 'state', 'cpu', 'memory', 'load', 'lastSeenAt'] as const;

const oneOfThese = <T extends string>(value: string | undefined, all: readonly T[]): T | undefined =>
  all.find((each) => each === value);

/** The filter in the address as a query of the contract; what is not in the contract is left out. */
export function fleetQuery(search: SearchState): NodeQuery {
  const query: NodeQuery = {
    sort: oneOfThese(search['sort'], SORTS) ?? 'hostName',
    order: search['order'] === 'desc' ? 'desc' : 'asc',
  };
  const role = oneOfThese(search['role'], NODE_ROLES);
  const state = oneOfThese(search['state'], STATES);
  if (search['search'] !== undefined) query.search = search['search'];
  if (search['label'] !== undefined) query.label = search['label'];
  if (role !== undefined) query.role = role;
  if (state !== undefined) query.state = state;
  return query;
}

/** The pages with one live event applied; null when the event is about a node that is not in them. */
export function applyFleetEvent(pages: Pages, event: FleetEvent): Pages | null {
  const id = event.t === 'node' ? event.node.id : event.nodeId;
  const isShown = pages.pages.some((page) => page.nodes.some((node) => node.id === id));
  if (!isShown) return null;
  const change = (nodes: readonly NodeRow[]): NodeRow[] =>
    event.t === 'node'
      ? nodes.map((node) => (node.id === id ? event.node : node))
      : nodes.filter((node) => node.id !== id);
  return { ...pages, pages: pages.pages.map((page) => ({ ...page, nodes: change(page.nodes) })) };
}

export function useFleet(query: NodeQuery) {
  const { api, live } = useServices();
  const client = useQueryClient();
  const queryKey = [...keys.allNodes, 'fleet', query] as const;
  const fleet = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      api.nodes({ ...query, limit: PAGE_SIZE, ...(pageParam === undefined ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  const keyText = JSON.stringify(queryKey);
  useEffect(() => {
    const key = JSON.parse(keyText) as readonly unknown[];
    const endReopened = live.onReopened(() => void refreshNodes(client));
    const endFleet = live.watchFleet((event) => {
      const pages = client.getQueryData<Pages>(key);
      if (pages === undefined) return;
      const changed = applyFleetEvent(pages, event);
      if (changed !== null) client.setQueryData<Pages>(key, changed);
      else if (event.t === 'node') void client.invalidateQueries({ queryKey: keys.allNodes, refetchType: 'active' });
    });
    return () => {
      endReopened();
      endFleet();
    };
  }, [live, client, keyText]);
  return fleet;
}

/** How many nodes there are in each state, whatever the filter. */
export function useStateCounts(): Partial<Record<NodeState | 'all', number>> {
  const { api } = useServices();
  const queries = [undefined, ...STATES].map((state): NodeQuery => ({
    limit: 1,
    ...(state === undefined ? {} : { state }),
  }));
  return useQueries({
    queries: queries.map((query) => ({
      queryKey: keys.nodes(query),
      queryFn: () => api.nodes(query),
      refetchInterval: REFRESH_MS,
    })),
    combine: (results) => {
      const counts: Partial<Record<NodeState | 'all', number>> = {};
      results.forEach((result, at) => {
        if (result.data !== undefined) counts[queries[at]?.state ?? 'all'] = result.data.total;
      });
      return counts;
    },
  });
}
