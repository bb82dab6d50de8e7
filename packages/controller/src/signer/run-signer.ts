import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { loadOrCreateKeyPair } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { DEFAULT_SIGN_LIMITS } from './sign-rules.ts';
import { createSignerServer } from './signer-server.ts';

export interface SignerSettings {
  readonly socketPath: string;
  /** Folder of the key, made when absent; nobody else may enter. */
  readonly keyDir: string;
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

/** Loads or makes the authority key and listens. The socket's folder decides who may ask: it is made with mode 0700 when absent. */
export async function runSigner(settings: SignerSettings, clock: Clock, log: Log): Promise<RunningSigner> {
  mkdirSync(settings.keyDir, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(settings.socketPath), { recursive: true, mode: 0o700 });
  const key = loadOrCreateKeyPair(join(settings.keyDir, 'authority-key.json'));
  await clearStaleSocket(settings.socketPath);
  const server = createSignerServer({ key, limits: DEFAULT_SIGN_LIMITS, clock, log });
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
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
