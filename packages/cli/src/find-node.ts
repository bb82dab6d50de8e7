import type { NodePage, NodeRow } from '@hauban/shared/api';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { plainLine } from './plain-text.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** A node by its id, its host name, or the beginning of either when only one fits. */
export async function findNode(api: ApiClient, wanted: string): Promise<NodeRow> {
  if (UUID.test(wanted)) return await api.get<NodeRow>(`/api/nodes/${wanted}`);
  const page = await api.get<NodePage>('/api/nodes', { search: wanted, limit: 1000 });
  const exact = page.nodes.filter((node) => node.hostName === wanted);
  const found =
    exact.length > 0
      ? exact
      : page.nodes.filter((node) => node.hostName.startsWith(wanted) || node.id.startsWith(wanted));
  const [first] = found;
  if (first === undefined)
    throw new CliError(EXIT.notFound, 'NOT_FOUND', `There is no node "${wanted}": "hauban nodes" lists them.`);
  if (found.length > 1) {
    const names = found.slice(0, 5).map((node) => `${plainLine(node.hostName)} (${node.id})`);
    throw new CliError(
      EXIT.usage,
      'AMBIGUOUS',
      `"${wanted}" fits ${found.length} nodes: ${names.join(', ')}. Use the id.`,
    );
  }
  return first;
}
