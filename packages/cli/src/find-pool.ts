import type { PoolMember, PoolRow } from '@hauban/shared/api';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { plainLine } from './plain-text.ts';

/** A pool by its name or its whole id. */
export async function findPool(api: ApiClient, wanted: string): Promise<PoolRow> {
  const pools = await api.get<PoolRow[]>('/api/pools');
  const found = pools.find(({ name, id }) => name === wanted || id === wanted);
  if (found !== undefined) return found;
  throw new CliError(
    EXIT.notFound,
    'NOT_FOUND',
    `There is no pool "${plainLine(wanted)}" that you may read: "hauban pool list" lists them.`,
  );
}

/** A member by its host name or id. */
export function findMember(members: readonly PoolMember[], wanted: string): PoolMember {
  const found = members.filter(({ hostName, nodeId }) => hostName === wanted || nodeId === wanted);
  const [only] = found;
  if (only === undefined)
    throw new CliError(EXIT.notFound, 'NOT_FOUND', `No node "${plainLine(wanted)}" belongs to this pool.`);
  if (found.length > 1)
    throw new CliError(EXIT.usage, 'AMBIGUOUS', `"${plainLine(wanted)}" fits ${found.length} nodes: use the id.`);
  return only;
}
