import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { homeOf } from '../hosting-layout.ts';
import { AccountName } from '../params.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { checkRootsAlone, loadJailNote, tidyWhenUndone } from './account-make-jail.ts';
import { jailEtc, jailNoteOf, jailSubfolders, type JailNote } from './jail-layout.ts';
import { loadAccount, normaliseName, replaceFile } from './known-account.ts';

const Args = Type.Object({ name: AccountName }, { additionalProperties: false });

/** The inner before the outer. What somebody else has put there stays, and is named. */
async function planFolders(planner: Planner, name: string, { files }: JailNote): Promise<void> {
  const folders = jailSubfolders(files);
  const ours = new Set([...files, ...folders]);
  for (const folder of folders.toReversed()) {
    const path = `${homeOf(name)}/${folder}`;
    const state = await planner.host.files.state(path);
    if (state.type === 'absent') continue;
    if (state.type !== 'directory') return refuse(`${path} is there, and it is no directory`);
    const strange = (await planner.host.files.list(path)).find((entry) => !ours.has(`${folder}/${entry}`));
    if (strange !== undefined) refuse(`${path}/${strange} is not of this jail: move it away first`);
    const { mode, uid, gid } = state;
    planner.add({ kind: 'directory', path, before: { mode, uid, gid }, after: null });
  }
}

async function planRemoval(planner: Planner, name: string): Promise<void> {
  const { host } = planner;
  const user = await loadAccount(host, name);
  const note = await loadJailNote(host, name);
  if (note === null) return;
  await checkRootsAlone(host, name);
  const first = planner.changes.length;
  for (const path of note.files) await planner.resource('account.jail-file', `${name}/${path}`, null);
  for (const device of note.devices) await planner.resource('account.jail-device', `${name}/${device}`, null);
  for (const file of Object.keys(jailEtc(user))) await replaceFile(planner, `${homeOf(name)}/etc/${file}`, null);
  await planFolders(planner, name, note);
  await replaceFile(planner, jailNoteOf(name), null);
  tidyWhenUndone(planner, name, first);
}

export const accountRemoveJail = defineAction({
  name: 'account.remove-jail',
  version: 1,
  title: 'Empty the jail of an account',
  docs: `Takes out of the tree of an account what account.make-jail has put there: programs, libraries, devices and the files that name the user. Nothing else in it is touched; what somebody else has put beside it is named, and nothing is removed then. Processes that run in it go on until they end. Undo brings it back as it was.`,
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
  plan: (host, { name }) => planChanges(host, (planner) => planRemoval(planner, name)),
  async verify(host, { name }) {
    const note = await loadJailNote(host, name);
    const shell = await host.files.state(`${homeOf(name)}/bin/sh`);
    return [
      { name: 'Nothing is noted', ok: note === null, saw: `${note?.files.length ?? 0} files` },
      { name: 'No shell', ok: shell.type === 'absent', saw: shell.type },
    ];
  },
});
