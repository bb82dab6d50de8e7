import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import type { GroupEntry, HostAccounts, UserEntry } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { gatherQuestions } from './gather-questions.ts';
import { PROGRAM_PATHS, type RequireRoot } from './program-paths.ts';
import { runProgram, saidBy } from './run-program.ts';
import { errorCode, splitPath } from './safe-path.ts';

/** Documented exit status of getent when a key is in no source; it prints the others all the same. */
const NOT_FOUND = 2;

type Fields = readonly string[];

/** `100010` is looked up as a number, anything else as a name. */
const isAbout = (key: string, [name, , number]: Fields): boolean => (/^[0-9]+$/.test(key) ? number : name) === key;

/** getent asks every source that the node has (files, LDAP ...), so that a name in use is never taken. */
async function askDatabase(
  database: 'passwd' | 'group',
  keys: readonly string[],
): Promise<ReadonlyMap<string, Fields>> {
  const result = await runProgram(PROGRAM_PATHS.getent, [database, ...keys]);
  if (result.status !== 0 && result.status !== NOT_FOUND)
    throw new HaubanError('PROGRAM_FAILED', `getent ${database}: ${saidBy(result)}`);
  const lines = result.stdout.split('\n').map((line) => line.split(':'));
  return new Map(
    keys.flatMap((key) => {
      const found = lines.find((fields) => isAbout(key, fields));
      return found === undefined ? [] : [[key, found] as const];
    }),
  );
}

function createLookUp(database: 'passwd' | 'group'): (key: string) => Promise<Fields | null> {
  const question = gatherQuestions((keys) => askDatabase(database, keys));
  return async (key) => {
    if (!/^[a-z0-9_][a-z0-9_-]{0,31}$/.test(key))
      throw new HaubanError('BAD_REQUEST', `${JSON.stringify(key.slice(0, 40))} is no name of a user or group`);
    return await question(key);
  };
}

export function parseUser(fields: readonly string[] | null): UserEntry | null {
  if (fields === null) return null;
  const [name = '', , uid = '', gid = '', comment = '', home = '', shell = ''] = fields;
  return { name, uid: Number(uid), gid: Number(gid), comment, home, shell };
}

export function parseGroup(fields: readonly string[] | null): GroupEntry | null {
  if (fields === null) return null;
  const [name = '', , gid = '', members = ''] = fields;
  return { name, gid: Number(gid), members: members === '' ? [] : members.split(',') };
}

async function linesOf(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new HaubanError('FILE_FAILED', `${path} can not be read (${errorCode(error) ?? 'unknown'})`, {
      cause: error,
    });
  }
}

/** What `test` asks the kernel with the effective ids of the process. */
const TEST_FLAGS = { write: '-w', list: '-r', read: '-r' } as const;

export function createAccounts(requireRoot: RequireRoot): HostAccounts {
  const [user, group] = [createLookUp('passwd'), createLookUp('group')];
  return {
    userByName: async (name) => parseUser(await user(name)),
    userByUid: async (uid) => parseUser(await user(String(uid))),
    groupByName: async (name) => parseGroup(await group(name)),
    groupByGid: async (gid) => parseGroup(await group(String(gid))),
    async subordinateRanges(name, uid) {
      const lines = [...(await linesOf('/etc/subuid')), ...(await linesOf('/etc/subgid'))];
      return lines.filter((line) => line.startsWith(`${name}:`) || line.startsWith(`${uid}:`));
    },
    async canAs(uid, gid, operation, path) {
      requireRoot('Looking at a file as another user');
      splitPath(path);
      await access(PROGRAM_PATHS.test, constants.X_OK);
      const result = await runProgram(PROGRAM_PATHS.test, [TEST_FLAGS[operation], path], { as: { uid, gid } });
      return result.status === 0;
    },
  };
}
