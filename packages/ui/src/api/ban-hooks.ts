import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { keys } from './hooks.ts';
import { mayRetry } from './request.ts';
import { useServices } from './services.ts';

/** Reads of ban lists; they are asked again by themselves. */
const CALM_MS = 10_000;
const ENTRIES_A_PAGE = 200;

/** @param isEnabled somebody wants to know */
export function useBanLists(isEnabled = true) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.banLists,
    queryFn: () => api.banLists(),
    refetchInterval: CALM_MS,
    enabled: isEnabled,
  });
}

export function useBanList(id: string) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.banList(id),
    queryFn: () => api.banList(id),
    // One that is gone, or not for this reader any more, stays so.
    refetchInterval: ({ state }) => (state.error !== null && !mayRetry(state.error) ? false : CALM_MS),
  });
}

/** @param holds only what this address lies in, or what lies in this prefix; '': all, page by page */
export function useBanEntries(id: string, holds: string) {
  const { api } = useServices();
  return useInfiniteQuery({
    queryKey: keys.banEntries(id, holds),
    queryFn: ({ pageParam }) =>
      api.banEntries(id, {
        limit: ENTRIES_A_PAGE,
        ...(pageParam === undefined ? {} : { after: pageParam }),
        ...(holds === '' ? {} : { holds }),
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
}
