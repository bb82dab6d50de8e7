import type { Change, FileContent } from '../change.ts';
import type { Verified } from '../define-action.ts';
import type { FileState, Host, HttpProbe, ProbeResult, UserEntry } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { checkAccountName, UID_RANGE } from '../params.ts';
import { refuse, type Planner } from '../planner.ts';

/** Reading an account as the machine has it, and taking away what is its own. */

type Normalised<A> = { readonly ok: true; readonly args: A } | { readonly ok: false; readonly problem: string };

/** What the pattern of a name can not say. */
export function normaliseName<A extends { readonly name: string }>(args: A): Normalised<A> {
  const problem = checkAccountName(args.name);
  return problem === null ? { ok: true, args } : { ok: false, problem };
}

/** The user, when it was made by account.create; null when there is no such user. Refuses one of somebody else. */
export async function findAccount(host: Host, name: string): Promise<UserEntry | null> {
  const user = await host.accounts.userByName(name);
  if (user === null) return null;
  if (user.uid < UID_RANGE.first || user.uid > UID_RANGE.last || user.home !== layout.homeOf(name))
    return refuse(`user ${name} is no hosting account: uid ${user.uid}, home ${user.home}`);
  return user;
}

export async function loadAccount(host: Host, name: string): Promise<UserEntry> {
  return (await findAccount(host, name)) ?? refuse(`account ${name} does not exist on this node`);
}

/** Versions of which a master runs for the account. */
export async function runningVersions(host: Host, { name, uid }: Pick<UserEntry, 'name' | 'uid'>): Promise<string[]> {
  const running: string[] = [];
  for (const version of await host.php.installedVersions())
    if (await host.php.isRunning(layout.phpMasterOf(name, uid, version))) running.push(version);
  return running;
}

/** Every name and port that Apache answers for the account now. */
export async function probesOf(host: Host, account: string): Promise<readonly HttpProbe[]> {
  const sites = await host.web.sites();
  return sites
    .filter(({ file }) => file.slice(file.lastIndexOf('/') + 1).startsWith(`hosting-${account}--`))
    .map(({ serverName, port, secure }) => ({
      host: serverName,
      path: '/',
      port,
      ...(secure ? ({ secure: true } as const) : {}),
    }));
}

/** Asks for the page of each site of the account. @param judge what an answer is to be like, and what is said of it */
export async function verifyPages(
  host: Host,
  account: string,
  judge: (reply: Extract<ProbeResult, { ok: true }>) => Pick<Verified, 'ok' | 'saw'>,
): Promise<readonly Verified[]> {
  const checks: Verified[] = [];
  for (const probe of await probesOf(host, account)) {
    const reply = await host.web.probe(probe);
    const name = `Page of ${probe.host} on port ${probe.port}`;
    checks.push(reply.ok ? { name, ...judge(reply) } : { name, ok: false, saw: reply.problem });
  }
  return checks;
}

export const enabledDomains = async (host: Host, account: string): Promise<readonly string[]> =>
  layout.domainsOf(account, await host.files.list(layout.SITES_ENABLED));

const contentOf = (state: Extract<FileState, { type: 'file' }>): FileContent => ({
  mode: state.mode,
  uid: state.uid,
  gid: state.gid,
  content: state.content,
});

/** A file of the account becomes another one, or goes (null), whatever is in it now. */
export async function replaceFile(planner: Planner, path: string, after: FileContent | null): Promise<void> {
  const state = await planner.host.files.state(path);
  if (state.type !== 'absent' && state.type !== 'file') refuse(`${path} is there, and it is no file`);
  const before = state.type === 'file' ? contentOf(state) : null;
  if (JSON.stringify(before) !== JSON.stringify(after)) planner.add({ kind: 'file', path, before, after });
}

/** A link of the account goes. */
export async function removeLink(planner: Planner, path: string): Promise<void> {
  const state = await planner.host.files.state(path);
  if (state.type === 'absent') return;
  if (state.type !== 'symlink') refuse(`${path} is there, and it is no link`);
  else planner.add({ kind: 'symlink', path, before: state.target, after: null });
}

/** A folder of ours with the account's files in it goes; only files may be in it. */
export async function removeFolder(planner: Planner, path: string, ignored: RegExp = /^$/): Promise<void> {
  const state = await planner.host.files.state(path);
  if (state.type === 'absent') return;
  if (state.type !== 'directory') return refuse(`${path} is there, and it is no directory`);
  for (const name of await planner.host.files.list(path))
    if (!ignored.test(name)) await replaceFile(planner, `${path}/${name}`, null);
  const { mode, uid, gid } = state;
  planner.add({ kind: 'directory', path, before: { mode, uid, gid }, after: null } satisfies Change);
}
