import type {
  BanListAddition,
  BanListChange,
  BanListEntryPage,
  BanListRemoval,
  BanListRequest,
  BanListRow,
} from '@hauban/shared/api';
import { path, type Verbs } from './request.ts';

/** Calls about ban lists of pools. */
export const banCalls = ({ get, post, put, remove }: Verbs) => ({
  banLists: () => get<BanListRow[]>(path('ban-lists')),
  banList: (id: string) => get<BanListRow>(path('ban-lists', id)),
  banEntries: (id: string, query: { readonly limit: number; readonly after?: string; readonly holds?: string }) =>
    get<BanListEntryPage>(path('ban-lists', id, 'entries'), query),
  makeBanList: (body: BanListRequest) => post<BanListRow>(path('ban-lists'), body),
  bindBanList: (id: string, pools: readonly string[]) =>
    put<BanListRow>(path('ban-lists', id, 'pools'), { pools: [...pools] }),
  deleteBanList: (id: string) => remove<unknown>(path('ban-lists', id)),
  addToBanList: (id: string, body: BanListAddition) => post<BanListChange>(path('ban-lists', id, 'entries'), body),
  takeOffBanList: (id: string, body: BanListRemoval) => post<BanListChange>(path('ban-lists', id, 'removals'), body),
});
