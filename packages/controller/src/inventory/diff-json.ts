/** One difference between two JSON values. `undefined` became null: absent and null look the same to a reader. */
export interface JsonChange {
  /** As `packages[nginx].version`; empty for the whole value. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** More differences than this are told as one of the whole value: a reinstalled machine is one change, not 3,000. */
export const MOST_CHANGES = 300;
const MAX_DEPTH = 12;
/** A field that names an element of a list, tried in this order: lists are compared by name, not by position. */
const NAMES = ['name', 'id', 'key', 'file', 'path', 'device', 'mount', 'address', 'port', 'version'] as const;

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

function nameOf(value: unknown, field: string): string | null {
  const name = isObject(value) ? value[field] : undefined;
  return typeof name === 'string' || typeof name === 'number' ? String(name) : null;
}

/** The elements of a list by their names; null when they have none that is unique. */
function byName(list: readonly unknown[]): Map<string, unknown> | null {
  for (const field of NAMES) {
    const named = new Map<string, unknown>();
    for (const entry of list) {
      const name = nameOf(entry, field);
      if (name !== null) named.set(name, entry);
    }
    if (named.size === list.length) return named;
  }
  return null;
}

/** Values by their own text: a list of texts or numbers is a set here. */
function byText(list: readonly unknown[]): Map<string, unknown> | null {
  if (list.some((entry) => typeof entry === 'object' && entry !== null)) return null;
  return new Map(list.map((entry) => [String(entry), entry]));
}

function membersOf(
  before: unknown,
  after: unknown,
): { left: Map<string, unknown>; right: Map<string, unknown>; isList: boolean } | null {
  if (isObject(before) && isObject(after)) {
    return { left: new Map(Object.entries(before)), right: new Map(Object.entries(after)), isList: false };
  }
  if (!Array.isArray(before) || !Array.isArray(after)) return null;
  for (const read of [byText, byName]) {
    const left = read(before);
    const right = read(after);
    if (left !== null && right !== null) return { left, right, isList: true };
  }
  return null;
}

/** What differs, by path. Bounded: beyond `MOST_CHANGES` it is one change of the whole value. */
export function diffJson(before: unknown, after: unknown): readonly JsonChange[] {
  const changes: JsonChange[] = [];
  const visit = (left: unknown, right: unknown, path: string, depth: number): void => {
    if (changes.length > MOST_CHANGES || isSame(left, right)) return;
    const members = depth < MAX_DEPTH ? membersOf(left, right) : null;
    if (members === null) return void changes.push({ path, before: left ?? null, after: right ?? null });
    for (const name of new Set([...members.left.keys(), ...members.right.keys()])) {
      const shown = name.slice(0, 100);
      const step = members.isList ? `[${shown}]` : path === '' ? shown : `.${shown}`;
      visit(members.left.get(name), members.right.get(name), path + step, depth + 1);
    }
  };
  visit(before, after, '', 0);
  if (changes.length <= MOST_CHANGES) return changes;
  return [{ path: '', before: null, after: `more than ${MOST_CHANGES} differences: the whole section changed` }];
}
