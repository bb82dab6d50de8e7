import type { NodeRow } from '@hauban/shared/api';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';

/** As much as the contract gives at once. */
const PAGE_SIZE = 1000;

/** Every node, for saying how far a role reaches and for finding nodes by host name. */
export function useAllNodes(): UseQueryResult<readonly NodeRow[]> {
  const { api } = useServices();
  return useQuery({
    queryKey: [...keys.allNodes, 'whole'],
    queryFn: async ({ signal }) => {
      const nodes: NodeRow[] = [];
      let cursor: string | null = null;
      do {
        const page = await api.nodes({ limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) }, signal);
        nodes.push(...page.nodes);
        ({ cursor } = page);
      } while (cursor !== null);
      return nodes;
    },
  });
}
