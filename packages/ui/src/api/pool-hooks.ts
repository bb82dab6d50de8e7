import type { PoolDetail, PoolWorkRequest } from '@hauban/shared/api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { keys } from './hooks.ts';
import { mayRetry } from './request.ts';
import { useServices } from './services.ts';

/** Reads of pools; they are asked again by themselves, sooner while something is done there. */

const BUSY_MS = 1_500;
const CALM_MS = 5_000;

export function usePools() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.pools, queryFn: () => api.pools(), refetchInterval: CALM_MS });
}

const isBusy = (pool: PoolDetail | undefined): boolean => pool?.members.some(({ work }) => work !== null) ?? false;

/** @param listVersion of the ban list that is shown beside it: what was read before that version is not shown. */
export function usePool(id: string, listVersion?: number) {
  const { api } = useServices();
  return useQuery({
    queryKey: listVersion === undefined ? keys.pool(id) : [...keys.pool(id), listVersion],
    queryFn: () => api.pool(id),
    refetchInterval: ({ state }) => {
      // One that is gone, or not for this reader any more, stays so.
      if (state.error !== null && !mayRetry(state.error)) return false;
      return isBusy(state.data) ? BUSY_MS : CALM_MS;
    },
  });
}

/** Moves with everything that a compare or a person changes of the differences. */
const driftSignature = ({ members, version }: PoolDetail): string =>
  JSON.stringify([version, members.map((each) => [each.comparedAt, each.differs, each.blocked, each.adopted])]);

export function usePoolDrift(pool: PoolDetail) {
  const { api } = useServices();
  const drift = useQuery({
    queryKey: keys.poolDrift(pool.id),
    queryFn: () => api.poolDrift(pool.id),
    refetchInterval: isBusy(pool) ? BUSY_MS : CALM_MS,
  });
  const { refetch } = drift;
  const signature = driftSignature(pool);
  const before = useRef(signature);
  useEffect(() => {
    if (before.current === signature) return;
    before.current = signature;
    void refetch();
  }, [signature, refetch]);
  return drift;
}

export function usePoolWorks(pool: PoolDetail) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.poolWorks(pool.id),
    queryFn: () => api.poolWorks(pool.id),
    refetchInterval: isBusy(pool) ? BUSY_MS : CALM_MS,
  });
}

/** A change of one pool; all that is shown of it is read again afterwards. */
export function usePoolChange<In, Out>(poolId: string, change: (value: In) => Promise<Out>, done: (out: Out) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async (out) => {
      done(out);
      await client.invalidateQueries({ queryKey: keys.pool(poolId) });
    },
  });
}

/** Begins to compare, put right or bring everything. */
export function usePoolWork(poolId: string, begun: () => void) {
  const { api } = useServices();
  return usePoolChange(poolId, (request: PoolWorkRequest) => api.workOnPool(poolId, request), begun);
}
