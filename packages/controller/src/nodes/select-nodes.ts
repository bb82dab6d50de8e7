import type { NodeQuery, NodeRow } from '@hauban/shared/api';

/** Order of the states when sorted by state: what needs a look comes first. */
const STATE_ORDER = { locked: 0, down: 1, 'never-seen': 2, up: 3, revoked: 4 } as const;

const KEYS: Readonly<Record<NonNullable<NodeQuery['sort']>, (node: NodeRow) => number | string | null>> = {
  hostName: (node) => node.hostName.toLowerCase(),
  state: (node) => STATE_ORDER[node.state],
  cpu: (node) => node.figures.cpuBusyRatio,
  memory: (node) => node.figures.memoryUsedRatio,
  load: (node) => node.figures.load1,
  lastSeenAt: (node) => node.lastSeenAt,
};

function matchesSearch(node: NodeRow, words: readonly string[]): boolean {
  const texts = [
    node.hostName,
    node.id,
    node.os,
    ...node.roles,
    ...Object.entries(node.labels).map((pair) => pair.join('=')),
  ];
  return words.every((word) => texts.some((text) => text.toLowerCase().includes(word)));
}

function matchesLabel(node: NodeRow, label: string): boolean {
  const at = label.indexOf('=');
  const name = at < 0 ? label : label.slice(0, at);
  if (!Object.hasOwn(node.labels, name)) return false;
  return at < 0 || node.labels[name] === label.slice(at + 1);
}

/** What a query asks for, in its order; a figure that is not known comes last either way. Ties go by host name and id. */
export function selectNodes(nodes: readonly NodeRow[], query: NodeQuery): NodeRow[] {
  const words = (query.search ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const chosen = nodes.filter(
    (node) =>
      (query.role === undefined || node.roles.includes(query.role)) &&
      (query.state === undefined || node.state === query.state) &&
      (query.label === undefined || matchesLabel(node, query.label)) &&
      matchesSearch(node, words),
  );
  const key = KEYS[query.sort ?? 'hostName'];
  const sign = query.order === 'desc' ? -1 : 1;
  const compare = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0);
  return chosen.sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === null || right === null) {
      if (left !== right) return left === null ? 1 : -1;
    } else if (left !== right) return sign * compare(left, right);
    return compare(a.hostName, b.hostName) || compare(a.id, b.id);
  });
}
