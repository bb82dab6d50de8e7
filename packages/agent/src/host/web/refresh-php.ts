import {
  homeOf,
  phpMasterOf,
  socketLinkOf,
  standbyOf,
  UID_RANGE,
  type HostAccounts,
  type HostFiles,
  type HostPhp,
  type PhpMaster,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { requestFastCgi } from '../fastcgi-client.ts';
import { scriptParams } from '../php.ts';

/** Restarts an account's PHP while a second master of the same version answers. */

export interface PhpParts {
  readonly files: HostFiles;
  readonly accounts: HostAccounts;
  readonly php: HostPhp;
}

async function linkTarget(files: HostFiles, account: string): Promise<string> {
  const state = await files.state(socketLinkOf(account));
  return state.type === 'symlink' ? state.target : '';
}

const PAGE_TIMEOUT_MS = 10_000;

/** Status of the first page of the account by this master; null: it does not answer, or there is none. */
async function pageStatus({ home, socket }: PhpMaster): Promise<number | null> {
  try {
    const page = scriptParams('/index.php', `${home}/var/www/index.php`);
    return (await requestFastCgi(socket, page, PAGE_TIMEOUT_MS)).status;
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'UNAVAILABLE') return null;
    throw error;
  }
}

/** What PHP reads for all accounts may have been changed by a hand: our own page may stand that, and the customer's not. */
async function checkPage(master: PhpMaster, standby: PhpMaster): Promise<void> {
  const [now, then] = [await pageStatus(master), await pageStatus(standby)];
  if (now !== null && now < 500 && then !== null && then >= 500)
    throw new HaubanError(
      'VERIFY_FAILED',
      `the first page of ${master.account} would answer ${then} after a restart of PHP ${master.version}; it answers ${now} now`,
    );
}

/** The same configuration on another socket. */
async function standUp({ files, php }: PhpParts, master: PhpMaster, standby: PhpMaster): Promise<void> {
  const state = await files.state(master.configFile);
  if (state.type !== 'file') throw new HaubanError('ACTION_FAILED', `${master.configFile} is not there`);
  // One that a crash left runs with what was on disk then.
  await php.stop(standby);
  const { content, mode, uid, gid } = state;
  await files.writeFile(standby.configFile, content.replaceAll(master.socket, standby.socket), { mode, uid, gid });
  await php.start(standby);
  await php.probe(standby);
  await checkPage(master, standby);
  await files.writeSymlink(socketLinkOf(master.account), standby.socket);
}

async function masterFrom(
  { accounts }: PhpParts,
  args: { readonly account: string; readonly version: string; readonly uid: number },
): Promise<PhpMaster> {
  const { account, version, uid } = args;
  const user = await accounts.userByName(account);
  const isHosting =
    user !== null &&
    user.uid === uid &&
    uid >= UID_RANGE.first &&
    uid <= UID_RANGE.last &&
    user.home === homeOf(account);
  if (!isHosting || !/^[0-9]\.[0-9]$/.test(version))
    throw new HaubanError('ACTION_REFUSED', `${account.slice(0, 40)} has no PHP ${version.slice(0, 10)} on this node`);
  return phpMasterOf(account, uid, version);
}

/**
 * The standby's file goes before the link names the master again: while both are there, no standby ever answered, and the
 * master still runs with what it had before.
 */
async function neverStoodUp({ files }: PhpParts, target: string, master: PhpMaster): Promise<boolean> {
  return target === master.socket && (await files.state(standbyOf(master).configFile)).type === 'file';
}

/** Idempotent from wherever a crash left it: whoever the link names goes on answering until the other one does. */
export async function refreshPhp(
  parts: PhpParts,
  args: { readonly account: string; readonly version: string; readonly uid: number; readonly isBack?: true },
): Promise<void> {
  const { files, php } = parts;
  const master = await masterFrom(parts, args);
  const standby = standbyOf(master);
  const target = await linkTarget(files, master.account);
  if (target !== master.socket && target !== standby.socket)
    throw new HaubanError('CHANGE_CONFLICT', `${socketLinkOf(master.account)} names another PHP meanwhile`);
  if (args.isBack === true && (await neverStoodUp(parts, target, master))) {
    await php.stop(standby);
    return files.removeFile(standby.configFile);
  }
  const isStandingIn = target === standby.socket && (await php.isRunning(standby));
  if (!isStandingIn) await standUp(parts, master, standby);
  await php.stop(master);
  await php.start(master);
  await php.probe(master);
  await files.removeFile(standby.configFile);
  await files.writeSymlink(socketLinkOf(master.account), master.socket);
  return php.stop(standby);
}
