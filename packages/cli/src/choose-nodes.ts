import { parseSelector, type TargetsReply } from '@hauban/shared/api';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { findNode } from './find-node.ts';

/** Nodes of a run: by name, or by a selector that the controller resolves when the run is made. */
export interface ChosenNodes {
  readonly where: { readonly nodes: string[] } | { readonly on: string };
  readonly count: number;
}

const NAMES = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:,[A-Za-z0-9][A-Za-z0-9._-]*)*,?$/;
/** Words of the selector language that look like names. */
const SELECTOR_WORDS: ReadonlySet<string> = new Set(['all', 'online', 'offline']);

/** `web1,web2` are names; `role=web and php<8.2` is a selector. */
export async function chooseNodes(api: ApiClient, typed: string, actions: readonly string[]): Promise<ChosenNodes> {
  const on = typed.trim();
  if (on === '')
    throw new CliError(EXIT.usage, 'BAD_REQUEST', "Say on which nodes: --on NAME[,NAME...] or --on 'role=web'.");
  if (NAMES.test(on) && !SELECTOR_WORDS.has(on)) {
    const nodes: string[] = [];
    for (const wanted of on.split(',').filter((part) => part !== '')) nodes.push((await findNode(api, wanted)).id);
    return { where: { nodes: [...new Set(nodes)] }, count: new Set(nodes).size };
  }
  const parsed = parseSelector(on);
  if (!parsed.ok) throw new CliError(EXIT.usage, 'BAD_REQUEST', `--on: ${parsed.problem}`);
  const meant = await api.post<TargetsReply>('/api/runs/targets', { on, actions });
  if (meant.total === 0)
    throw new CliError(EXIT.notFound, 'NOT_FOUND', `No node is meant by ${on}: "hauban nodes" lists them.`);
  if (meant.forbidden > 0)
    throw new CliError(
      EXIT.notAllowed,
      'FORBIDDEN',
      `You may not do this on ${meant.forbidden} of the nodes that ${on} means: choose fewer.`,
    );
  return { where: { on }, count: meant.total };
}
