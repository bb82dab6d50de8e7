import Type from 'typebox';
import { HOMES_ROOT, homeOf } from '../hosting-layout.ts';
import { checkAccountName } from '../params.ts';
import { LABEL_PATTERN, SNAPSHOT_CLASSES, SNAPSHOT_PATTERN } from './snapshot-id.ts';
import type { RestorePlace, SnapshotPlace, StoreName } from './storage-host.ts';

export const Store = Type.Union([Type.Literal('btrfs'), Type.Literal('restic'), Type.Literal('zfs')], {
  title: 'Store',
  description:
    'btrfs (default): beside the homes, at once, lost with the disk. zfs: the same. restic: a repository of its own',
});
export const Snapshot = Type.String({
  pattern: SNAPSHOT_PATTERN,
  maxLength: 47,
  title: 'Snapshot',
  description: 'As snapshot.list shows it: daily-2026-11-20, manual-before-update',
});
export const Label = Type.String({
  pattern: LABEL_PATTERN,
  maxLength: 40,
  title: 'Label',
  description: 'Lower-case letters, digits, dashes',
});
/** The components are looked at by `checkPath`. */
export const SitePath = Type.String({
  pattern: '^[^/].{0,998}[^/]$|^[^/]$',
  maxLength: 1000,
  title: 'Path',
  description: 'Below var/www of the account: shop/config.php',
});

export const ClassName = Type.Union(
  [...SNAPSHOT_CLASSES, 'manual'].map((name) => Type.Literal(name)),
  { title: 'Class', description: 'The period it stands for; manual ones are never pruned' },
);
/** At least one of a class is always left. */
const Kept = (title: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, title }));
export const KeepArgs = Type.Object(
  { hourly: Kept('Hourly'), daily: Kept('Daily'), weekly: Kept('Weekly'), monthly: Kept('Monthly') },
  {
    additionalProperties: false,
    title: 'Keep',
    description: 'So many of the newest of each class; of a class that is left out all are kept',
  },
);
export const AlsoArgs = Type.Optional(
  Type.Array(Snapshot, {
    maxItems: 100,
    uniqueItems: true,
    title: 'These too',
    description: 'By name, manual ones as well',
  }),
);

/** Beside the homes, because a btrfs keeps snapshots on its own disk; root's. */
export const SNAPSHOTS_ROOT = `${HOMES_ROOT}/.snapshots`;
/** The account may read its own, nobody else's. */
export const snapshotsOf = (account: string): string => `${SNAPSHOTS_ROOT}/${account}`;
export const snapshotLinkOf = (account: string): string => `${homeOf(account)}/backups/snapshots`;
/** In `backups`, where the account may read and not write: nobody can swap a part of a restore. */
export const restoreFolderOf = ({ account, label }: RestorePlace): string =>
  `${homeOf(account)}/backups/restored-${label}`;

export const snapshotKey = ({ store, account, snapshot }: SnapshotPlace): string => `${store}/${account}/${snapshot}`;
export const restoreKey = ({ account, label }: RestorePlace): string => `${account}/${label}`;

/** Bytes that a name may have on the file systems of Linux. */
const NAME_BYTES = 255;
const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** What the schema can not say: only a manual one has a name of its own. */
export const checkLabel = (args: { readonly class: string; readonly label?: string }): string | null =>
  (args.class === 'manual') === (args.label !== undefined)
    ? null
    : 'label names a manual snapshot: give it with class manual, and only then';

/** Neither a NUL, at which the kernel would stop reading, nor what ends a line. */
const NO_TEXT = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** What the pattern can not say: a path may only go down. */
export function checkPath(path: string): string | null {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'path must be below var/www, without empty parts, . and ..';
  if (NO_TEXT.test(path)) return 'path must not hold control characters';
  if (parts.some((part) => byteLength(part) > NAME_BYTES)) return 'a part of path is too long';
  return null;
}

type Normalised<A> = { readonly ok: true; readonly args: A } | { readonly ok: false; readonly problem: string };

export function normaliseStorage<A extends { readonly name: string; readonly path?: string }>(args: A): Normalised<A> {
  const problem = checkAccountName(args.name) ?? (args.path === undefined ? null : checkPath(args.path));
  return problem === null ? { ok: true, args } : { ok: false, problem };
}

/** Snapshots and restores of one account never run beside each other, nor beside what changes the account. */
export const accountLock = ({ name }: { readonly name: string }): readonly string[] => [`account:${name}`];
/** A repository is locked as a whole while something is put in or taken out. */
export const storeLocks = (args: { readonly name: string; readonly store?: StoreName }): readonly string[] => [
  ...accountLock(args),
  ...(args.store === 'restic' ? ['restic'] : []),
];
