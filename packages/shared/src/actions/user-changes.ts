import { HaubanError } from '../errors/index.ts';
import type { ChangeHandler } from './change-handler.ts';
import type { ChangeState } from './change.ts';
import type { GroupEntry, Host, Program, UserEntry } from './host.ts';

/**
 * Users and groups: changed by the programs of package passwd, which hold its locks; read back, never assumed. Read from
 * the files that those programs write: every source of names was asked by the plan, and is asked again by the verify.
 */

async function run(host: Host, program: Program, args: readonly string[]): Promise<void> {
  const result = await host.programs.run(program, args);
  if (result.status === 0) return;
  const said = (result.stderr || result.stdout).trim().split('\n')[0] ?? '';
  throw new HaubanError(
    'PROGRAM_FAILED',
    `${program} ended with ${result.status ?? 'a signal'}: ${said.slice(0, 300)}`,
  );
}

function compare(current: string | null, before: string | null, after: string | null): ChangeState {
  if (current === after) return 'after';
  return current === before ? 'before' : 'other';
}

const groupText = (entry: GroupEntry | null): string | null =>
  entry === null ? null : JSON.stringify([entry.name, entry.gid, [...entry.members].sort()]);

const userText = (entry: UserEntry | null): string | null =>
  entry === null ? null : JSON.stringify([entry.name, entry.uid, entry.gid, entry.comment, entry.home, entry.shell]);

function only<T>(value: T | null, kind: string): T {
  if (value === null) throw new HaubanError('INTERNAL', `a ${kind} change without ${kind}`);
  return value;
}

const addGroup = (host: Host, group: GroupEntry): Promise<void> =>
  run(host, 'groupadd', ['--gid', String(group.gid), '--', group.name]);

const removeGroup = (host: Host, group: GroupEntry): Promise<void> => run(host, 'groupdel', ['--', group.name]);

/**
 * SUB_UID_COUNT=0 and SUB_GID_COUNT=0 are a security requirement: the default gives the account a range of
 * subordinate uids that contains the real uids of other accounts, whose files it could then read through newuidmap.
 */
const addUser = (host: Host, user: UserEntry): Promise<void> =>
  run(host, 'useradd', [
    ...['--uid', String(user.uid), '--gid', String(user.gid), '--no-user-group', '--no-create-home'],
    ...['--no-log-init', `--home-dir=${user.home}`, `--shell=${user.shell}`, `--comment=${user.comment}`],
    ...['-K', 'UID_MAX=2000000', '-K', 'SUB_UID_COUNT=0', '-K', 'SUB_GID_COUNT=0'],
    ...['--', user.name],
  ]);

/** Never `-r` (home) nor `-f`; refused by userdel while a process of the user runs. */
const removeUser = (host: Host, user: UserEntry): Promise<void> => run(host, 'userdel', ['--', user.name]);

export const groupHandler: ChangeHandler<'group'> = {
  async state(host, { before, after }) {
    const { name } = only(after ?? before, 'group');
    return compare(groupText(await host.accounts.ownGroup(name)), groupText(before), groupText(after));
  },
  apply: (host, { before, after }) =>
    after === null ? removeGroup(host, only(before, 'group')) : addGroup(host, after),
  revert: (host, { before, after }) =>
    before === null ? removeGroup(host, only(after, 'group')) : addGroup(host, before),
};

export const userHandler: ChangeHandler<'user'> = {
  async state(host, { before, after }) {
    const { name } = only(after ?? before, 'user');
    return compare(userText(await host.accounts.ownUser(name)), userText(before), userText(after));
  },
  apply: (host, { before, after }) => (after === null ? removeUser(host, only(before, 'user')) : addUser(host, after)),
  revert: (host, { before, after }) =>
    before === null ? removeUser(host, only(after, 'user')) : addUser(host, before),
};
