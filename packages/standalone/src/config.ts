import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

/** Where everything of one standalone copy lives, and how it is reached. */
export interface StandaloneConfig {
  readonly dataDir: string;
  /** Unix sockets; short, since a socket path holds 107 bytes. */
  readonly runDir: string;
  readonly host: string;
  readonly port: number;
  /** Address that people and agents use. */
  readonly publicUrl: string;
  /** An existing PostgreSQL 15+; null: the embedded one. */
  readonly databaseUrl: string | null;
  /** The controller's file of identity providers, or null. */
  readonly signOnFile: string | null;
  /** Where webhooks may be sent besides. */
  readonly webhookFile: string | null;
  readonly isRoot: boolean;
  readonly userName: string;
}

const DEFAULT_PORT = 7460;
const ROOT_FALLBACK = '/var/lib/hauban-standalone';

/** PostgreSQL refuses to run as root, so another user must be able to walk down to the data folder. */
function othersMayReach(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    try {
      if ((statSync(at).mode & 0o001) === 0) return false;
    } catch (error) {
      // A folder that is not there yet is made with mode 0755.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return false;
    }
    if (at === dirname(at)) return true;
  }
}

function parsePort(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new HaubanError('CONFIG_BAD', `HAUBAN_PORT is "${text}", but a port is a number from 1 to 65535.`);
  return port;
}

function chooseDataDir(wanted: string | undefined, home: string, isRoot: boolean): string {
  if (wanted !== undefined && wanted !== '') return resolve(wanted);
  const beside = join(home, 'data');
  return isRoot && !othersMayReach(beside) ? ROOT_FALLBACK : beside;
}

/** Sockets beside the data when the path is short enough, else in a folder of /tmp that is named after it. */
function chooseRunDir(dataDir: string, uid: number): string {
  const beside = join(dataDir, 'run');
  const longest = '/node/shells/00000000-0000-0000-0000-000000000000.sock';
  if (Buffer.byteLength(beside + longest) <= 107) return beside;
  return `/tmp/hauban-${uid}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
}

/** Reads the environment; `home` is the folder of the project. One sentence for whatever is not usable. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, home: string): StandaloneConfig {
  const user = userInfo();
  const isRoot = user.uid === 0;
  const port = parsePort(env['HAUBAN_PORT']);
  const host = env['HAUBAN_HOST'] ?? '127.0.0.1';
  const dataDir = chooseDataDir(env['HAUBAN_DATA'], home, isRoot);
  if (isRoot && env['DATABASE_URL'] === undefined && !othersMayReach(dataDir)) {
    throw new HaubanError(
      'CONFIG_BAD',
      `The data folder ${dataDir} lies below a folder that only root may enter, but PostgreSQL must not run as root: set HAUBAN_DATA to a folder that others may reach, for example ${ROOT_FALLBACK}.`,
    );
  }
  return {
    dataDir,
    runDir: chooseRunDir(dataDir, user.uid),
    host,
    port,
    publicUrl: env['HAUBAN_PUBLIC_URL'] ?? `http://localhost:${port}`,
    databaseUrl: env['DATABASE_URL'] ?? null,
    signOnFile: env['HAUBAN_SIGN_ON_FILE'] ?? null,
    webhookFile: env['HAUBAN_WEBHOOK_FILE'] ?? null,
    isRoot,
    userName: user.username,
  };
}

/** Fails with one sentence when the folder is not writable. */
export function assertWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new HaubanError(
      'CONFIG_BAD',
      `The data folder ${path} is not writable for this user: choose another with HAUBAN_DATA.`,
      { cause: error },
    );
  }
}

/** Version of the project, from its package.json. */
export function projectVersion(home: string): string {
  const parsed = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version?: unknown };
  return typeof parsed.version === 'string' ? parsed.version : 'unknown';
}
