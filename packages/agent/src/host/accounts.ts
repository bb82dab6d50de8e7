import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import type { AccessLook, GroupEntry, HostAccounts, RunResult, UserEntry } from '@hauban/shared/actions';
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

/** Null: the file has no line of that name. */
async function lineOf(path: string, name: string): Promise<Fields | null> {
  for (const line of await linesOf(path)) {
    const fields = line.startsWith(name) ? line.split(':') : [];
    if (fields[0] === name && fields.length > 1) return fields;
  }
  return null;
}

/** What `test` asks the kernel with the effective ids of the process. */
const TEST_FLAGS = { write: '-w', list: '-r', read: '-r' } as const;

/** A clean absolute path: none that `test` could take for a word of its own. */
function termOf({ operation, path, isAllowed }: AccessLook): readonly string[] {
  splitPath(path);
  return [...(isAllowed ? [] : ['!']), TEST_FLAGS[operation], path];
}

/** 2, or a signal: it was not understood or did not end, which is not a no. */
export function answerOfTest(result: RunResult): boolean {
  if (result.status !== 0 && result.status !== 1)
    throw new HaubanError('PROGRAM_FAILED', `looking at a file as another user: ${saidBy(result)}`);
  return result.status === 0;
}

export function createAccounts(requireRoot: RequireRoot): HostAccounts {
  const [user, group] = [createLookUp('passwd'), createLookUp('group')];
  const testAs = async (uid: number, gid: number, expression: readonly string[]): Promise<boolean> => {
    requireRoot('Looking at a file as another user');
    await access(PROGRAM_PATHS.test, constants.X_OK);
    return answerOfTest(await runProgram(PROGRAM_PATHS.test, expression, { as: { uid, gid } }));
  };
  return {
    userByName: async (name) => parseUser(await user(name)),
    userByUid: async (uid) => parseUser(await user(String(uid))),
    groupByName: async (name) => parseGroup(await group(name)),
    groupByGid: async (gid) => parseGroup(await group(String(gid))),
    ownUser: async (name) => parseUser(await lineOf('/etc/passwd', name)),
    ownGroup: async (name) => parseGroup(await lineOf('/etc/group', name)),
    async subordinateRanges(name, uid) {
      const lines = [...(await linesOf('/etc/subuid')), ...(await linesOf('/etc/subgid'))];
      return lines.filter((line) => line.startsWith(`${name}:`) || line.startsWith(`${uid}:`));
    },
    canAs: async (uid, gid, operation, path) => testAs(uid, gid, termOf({ operation, path, isAllowed: true })),
    // All in one: a child for each would be most of what the verify of an account costs.
    async allSoAs(uid, gid, looks) {
      const terms = looks.map(termOf);
      return testAs(
        uid,
        gid,
        terms.flatMap((term, index) => (index === 0 ? term : ['-a', ...term])),
      );
    },
  };
}
