import { parseSeriesList, type Series, type SeriesList } from '@hauban/shared/metrics';
import type { MetricsRepository } from './metrics.repository.ts';

/**
 * The lists of series that nodes declared. A fleet of twins has few different ones, so equal lists are one object here;
 * equal means by content: a node can not slip its own list under the version of another's.
 */
export interface ListBook {
  /** Remembers a list of a node; in the database when this process has not seen it of that node. */
  declare(nodeId: string, list: SeriesList, seenAt: number): Promise<SeriesList>;
  /** The list of a chunk; undefined when the node never declared it. */
  find(nodeId: string, version: string): Promise<SeriesList | undefined>;
  /** What the node used last, newest first; for names, so that a range before the last change shows too. */
  newest(nodeId: string): Promise<readonly SeriesList[]>;
  /** Forgets what is only kept for speed. */
  forget(nodeId: string): void;
}

/** Different lists held at a time, over all nodes. */
const MAX_SHARED = 2000;
/** Lists held of one node: more than its spool can hold of different ones in any usual case. */
const MAX_OF_NODE = 32;
/** Lists that give the names of a node. */
const NEWEST = 8;

const isSame = (a: readonly Series[], b: readonly Series[]): boolean =>
  a.length === b.length &&
  a.every((one, i) => {
    const other = b[i];
    return (
      other !== undefined &&
      one.name === other.name &&
      one.unit === other.unit &&
      one.kind === other.kind &&
      one.scale === other.scale
    );
  });

export function createListBook(repository: MetricsRepository): ListBook {
  const shared = new Map<string, SeriesList>();
  const byNode = new Map<string, Map<string, SeriesList>>();

  const share = (list: SeriesList): SeriesList => {
    const known = shared.get(list.version);
    if (known !== undefined) return isSame(known.series, list.series) ? known : list;
    const [oldest] = shared.keys();
    if (shared.size >= MAX_SHARED && oldest !== undefined) shared.delete(oldest);
    shared.set(list.version, list);
    return list;
  };

  const hold = (nodeId: string, list: SeriesList): SeriesList => {
    const own = byNode.get(nodeId) ?? new Map<string, SeriesList>();
    byNode.set(nodeId, own);
    const one = share(list);
    own.delete(list.version);
    own.set(list.version, one);
    const [oldest] = own.keys();
    if (own.size > MAX_OF_NODE && oldest !== undefined) own.delete(oldest);
    return one;
  };

  /** A row of the database is as hostile as the node that sent it. */
  const fromRow = (row: { readonly version: string; readonly series: unknown }): SeriesList | undefined => {
    const parsed = parseSeriesList(row);
    return parsed.ok ? share(parsed.value) : undefined;
  };

  return {
    declare: async (nodeId, list, seenAt) => {
      const known = byNode.get(nodeId)?.get(list.version);
      if (known !== undefined) return known;
      const rows = list.series.map((one) => [one.name, one.unit, one.kind, one.scale]);
      await repository.saveList(nodeId, list.version, rows, seenAt);
      return hold(nodeId, list);
    },
    find: async (nodeId, version) => {
      const known = byNode.get(nodeId)?.get(version);
      if (known !== undefined) return known;
      const row = await repository.findList(nodeId, version);
      return row === null ? undefined : fromRow(row);
    },
    newest: async (nodeId) => {
      const lists = (await repository.newestLists(nodeId, NEWEST)).map(fromRow);
      return lists.filter((list) => list !== undefined);
    },
    forget: (nodeId) => void byNode.delete(nodeId),
  };
}
