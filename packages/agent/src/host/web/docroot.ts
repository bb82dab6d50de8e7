import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { HOMES_ROOT, UID_RANGE, type DocumentRoot, type HostAccounts } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { mustRun } from '../run-program.ts';
import { errorCode } from '../safe-path.ts';
import type { ResourceDriver } from '../drivers.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';

/** The folder of a site below an account's var/www: looked at through descriptors, made and removed as the account. */

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const ID = /^([a-z][a-z0-9]{2,15})\/((?:[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\/){0,7}[A-Za-z0-9_][A-Za-z0-9._-]{0,63})$/;

function parseId(id: string): { readonly account: string; readonly path: string } {
  const [, account, path] = ID.exec(id) ?? [];
  if (account === undefined || path === undefined)
    throw new HaubanError('ACTION_REFUSED', `${id.slice(0, 80)} is no document root`);
  return { account, path };
}

async function lookAt(id: string, uidOf: (account: string) => Promise<number>): Promise<DocumentRoot | null> {
  const { account, path } = parseId(id);
  const uid = await uidOf(account);
  let walked = `${HOMES_ROOT}/${account}/var/www`;
  let handle = await open(walked, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    for (const part of path.split('/')) {
      walked = `${walked}/${part}`;
      const next = await open(`/proc/self/fd/${handle.fd}/${part}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      await handle.close();
      handle = next;
      const stat = await handle.stat();
      if (stat.uid !== uid)
        throw new HaubanError('ACTION_REFUSED', `${walked} belongs to uid ${stat.uid}, not to ${account}`);
    }
    const { uid: owner, mode } = await handle.stat();
    return { uid: owner, mode: mode & 0o7777 };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    if (['ELOOP', 'ENOTDIR'].includes(errorCode(error) ?? ''))
      throw new HaubanError('ACTION_REFUSED', `${walked} is a link or no folder: a site is not put there`);
    throw error;
  } finally {
    await handle.close();
  }
}

export function createDocroots(accounts: HostAccounts): ResourceDriver<'web.docroot'> {
  const uidOf = async (account: string): Promise<number> => {
    const user = await accounts.userByName(account);
    if (user === null || user.uid < UID_RANGE.first || user.uid > UID_RANGE.last)
      throw new HaubanError('ACTION_REFUSED', `${account} is no hosting account of this node`);
    return user.uid;
  };
  return {
    read: (id) => lookAt(id, uidOf),
    async write(id, value) {
      const { account, path } = parseId(id);
      const uid = await uidOf(account);
      const there = await lookAt(id, uidOf);
      const place = `${HOMES_ROOT}/${account}/var/www/${path}`;
      // As the account: whatever it puts in the way leads nowhere that it could not go itself.
      const as = { uid, gid: uid };
      if (value === null && there !== null) await mustRun(PROGRAM_PATHS.rmdir, ['--', place], { as });
      if (value !== null && there === null)
        await mustRun(PROGRAM_PATHS.mkdir, [`--mode=${value.mode.toString(8)}`, '--', place], { as });
    },
  };
}
