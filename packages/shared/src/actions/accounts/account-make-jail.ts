import Type, { type Static } from 'typebox';
import { countOf } from '../count-of.ts';
import type { Change } from '../change.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { FileMeta, Host } from '../host.ts';
import { homeOf, HOMES_ROOT } from '../hosting-layout.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import {
  JAIL_DEVICES,
  JAIL_FOLDERS,
  JAIL_PROGRAMS,
  jailEtc,
  jailNoteOf,
  jailNoteText,
  jailSubfolders,
  parseJailNote,
  type JailNote,
} from './jail-layout.ts';
import { loadAccount, normaliseName, replaceFile } from './known-account.ts';

const Args = Type.Object(
  {
    name: AccountName,
    programs: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^/(?:usr/)?(?:bin|lib/openssh)/[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,63}$',
          maxLength: 90,
          title: 'Program',
        }),
        {
          minItems: 1,
          maxItems: 100,
          uniqueItems: true,
          title: 'Programs',
          description: 'By their paths on the node; left out: a shell and the usual tools',
        },
      ),
    ),
    devices: Type.Optional(
      Type.Array(
        Type.Union(
          Object.keys(JAIL_DEVICES).map((device) => Type.Literal(device)),
          { title: 'Device' },
        ),
        { maxItems: 5, uniqueItems: true, title: 'Devices', description: 'Left out: null, zero, random, urandom' },
      ),
    ),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

const DEVICES = ['null', 'random', 'urandom', 'zero'];
const FOLDER: FileMeta = { mode: 0o755, uid: 0, gid: 0 };
const NOTHING: JailNote = { files: [], devices: [] };

const isRootsAlone = ({ mode, uid }: FileMeta): boolean => uid === 0 && (mode & 0o022) === 0;

/** Who may write a folder of it can put /etc/ld.so.preload there, or a shell of his own: then it holds nobody. */
export async function checkRootsAlone(host: Host, name: string): Promise<void> {
  const home = homeOf(name);
  for (const folder of [home, ...JAIL_FOLDERS.map((one) => `${home}/${one}`)]) {
    const state = await host.files.state(folder);
    if (state.type !== 'directory') refuse(`${folder} is no directory: account.create makes the tree`);
    else if (!isRootsAlone(state)) refuse(`${folder} is not root's alone: who may write it can leave the jail`);
  }
}

/** What an earlier order has put there; null: nothing. */
export async function loadJailNote(host: Host, name: string): Promise<JailNote | null> {
  const state = await host.files.state(jailNoteOf(name));
  if (state.type === 'absent') return null;
  const note = state.type === 'file' ? parseJailNote(state.content) : null;
  return note ?? refuse(`${jailNoteOf(name)} is not as this action writes it: move it away`);
}

async function planFiles(
  planner: Planner,
  name: string,
  old: JailNote,
  wanted: readonly { readonly path: string; readonly sha256: string; readonly mode: string }[],
): Promise<void> {
  const { host } = planner;
  const known = new Set(old.files);
  for (const { path, sha256, mode } of wanted) {
    const key = `${name}/${path}`;
    if (!known.has(path) && (await host.resources.read('account.jail-file', key)) !== null)
      refuse(`${homeOf(name)}/${path} is there, and not by this action: remove that jail first`);
    await planner.resource('account.jail-file', key, { sha256, mode });
  }
  const paths = new Set(wanted.map(({ path }) => path));
  for (const path of old.files)
    if (!paths.has(path)) await planner.resource('account.jail-file', `${name}/${path}`, null);
}

async function planDevices(planner: Planner, name: string, old: JailNote, wanted: readonly string[]): Promise<void> {
  for (const device of new Set([...old.devices, ...wanted])) {
    const [major, minor] = JAIL_DEVICES[device] ?? [0, 0];
    const value = wanted.includes(device) ? { major, minor, mode: '0666' } : null;
    const before = await planner.resource('account.jail-device', `${name}/${device}`, value);
    if (before !== null && !old.devices.includes(device))
      refuse(`${homeOf(name)}/dev/${device} is there, and not by this action: remove that jail first`);
  }
}

/** Undone in reverse order: what a crash left half-written goes last, when everything else is as it was. */
export function tidyWhenUndone(planner: Planner, name: string, first: number): void {
  if (planner.changes.length === first) return;
  const tidy: Change = {
    kind: 'task',
    task: 'account.jail-tidy',
    args: { name },
    title: `Clear up half-written files in the jail of ${name}`,
    when: 'undo',
  };
  (planner.changes as Change[]).splice(first, 0, tidy);
}

async function planJail(planner: Planner, args: Args): Promise<void> {
  const { host } = planner;
  const { name } = args;
  const programs: readonly string[] = args.programs ?? JAIL_PROGRAMS;
  const devices: readonly string[] = args.devices ?? DEVICES;
  const user = await loadAccount(host, name);
  await checkRootsAlone(host, name);
  const found = await loadJailNote(host, name);
  const { files, sizeBytes, problem } = await host.queries.ask('account.jail-sources', { programs });
  if (problem !== null) return refuse(problem);
  const first = planner.changes.length;
  const paths = files.map(({ path }) => path);
  const note = jailNoteText({ files: paths, devices });
  // Before what it names, so that whatever a crash leaves is known to be ours.
  await replaceFile(planner, jailNoteOf(name), { mode: 0o644, uid: 0, gid: 0, content: note });
  for (const folder of jailSubfolders(paths)) await planner.directory(`${homeOf(name)}/${folder}`, FOLDER);
  await planFiles(planner, name, found ?? NOTHING, files);
  await planDevices(planner, name, found ?? NOTHING, devices);
  for (const [file, content] of Object.entries(jailEtc(user))) {
    const path = `${homeOf(name)}/etc/${file}`;
    if (found === null) await planner.file(path, content, { mode: 0o644, uid: 0, gid: 0 });
    else await replaceFile(planner, path, { mode: 0o644, uid: 0, gid: 0, content });
  }
  tidyWhenUndone(planner, name, first);
  return planner.note(
    `${countOf(files.length, 'file')} of ${Math.ceil(sizeBytes / 1024 / 1024)} MiB, each a copy of its own.`,
  );
}

async function verifyFiles(host: Host, { name, programs: wanted }: Args): Promise<Verified> {
  const programs: readonly string[] = wanted ?? JAIL_PROGRAMS;
  const { files } = await host.queries.ask('account.jail-sources', { programs });
  const wrong: string[] = [];
  for (const { path, sha256, mode } of files) {
    const now = await host.resources.read('account.jail-file', `${name}/${path}`);
    if (now?.sha256 !== sha256 || now.mode !== mode) wrong.push(path);
  }
  const saw = wrong.length === 0 ? countOf(files.length, 'file') : wrong.slice(0, 5).join(', ');
  return { name: 'Programs and libraries are as on the node', ok: files.length > 0 && wrong.length === 0, saw };
}

async function verifyClosed(host: Host, name: string): Promise<Verified> {
  const { uid, gid } = await loadAccount(host, name);
  const open: string[] = [];
  for (const folder of ['', ...JAIL_FOLDERS.map((one) => `/${one}`)])
    if (await host.accounts.canAs(uid, gid, 'write', `${homeOf(name)}${folder}`)) open.push(folder || '/');
  return { name: 'The account may write none of it', ok: open.length === 0, saw: open.join(', ') || 'none' };
}

export const accountMakeJail = defineAction({
  name: 'account.make-jail',
  version: 1,
  title: 'Fill the jail of an account',
  docs: `Puts into the tree of an account what a process needs that sees nothing else: copies of programs and of every library that they name (read from the files themselves; no program is run for it), a passwd with this user only, and the devices null, zero, random and urandom (tty when it is asked for). All of it is root's and not writable by the account. Setuid programs are refused, and what lies outside of the system's own folders or can be written by others is never copied.

The same again does nothing, or, after packages were upgraded, replaces what is old. What is there by somebody else's hand is never replaced. Undo removes it, or brings back the files of before. account.remove-jail takes it out again.

sshd needs this once, in a file below /etc/ssh/sshd_config.d, for a group of those who get a shell; the login shell of the account has to be /bin/sh then, and must not be before "sshd -T -C user=NAME" says chrootdirectory ${HOMES_ROOT}/%u:

    Match Group hosting-shell
      ChrootDirectory ${HOMES_ROOT}/%u
      AuthorizedKeysFile /etc/ssh/hosting_keys/%u
      AllowTcpForwarding no
      X11Forwarding no
      PermitTunnel no`,
  risk: 'medium',
  roles: [],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 300_000,
  programs: ['mknod', 'systemd-run'],
  normalise: normaliseName,
  locks: ({ name }) => [`account:${name}`],
  plan: (host, args) => planChanges(host, (planner) => planJail(planner, args)),
  async verify(host, args) {
    const note = await loadJailNote(host, args.name);
    const noted = { name: 'It is noted what is in it', ok: note !== null, saw: `${note?.files.length ?? 0} files` };
    return [await verifyFiles(host, args), await verifyClosed(host, args.name), noted];
  },
});
