import { parseSelector, type NodeFacts, type TargetsReply } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { authorize, type Grant } from '../authorization/index.ts';

/** A node as it can be selected. */
export interface SelectableNode {
  readonly id: string;
  readonly hostName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly roles: readonly string[];
  readonly os: string;
  readonly agentVersion: string;
  readonly connectedAt: number | null;
  /** Revoked or locked: it may not connect. */
  readonly barredWhy: string | null;
}

export interface SelectParts {
  readonly nodes: { all(): Promise<readonly SelectableNode[]> };
  readonly clock: Clock;
  readonly inventory: { phpVersions(): Promise<ReadonlyMap<string, readonly string[]>> };
}

export interface PreviewFor {
  /** Of these nodes, those that the reader may see; null: all. */
  readonly readable: ((nodeIds: readonly string[]) => Promise<ReadonlySet<string>>) | null;
  /** What the reader may do, and what is meant to be done. */
  readonly grant: Grant;
  readonly actions: readonly string[];
}

export type SelectTargets = ReturnType<typeof createSelectTargets>;

const MOST_SHOWN = 1000;
/** Reading what is installed everywhere is only worth it when it is asked for. */
const ASKS_FOR_PHP = /php/i;

/** Which nodes a selector means now. Who may do something there is judged by whoever asks. */
export function createSelectTargets({ nodes, inventory, clock }: SelectParts) {
  /** By host name. BAD_REQUEST says where it cannot be read. */
  const resolve = async (on: string): Promise<readonly SelectableNode[]> => {
    const parsed = parseSelector(on);
    if (!parsed.ok) throw new HaubanError('BAD_REQUEST', parsed.problem);
    const [all, php] = await Promise.all([
      nodes.all(),
      ASKS_FOR_PHP.test(on) ? inventory.phpVersions() : new Map<string, readonly string[]>(),
    ]);
    const factsOf = (node: SelectableNode): NodeFacts => ({
      ...node,
      isOnline: node.connectedAt !== null,
      php: php.get(node.id) ?? [],
    });
    return all
      .filter((node) => node.barredWhy === null && parsed.selector(factsOf(node)))
      .toSorted((a, b) => (a.hostName < b.hostName ? -1 : a.hostName > b.hostName ? 1 : a.id < b.id ? -1 : 1));
  };

  return {
    resolve,
    preview: async (on: string, { readable, grant, actions }: PreviewFor): Promise<TargetsReply> => {
      const meant = await resolve(on);
      const at = clock.nowMs();
      const mayRun = ({ id, labels, roles }: SelectableNode): boolean =>
        actions.every((action) => {
          const targets = [{ kind: 'node' as const, id, labels, roles }];
          // What waits for another person may be asked for.
          return authorize(grant, { kind: 'use', right: 'action', action, targets, at, approvedBy: 'not-asked' })
            .allowed;
        });
      const seen = readable === null ? null : await readable(meant.map(({ id }) => id));
      const shown = meant.filter(({ id }) => seen === null || seen.has(id));
      return {
        nodes: shown
          .slice(0, MOST_SHOWN)
          .map(({ id, hostName, connectedAt }) => ({ id, hostName, isOnline: connectedAt !== null })),
        total: shown.length,
        online: shown.filter(({ connectedAt }) => connectedAt !== null).length,
        forbidden: meant.filter((node) => !mayRun(node)).length,
      };
    },
  };
}
