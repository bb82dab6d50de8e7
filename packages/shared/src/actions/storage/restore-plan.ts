import Type from 'typebox';
import { loadAccount } from '../accounts/known-account.ts';
import type { ActionDefinition, Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { homeOf } from '../hosting-layout.ts';
import { refuse, type Planner } from '../planner.ts';
import { sameValue } from '../resource-changes.ts';
import { checkFolder } from './snapshot-create.ts';
import { accountLock, restoreFolderOf, restoreKey } from './storage-args.ts';
import type { RestorePlace, RestoreSource, SourceFacts, StoreName } from './storage-host.ts';

/** What storage.restore-file and storage.restore-directory have in common. */

const MIB = 1024 * 1024;
/** Left free on the disk of the homes, for everybody else. */
const RESERVE_BYTES = 256 * MIB;
const inMiB = (bytes: number): number => Math.ceil(bytes / MIB);

export const Mode = Type.Union([Type.Literal('beside'), Type.Literal('in-place')], {
  title: 'Where',
  description:
    'beside: into the backups folder of the account. in-place: the one that is there now is kept in that folder',
});

export interface RestoreArgs {
  readonly name: string;
  readonly snapshot: string;
  readonly label: string;
  readonly mode: 'beside' | 'in-place';
  readonly path?: string;
  readonly store?: StoreName;
}

const restorePlaceOf = ({ name, label }: RestoreArgs): RestorePlace => ({ account: name, label });
const sourceOf = ({ snapshot, path = '', store = 'btrfs' }: RestoreArgs): RestoreSource => ({ store, snapshot, path });
const textOf = ({ name, path = '' }: RestoreArgs): string => `${homeOf(name)}/var/www${path === '' ? '' : `/${path}`}`;

async function checkRoom({ host }: Planner, name: string, needs: SourceFacts, freeBytes: number): Promise<void> {
  const needsMiB = inMiB(needs.sizeBytes);
  if (needs.diskBytes + RESERVE_BYTES > freeBytes)
    refuse(
      `it takes ${inMiB(needs.diskBytes)} MiB, and the disk has ${inMiB(freeBytes)} MiB free, of which ${inMiB(RESERVE_BYTES)} stay free`,
    );
  const limit = (await host.resources.read('account.quota', name))?.hardMiB ?? null;
  if (limit === null) return;
  const { usedMiB } = await host.queries.ask('account.quota-facts', { name });
  if (usedMiB + needsMiB > limit)
    refuse(
      `it takes ${needsMiB} MiB, and ${name} uses ${usedMiB} of ${limit} MiB: raise the limit with account.set-quota first`,
    );
}

async function loadSource(planner: Planner, args: RestoreArgs, type: SourceFacts['type']): Promise<SourceFacts> {
  const { name, snapshot } = args;
  const source = await planner.host.queries.ask('storage.source', { ...sourceOf(args), account: name });
  if (source === null) return refuse(`${textOf(args)} is not in ${snapshot} of ${name}`);
  if (source.type !== type)
    return refuse(`in ${snapshot} that is a ${source.type}: use storage.restore-${source.type} for it`);
  planner.note(`${source.entries} files and folders, ${inMiB(source.sizeBytes)} MiB.`);
  for (const [why, count] of Object.entries(source.leftOut)) planner.note(`Left out: ${count} ${why}.`);
  return source;
}

export async function planRestore(planner: Planner, args: RestoreArgs, type: SourceFacts['type']): Promise<void> {
  const { host } = planner;
  const { name, label, mode } = args;
  const place = restorePlaceOf(args);
  const { uid } = await loadAccount(host, name);
  if (sourceOf(args).store === 'btrfs') await checkFolder(planner, name, uid);
  const now = await host.resources.read('storage.restored', restoreKey(place));
  if (now !== null && !sameValue(now, sourceOf(args)))
    refuse(`label ${label} is used: it holds ${now.path === '' ? 'var/www' : now.path} of ${now.snapshot}`);
  const isPlaced =
    now !== null && (await host.resources.read('storage.placed', restoreKey(place)))?.live === 'restored';
  if (now === null || (mode === 'in-place' && !isPlaced))
    planner.task('storage.tidy', place, 'Remove what an interrupted restore left', 'undo');
  if (now === null) {
    const source = await loadSource(planner, args, type);
    const target = await host.queries.ask('storage.target', { account: name, path: args.path ?? '' });
    if (mode === 'in-place' && target.type !== type && target.type !== 'absent')
      refuse(`${textOf(args)} is no ${type} any more: restore beside`);
    await checkRoom(planner, name, source, target.freeBytes);
    await planner.resource('storage.restored', restoreKey(place), sourceOf(args));
  }
  if (mode === 'in-place') {
    planner.note(`What is at ${textOf(args)} now is kept in ${restoreFolderOf(place)} until storage.discard.`);
    await planner.resource('storage.placed', restoreKey(place), { live: 'restored' });
  } else planner.note(`It is put into ${restoreFolderOf(place)}.`);
}

export async function verifyRestore(host: Host, args: RestoreArgs): Promise<readonly Verified[]> {
  const place = restorePlaceOf(args);
  const facts = await host.queries.ask('storage.restore-facts', place);
  if (facts === null) return [{ name: 'It is there', ok: false, saw: 'no complete restore' }];
  const { noted, inSnapshot, onDisk, entries } = facts;
  const isSame = noted === inSnapshot && (onDisk === null || onDisk === noted);
  const checks: Verified[] = [
    { name: 'It is as in the snapshot', ok: isSame, saw: `${entries} files and folders, ${onDisk ?? noted}` },
  ];
  if (args.mode === 'beside') return checks;
  const live = (await host.resources.read('storage.placed', restoreKey(place)))?.live ?? 'none';
  return [...checks, { name: 'It is in place', ok: live === 'restored', saw: live }];
}

/** What is the same in both definitions. */
export const RESTORE_PARTS = {
  version: 1,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['btrfs', 'restic', 'setpriv', 'sync', 'systemd-run', 'zfs'],
  locks: accountLock,
} satisfies Partial<ActionDefinition<RestoreArgs>>;

export const RESTORE_DOCS = `What the snapshot holds is not trusted: no link is followed, and devices, pipes, links that lead out of var/www and files that are not the account's own are left out and counted in the plan; no file gets a set-id bit. Refused with numbers when the account's limit or the disk has no room for it. With mode in-place, what is there now is kept until storage.discard, and undo puts it back.`;
