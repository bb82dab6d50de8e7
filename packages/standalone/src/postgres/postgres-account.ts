import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

/** PostgreSQL refuses to run as root, so as root its programs run as an account without privilege. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** In this order: an account made for the purpose, then the one that every system has. */
const WANTED = ['hauban-postgres', 'postgres', 'nobody'] as const;

function parseAccounts(passwd: string): Account[] {
  return passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    const account = { name: name ?? '', uid: Number(uid), gid: Number(gid) };
    return account.name !== '' && Number.isSafeInteger(account.uid) && Number.isSafeInteger(account.gid)
      ? [account]
      : [];
  });
}

/**
 * The account that PostgreSQL's programs shall run as: null when this process is not root (they run as ourselves).
 * @param ownerUid owner of data that exists already; it stays the owner
 */
export async function findPostgresAccount(ownerUid: number | null): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8'));
  const found = ownerUid === null || ownerUid === 0 ? undefined : accounts.find((account) => account.uid === ownerUid);
  const account =
    found ??
    WANTED.map((name) => accounts.find((entry) => entry.name === name && entry.uid !== 0)).find(
      (entry) => entry !== undefined,
    );
  if (account === undefined) {
    throw new HaubanError(
      'CONFIG_BAD',
      `PostgreSQL may not run as root and none of the accounts ${WANTED.join(', ')} exists in /etc/passwd; add one`,
    );
  }
  return account;
}

/**
 * The first folder on the way to `path` that the account may not enter, or null when it can reach all of it.
 * Looks at the permission bits only; a folder that does not exist yet is taken as reachable.
 */
export async function closedFolderOnWay(path: string, account: Account): Promise<string | null> {
  const folders: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    folders.unshift(at);
    if (dirname(at) === at) break;
  }
  for (const folder of folders) {
    const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found === null) return null;
    const bit = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001;
    if ((found.mode & bit) === 0) return folder;
  }
  return null;
}
