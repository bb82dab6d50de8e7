import { isSnapshotId, type SnapshotRow } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** One snapshot of a dataset that we made. */
export interface ZfsRow extends SnapshotRow {
  /** Of the account when it was taken: an account of the same name made later has another. */
  readonly uid: number;
  /** How many hold it; nobody destroys one that is held. */
  readonly holds: number;
}

export interface ZfsListing {
  readonly rows: readonly ZfsRow[];
  /** Every snapshot of the dataset by the part after the `@`, those of others too. */
  readonly names: ReadonlySet<string>;
}

/** Set on each snapshot when it is made, and by nobody else: a name alone could be anybody's. */
export const OWNER = 'hauban:uid';
const PREFIX = 'hauban-';
/** What a snapshot is called in its dataset: nothing in it is a range (`%`), a list (`,`) or an option. */
export const nameOf = (snapshot: string): string => `${PREFIX}${snapshot}`;

/**
 * What is asked of a dataset and of its direct children, snapshots among them. zfs-get(8): `-H` for programs (tabs, no
 * headers), `-p` for numbers, `-d 1` for the children; the columns of a value and of where it is set can not be had
 * from `zfs list`. ZFS on FUSE, which is older, takes the same.
 */
export const LISTING: readonly string[] = [
  ...['get', '-H', '-p', '-d', '1', '-o', 'name,property,value,source', '--'],
  `creation,userrefs,${OWNER}`,
];

type Values = ReadonlyMap<string, { readonly value: string; readonly source: string }>;

const notUnderstood = (): HaubanError =>
  new HaubanError('PROGRAM_FAILED', 'zfs get: its answer was not understood, so nothing is done by it');

/** The part after the `@`; null for the dataset itself and for datasets below it. */
function snapshotPart(name: string, dataset: string): string | null {
  if (name === dataset || name.startsWith(`${dataset}/`)) return null;
  const part = name.startsWith(`${dataset}@`) ? name.slice(dataset.length + 1) : '';
  if (part === '' || part.includes('@')) throw notUnderstood();
  return part;
}

function collect(text: string, dataset: string): ReadonlyMap<string, Values> {
  const bySnapshot = new Map<string, Map<string, { readonly value: string; readonly source: string }>>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [name = '', property = '', value = '', source = '', ...more] = line.split('\t');
    const part = snapshotPart(name, dataset);
    if (property === '' || value === '' || source === '' || more.length > 0) throw notUnderstood();
    if (part === null) continue;
    const values = bySnapshot.get(part) ?? new Map<string, { readonly value: string; readonly source: string }>();
    if (values.has(property)) throw notUnderstood();
    bySnapshot.set(part, values.set(property, { value, source }));
  }
  // One that was cut off has no newline at its end.
  if (text !== '' && !text.endsWith('\n')) throw notUnderstood();
  return bySnapshot;
}

function whole(values: Values, property: string): number {
  const { value = '' } = values.get(property) ?? {};
  if (!/^[0-9]{1,12}$/.test(value)) throw notUnderstood();
  return Number(value);
}

/** Null: one of somebody else, whatever it is called. */
function rowOf(name: string, values: Values): ZfsRow | null {
  const snapshot = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : '';
  const { value = '', source } = values.get(OWNER) ?? {};
  // Inherited from the dataset it would say nothing about this snapshot.
  if (!isSnapshotId(snapshot) || source !== 'local' || !/^[0-9]{1,6}$/.test(value)) return null;
  return {
    snapshot,
    createdAtMs: whole(values, 'creation') * 1000,
    readOnly: true,
    uid: Number(value),
    holds: whole(values, 'userrefs'),
  };
}

/** What `zfs` answers to `LISTING`, read as text of somebody else. */
export function parseZfsListing(text: string, dataset: string): ZfsListing {
  const bySnapshot = collect(text, dataset);
  const rows = [...bySnapshot].flatMap(([name, values]) => rowOf(name, values) ?? []);
  return { rows, names: new Set(bySnapshot.keys()) };
}
