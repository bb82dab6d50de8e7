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

/** Idempotent from wherever a crash left it: whoever the link names goes on answering until the other one does. */
export async function refreshPhp(
  parts: PhpParts,
  args: { readonly account: string; readonly version: string; readonly uid: number },
): Promise<void> {
  const { files, php } = parts;
  const master = await masterFrom(parts, args);
  const standby = standbyOf(master);
  const target = await linkTarget(files, master.account);
  if (target !== master.socket && target !== standby.socket)
    throw new HaubanError('CHANGE_CONFLICT', `${socketLinkOf(master.account)} names another PHP meanwhile`);
  const isStandingIn = target === standby.socket && (await php.isRunning(standby));
  if (!isStandingIn) await standUp(parts, master, standby);
  await php.stop(master);
  await php.start(master);
  await php.probe(master);
  await files.writeSymlink(socketLinkOf(master.account), master.socket);
  await php.stop(standby);
  await files.removeFile(standby.configFile);
}
