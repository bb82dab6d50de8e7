import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { createAllowedStep } from './allowed-step.ts';
import { loadAuthorityRing } from './authority-ring.ts';
import { loadBundleStore } from './bundle-store.ts';
import { loadLeavers } from './leavers.ts';
import { createKeyFolder, type KeySource } from './key-source.ts';
import { loadPassphrase, type PassphraseFiles } from './load-authority-key.ts';
import { createSignerServer } from './signer-server.ts';
import { openToken, type TokenSettings } from './token-key.ts';

export interface SignerSettings {
  readonly socketPath: string;
  /** Folder of the key, made when absent; nobody else may enter. */
  readonly keyDir: string;
  readonly passphrase: PassphraseFiles;
  /** The key is on this token; default: in the folder. */
  readonly token?: TokenSettings | null;
  /** User that may ask besides root and our own: the controller's. Null: it runs as the same user. */
  readonly callerUid?: number | null;
}

export interface RunningSigner {
  /** Stops listening, lets questions that are being answered end, removes the socket. */
  stop(): Promise<void>;
}

/** A socket that a kill left behind is in the way; one that answers belongs to a living signer. */
async function clearStaleSocket(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket())
      throw new HaubanError('CONFIG_BAD', `${path} is not a socket: choose another HAUBAN_SIGNER_SOCKET.`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isAlive) throw new HaubanError('DATA_IN_USE', `Another signer listens on ${path}: stop it first.`);
  rmSync(path, { force: true });
}

const openKeys = async ({ keyDir, passphrase, token = null }: SignerSettings, log: Log): Promise<KeySource> =>
  token === null ? createKeyFolder(keyDir, loadPassphrase(passphrase), log) : await openToken(token);

/** Loads or makes the authority key and listens. Who may ask is decided by the socket's folder, made with mode 0700 when absent, and by who the kernel says has connected. */
export async function runSigner(
  settings: SignerSettings,
  clock: Clock,
  log: Log,
  actions: ReadonlyMap<string, ActionDefinition> = ACTIONS,
): Promise<RunningSigner> {
  mkdirSync(settings.keyDir, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(settings.socketPath), { recursive: true, mode: 0o700 });
  const ring = await loadAuthorityRing(settings.keyDir, await openKeys(settings, log));
  ring.removeRetired(clock.nowMs());
  const store = await loadBundleStore(settings.keyDir, ring.chain);
  const leavers = loadLeavers(settings.keyDir);
  await clearStaleSocket(settings.socketPath);
  const ownUid = process.getuid?.() ?? 0;
  const callers = [0, ownUid, settings.callerUid ?? ownUid];
  const server = createSignerServer({
    ring,
    store,
    leavers,
    allowed: createAllowedStep(settings.keyDir),
    actions,
    callers,
    clock,
    log,
  });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new HaubanError('CONFIG_BAD', `The signer cannot listen on ${settings.socketPath}: ${error.message}.`, {
          cause: error,
        }),
      ),
    );
    server.listen(settings.socketPath, resolve);
  });
  // Group: on an installed controller the folder belongs to the controller's group.
  chmodSync(settings.socketPath, 0o660);
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          ring.close();
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
