import { access } from 'node:fs/promises';
import { SSH_KEYS_ROOT, sshKeysOf, type HostFiles, type HostPrograms } from '@hauban/shared/actions';
import type { AccountQueries } from '@hauban/shared/actions';
import { PROGRAM_PATHS } from '../program-paths.ts';
import { saidBy } from '../run-program.ts';
import { errorCode } from '../safe-path.ts';
import { checkName } from './account-name.ts';

async function isInstalled(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

const NO_SSHD = { fingerprints: [], problem: null, readsKeys: false, isInstalled: false } as const;

/** The account's keys as ssh's own programs see them. */
export async function askSsh(
  files: HostFiles,
  programs: HostPrograms,
  account: string,
): Promise<AccountQueries['account.ssh']['answer']> {
  const name = checkName(account);
  if (!(await isInstalled(PROGRAM_PATHS.sshd))) return NO_SSHD;
  const path = sshKeysOf(name);
  const isThere = (await files.state(path)).type === 'file';
  const listed = isThere ? await programs.run('ssh-keygen', ['-l', '-f', path]) : null;
  const fingerprints = listed?.status === 0 ? listed.stdout.split('\n').filter((line) => line !== '') : [];
  const test = await programs.run('sshd', ['-t']);
  if (test.status !== 0) return { fingerprints, problem: saidBy(test), readsKeys: false, isInstalled: true };
  // What sshd would do for that user, Match blocks included.
  const says = await programs.run('sshd', ['-T', '-C', `user=${name},host=localhost,addr=127.0.0.1`]);
  const sources = /^authorizedkeysfile (.*)$/m.exec(says.stdout)?.[1]?.split(' ') ?? [];
  const readsKeys = sources.includes(`${SSH_KEYS_ROOT}/%u`) || sources.includes(path);
  return { fingerprints, problem: null, readsKeys, isInstalled: true };
}
