import type {
  AdoptRequest,
  DriftRow,
  PoolDetail,
  PoolItemRemoved,
  PoolItemRequest,
  PoolItemRow,
  PoolRequest,
  PoolRow,
  PoolWorkRequest,
  PoolWorkRow,
} from '@hauban/shared/api';
import { path, type Verbs } from './request.ts';

/** What happens on the nodes to something that is no longer wished. */
export type UnwishHow = 'forget' | 'counter';

/** Calls about pools and what is wished of them. */
export const poolCalls = ({ get, post, put, remove }: Verbs) => ({
  pools: () => get<PoolRow[]>(path('pools')),
  makePool: (body: PoolRequest) => post<PoolDetail>(path('pools'), body),
  changePool: (id: string, body: PoolRequest) => put<PoolDetail>(path('pools', id), body),
  forgetPool: (id: string) => remove<unknown>(path('pools', id)),
  pool: (id: string) => get<PoolDetail>(path('pools', id)),
  poolDrift: (id: string) => get<DriftRow[]>(path('pools', id, 'drift')),
  poolWorks: (id: string) => get<PoolWorkRow[]>(path('pools', id, 'work')),
  workOnPool: (id: string, body: PoolWorkRequest) => post<PoolWorkRow[]>(path('pools', id, 'work'), body),
  adoptDrift: (id: string, body: AdoptRequest) => post<unknown>(path('pools', id, 'adopt'), body),
  wish: (id: string, body: PoolItemRequest) => post<PoolItemRow>(path('pools', id, 'items'), body),
  unwish: (id: string, itemId: string, how: UnwishHow) =>
    remove<PoolItemRemoved>(path('pools', id, 'items', itemId), { how }),
});
