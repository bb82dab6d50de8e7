import { NODE_ROLES } from '../../protocol/node-place.ts';

/** What a selector can ask of a node. */
export interface NodeFacts {
  readonly id: string;
  readonly hostName: string;
  readonly isOnline: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly roles: readonly string[];
  /** As the system calls itself: `Debian GNU/Linux 12 (bookworm)`. */
  readonly os: string;
  readonly agentVersion: string;
  /** Installed versions. */
  readonly php: readonly string[];
}

/** `versions`: may be compared; `first`: only the first number of it counts. */
export interface Field {
  readonly values: (node: NodeFacts) => readonly string[];
  readonly isVersion: boolean;
  /** What its value has to be, when it can only be one of these. */
  readonly oneOf?: readonly string[];
}

/** A pool is the label of that name. */
const POOL_LABEL = 'pool';

const labelField = (name: string): Field => ({
  values: ({ labels }) => (Object.hasOwn(labels, name) ? [labels[name] ?? ''] : []),
  isVersion: true,
});

/** `Debian GNU/Linux 12 (bookworm)` is `debian`, `12` and the whole. */
function osNames(text: string): readonly string[] {
  const version = /\d+(?:\.\d+)*/.exec(text.slice(0, 200))?.[0];
  const family = /^[A-Za-z]+/.exec(text)?.[0];
  return [text, ...(family === undefined ? [] : [family]), ...(version === undefined ? [] : [version])];
}

const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['role', { values: ({ roles }) => roles, isVersion: false, oneOf: NODE_ROLES }],
  ['name', { values: ({ hostName }) => [hostName], isVersion: false }],
  ['id', { values: ({ id }) => [id], isVersion: false }],
  ['php', { values: ({ php }) => php, isVersion: true }],
  ['os', { values: ({ os }) => osNames(os), isVersion: true }],
  ['agent', { values: ({ agentVersion }) => [agentVersion], isVersion: true }],
  ['pool', labelField(POOL_LABEL)],
]);

export const FIELD_NAMES = [...FIELDS.keys(), 'label.NAME'];

/** Null: there is no such field. */
export function findField(name: string): Field | null {
  if (name.startsWith('label.') && name.length > 'label.'.length) return labelField(name.slice('label.'.length));
  return FIELDS.get(name) ?? null;
}
