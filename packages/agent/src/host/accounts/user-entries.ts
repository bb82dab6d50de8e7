import { readFile } from 'node:fs/promises';
import { HOMES_ROOT, type AccountEntry, type HostPrograms, type Program } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { saidBy } from '../run-program.ts';
import { checkName, checkUid } from './account-name.ts';
import { listProcessesOf } from './user-processes.ts';

/** Lines of /etc/passwd and /etc/shadow: read as they are, changed by the programs of package passwd, which hold its locks. */

/**
 * Day of expiry of a user that is being brought back and is not complete yet (3 January 1970): until then it counts as
 * not there, so that a crash in the middle is not taken for the end. Nobody can log in with it either.
 */
const UNFINISHED_DAY = 2;
/** Brought back, a user has expired: its expiry is what the account is put to next. */
const EXPIRED_DAY = 1;
const HASH = /^[!*A-Za-z0-9$./=,_-]{1,300}$/;
/** A program of the system: no part of it is hidden, and none leads upwards. */
const SHELL = /^\/(?:bin|sbin|usr|opt)(?:\/[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,30}){1,5}$/;
const COMMENT = /^[A-Za-z0-9 ._@/+-]{0,60}$/;

async function lineOf(file: string, name: string): Promise<readonly string[] | null> {
  const text = await readFile(file, 'utf8');
  const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
  return line === undefined ? null : line.split(':');
}

const dayOf = (field: string | undefined): number | null =>
  field === undefined || field === '' ? null : Number(field);

/** Names are not enough: root has one that an account could have, and so have the users of daemons. */
async function checkHosted(name: string): Promise<string> {
  const user = await lineOf('/etc/passwd', checkName(name));
  if (user !== null) checkUid(Number(user[2]));
  return name;
}

/** An expiry of `UNFINISHED_DAY` included. */
async function readAny(name: string): Promise<(AccountEntry & { readonly expireDay: number | null }) | null> {
  const user = await lineOf('/etc/passwd', checkName(name));
  const shadow = user === null ? null : await lineOf('/etc/shadow', name);
  if (user === null || shadow === null) return null;
  const [, , uid, gid, comment = '', home = '', shell = ''] = user;
  const [, password = '', lastChange, min, max, warn, inactive, expire] = shadow;
  return {
    ...{ uid: Number(uid), gid: Number(gid), comment, home, shell, password },
    ...{ lastChangeDay: dayOf(lastChange), minDays: dayOf(min), maxDays: dayOf(max), warnDays: dayOf(warn) },
    ...{ inactiveDays: dayOf(inactive), expireDay: dayOf(expire) },
  };
}

export async function readEntry(name: string): Promise<AccountEntry | null> {
  const found = await readAny(name);
  if (found === null || found.expireDay === UNFINISHED_DAY) return null;
  const { expireDay: _, ...entry } = found;
  return entry;
}

/** Null: there is no such user. */
export async function readExpiry(name: string): Promise<{ readonly day: number | null } | null> {
  const found = await readAny(name);
  return found === null || found.expireDay === UNFINISHED_DAY ? null : { day: found.expireDay };
}

function checkEntry(name: string, entry: AccountEntry): void {
  checkUid(entry.uid);
  checkUid(entry.gid);
  const isWell =
    entry.home === `${HOMES_ROOT}/${name}` &&
    HASH.test(entry.password) &&
    SHELL.test(entry.shell) &&
    COMMENT.test(entry.comment);
  if (!isWell) throw new HaubanError('ACTION_REFUSED', `the line of user ${name} is none that can be brought back`);
}

/** chage takes -1 for an empty field. */
const dayText = (day: number | null): string => {
  if (day !== null && (!Number.isInteger(day) || day < 0 || day > 1_000_000))
    throw new HaubanError('ACTION_REFUSED', `${String(day).slice(0, 20)} is no number of days`);
  return String(day ?? -1);
};

export interface UserEntries {
  writeEntry(name: string, entry: AccountEntry | null): Promise<void>;
  writeExpiry(name: string, day: number | null): Promise<void>;
  writeShell(name: string, shell: string): Promise<void>;
}

export function createUserEntries(programs: HostPrograms): UserEntries {
  const run = async (program: Program, args: readonly string[], stdin?: string): Promise<void> => {
    const result = await programs.run(program, args, stdin === undefined ? {} : { stdin });
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `${program}: ${saidBy(result)}`);
  };
  const remove = async (name: string): Promise<void> => {
    const entry = await readAny(name);
    if (entry === null) return;
    const alive = (await listProcessesOf(checkUid(entry.uid)))[0];
    if (alive !== undefined)
      throw new HaubanError(
        'ACTION_REFUSED',
        `user ${name} is kept: process ${alive.pid} (${alive.command}) runs as it, and comes back when it is ended`,
      );
    // Never -r (home) nor -f (runs on).
    await run('userdel', ['--', name]);
  };
  const create = async (name: string, entry: AccountEntry): Promise<void> => {
    checkEntry(name, entry);
    if ((await readAny(name)) === null)
      await run('useradd', [
        ...['--uid', String(entry.uid), '--gid', String(entry.gid), '--no-user-group', '--no-create-home'],
        ...['--no-log-init', `--home-dir=${entry.home}`, `--shell=${entry.shell}`, `--comment=${entry.comment}`],
        ...['--expiredate', `1970-01-0${UNFINISHED_DAY + 1}`],
        // No subordinate ids: see user-changes.ts of the actions.
        ...['-K', 'UID_MAX=2000000', '-K', 'SUB_UID_COUNT=0', '-K', 'SUB_GID_COUNT=0'],
        ...['--', name],
      ]);
    if ((await readAny(name))?.password !== entry.password)
      await run('chpasswd', ['--encrypted'], `${name}:${entry.password}\n`);
    // The expiry comes last, and with it the user is complete.
    await run('chage', [
      ...['--lastday', dayText(entry.lastChangeDay), '--mindays', dayText(entry.minDays)],
      ...['--maxdays', dayText(entry.maxDays), '--warndays', dayText(entry.warnDays)],
      ...['--inactive', dayText(entry.inactiveDays), '--expiredate', dayText(EXPIRED_DAY), '--', name],
    ]);
  };
  return {
    async writeEntry(name, entry) {
      await checkHosted(name);
      await (entry === null ? remove(name) : create(name, entry));
    },
    async writeExpiry(name, day) {
      await run('chage', ['--expiredate', dayText(day), '--', await checkHosted(name)]);
    },
    async writeShell(name, shell) {
      if (!SHELL.test(shell))
        throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(shell.slice(0, 60))} is no shell`);
      await run('usermod', ['--shell', shell, '--', await checkHosted(name)]);
    },
  };
}
