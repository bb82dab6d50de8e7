/**
 * The embedded database: real PostgreSQL from an npm package, one folder of data, a Unix socket and no TCP port.
 * May not know anything of what is stored in it. The caller holds the lock of the data folder: a PostgreSQL that
 * still runs in it is an orphan of a killed launcher and is stopped before a new one is started.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HaubanError } from '@hauban/shared/errors';
import { closedFolderOnWay, findPostgresAccount, type Account } from './postgres-account.ts';
import { loadPostgresPrograms, type PostgresPrograms } from './postgres-programs.ts';
import { loadPostmasterFile, postgresProcesses } from './postmaster-file.ts';

export interface EmbeddedPostgresOptions {
  /** Holds `cluster/`, `socket/` and `password`; made when absent. */
  readonly dataDir: string;
  /** Folder of `postgres.log`; default `dataDir`. */
  readonly logDir?: string;
  /** Names the socket file; there is no TCP listener. Default 5432. */
  readonly port?: number;
  /** Default 50. */
  readonly maxConnections?: number;
  /** How long the start may take, crash recovery included; default 60,000. */
  readonly startTimeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** For the database `hauban`; `?host=` carries the folder of the Unix socket, as libpq takes it. */
  readonly url: string;
  readonly pid: number;
  /** Fulfilled when the server process has ended, however. */
  readonly exited: Promise<void>;
  /** Ends all connections and shuts down with a checkpoint. Idempotent. */
  stop(): Promise<void>;
}

interface Cluster {
  readonly dataDir: string;
  readonly logFile: string;
  readonly clusterDir: string;
  readonly socketDir: string;
  readonly account: Account | null;
  readonly programs: PostgresPrograms;
  readonly password: string;
}

const SETPRIV = '/usr/bin/setpriv';
const SUPERUSER = 'hauban';
const DATABASE = 'hauban';
/** A Unix socket's path has at most 107 bytes; `/.s.PGSQL.65535` takes 15 of them. */
const SOCKET_DIR_LIMIT = 90;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const STOP_TIMEOUT_MS = 30_000;
const ORPHAN_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

const ENV = { LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8', PATH: '/usr/bin:/bin', TZ: 'UTC' };
const asAccount = (account: Account | null): { uid?: number; gid?: number } =>
  account === null ? {} : { uid: account.uid, gid: account.gid };

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

async function statOrNull(path: string): Promise<{ readonly uid: number; readonly size: number } | null> {
  return stat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
}

/** Beside the data when the path is short enough, else in a folder of /tmp that is named after it: the same at each start. */
function chooseSocketDir(dataDir: string): string {
  const beside = join(dataDir, 'socket');
  if (Buffer.byteLength(beside) <= SOCKET_DIR_LIMIT) return beside;
  return join('/tmp', `hauban-pg-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);
}

/** A folder of that account alone. One that is there already must be ours: /tmp is open to everybody. */
async function makeOwnFolder(path: string, account: Account | null): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  const ours = [process.getuid?.(), account?.uid];
  if (!found.isDirectory() || !ours.includes(found.uid)) {
    throw new HaubanError('CONFIG_BAD', `${path} belongs to somebody else; remove it or choose another data folder`);
  }
  if (account !== null) await chown(path, account.uid, account.gid);
  await chmod(path, 0o700);
}

/** The superuser's password, made once and readable by its owner only. */
async function loadPassword(path: string): Promise<string> {
  const found = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (found !== null) return found.trim();
  const made = randomBytes(24).toString('base64url');
  await writeFile(path, `${made}\n`, { mode: 0o600, flag: 'wx' });
  return made;
}

async function prepare(options: EmbeddedPostgresOptions): Promise<Cluster> {
  const dataDir = resolve(options.dataDir);
  const clusterDir = join(dataDir, 'cluster');
  const account = await findPostgresAccount((await statOrNull(clusterDir))?.uid ?? null);
  await mkdir(dataDir, { recursive: true, mode: account === null ? 0o700 : 0o711 });
  // Entered, not listed, by the account without privilege; what is secret in it has its own mode.
  await chmod(dataDir, account === null ? 0o700 : 0o711);
  const closed = account === null ? null : await closedFolderOnWay(dataDir, account);
  if (closed !== null) {
    throw new HaubanError(
      'CONFIG_BAD',
      `PostgreSQL runs as the account ${account?.name ?? ''} and may not enter ${closed}; choose a data folder outside of it, for example /var/lib/hauban`,
    );
  }
  const socketDir = chooseSocketDir(dataDir);
  await makeOwnFolder(socketDir, account);
  return {
    dataDir,
    logFile: join(options.logDir ?? dataDir, 'postgres.log'),
    clusterDir,
    socketDir,
    account,
    programs: await loadPostgresPrograms(account, join(dataDir, 'programs')),
    password: await loadPassword(join(dataDir, 'password')),
  };
}

/** The last words of PostgreSQL, for the sentence about why it failed; where they cannot be read it says that instead. */
async function tailOfLog(cluster: Cluster): Promise<string> {
  const text = await readFile(cluster.logFile, 'utf8').catch(
    (error: NodeJS.ErrnoException) => `its log ${cluster.logFile} cannot be read (${error.code ?? error.message})`,
  );
  return text.trimEnd().split('\n').slice(-5).join(' | ').slice(-1000);
}

interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly stdin?: string;
}

/** Runs one of PostgreSQL's programs to its end; its output goes to the log. */
async function runProgram(cluster: Cluster, program: Program): Promise<void> {
  const log = await open(cluster.logFile, 'a', 0o600);
  try {
    const child = spawn(program.path, program.args, {
      ...asAccount(cluster.account),
      cwd: '/',
      env: ENV,
      stdio: ['pipe', log.fd, log.fd],
      timeout: 120_000,
    });
    const ended = new Promise<number | null>((done, fail) => {
      child.once('error', fail);
      child.once('exit', done);
    });
    // A program that ended early has closed its input; its exit status says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(program.stdin ?? '');
    const status = await ended;
    if (status !== 0)
      throw new HaubanError(
        'DATABASE',
        `${program.path} ended with ${status ?? 'a signal'}: ${await tailOfLog(cluster)}`,
      );
  } finally {
    await log.close();
  }
}

/** Makes the cluster beside its final place and renames it there when complete: a start that was cut short leaves none. */
async function makeCluster(cluster: Cluster): Promise<void> {
  const staging = `${cluster.clusterDir}.new`;
  await rm(staging, { recursive: true, force: true });
  await makeOwnFolder(staging, cluster.account);
  // initdb reads the password as the account without privilege, so it lies in that account's folder for a moment.
  const passwordFile = join(cluster.socketDir, `initdb-${randomBytes(6).toString('hex')}`);
  await writeFile(passwordFile, cluster.password, { mode: 0o600, flag: 'wx' });
  if (cluster.account !== null) await chown(passwordFile, cluster.account.uid, cluster.account.gid);
  try {
    const args = [
      '-D',
      staging,
      '-U',
      SUPERUSER,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-instructions',
    ];
    await runProgram(cluster, { path: cluster.programs.initdb, args });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await runProgram(cluster, {
    path: cluster.programs.postgres,
    args: ['--single', '-D', staging, 'postgres'],
    stdin: `CREATE DATABASE ${DATABASE}\n`,
  });
  await rename(staging, cluster.clusterDir);
}

/** Ends what a killed launcher left in this cluster: the server by a fast shutdown, its children by its end. */
async function stopOrphans(cluster: Cluster): Promise<void> {
  const deadline = Date.now() + ORPHAN_TIMEOUT_MS;
  const file = await loadPostmasterFile(cluster.clusterDir);
  let running = await postgresProcesses(cluster.clusterDir);
  if (file !== null && running.includes(file.pid)) process.kill(file.pid, 'SIGINT');
  while (running.length > 0) {
    if (Date.now() > deadline)
      throw new HaubanError(
        'DATA_IN_USE',
        `A PostgreSQL (pid ${running.join(', ')}) still works in ${cluster.clusterDir}; end it and start again`,
      );
    await sleep(POLL_MS);
    running = await postgresProcesses(cluster.clusterDir);
  }
  // Nobody works here: whatever process has that pid now is a stranger.
  await rm(join(cluster.clusterDir, 'postmaster.pid'), { force: true });
}

function serverArgs(cluster: Cluster, options: EmbeddedPostgresOptions): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: cluster.socketDir,
    unix_socket_permissions: '0700',
    port: String(options.port ?? 5432),
    max_connections: String(options.maxConnections ?? 50),
    shared_buffers: '64MB',
    fsync: 'on',
    synchronous_commit: 'on',
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C.UTF-8',
    // One small machine: no extra processes for reading ahead.
    io_method: 'sync',
    max_parallel_workers: '2',
    // A launcher that was killed leaves nobody to read it, and a request's values have no place in a log.
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
  };
  return ['-D', cluster.clusterDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** The kernel tells PostgreSQL when we die: after a kill -9 of the launcher it shuts down fast and leaves nothing running. */
function withParentDeath(path: string, args: readonly string[]): { path: string; args: readonly string[] } {
  if (!existsSync(SETPRIV)) return { path, args };
  return { path: SETPRIV, args: ['--pdeathsig', 'INT', '--', path, ...args] };
}

async function startServer(cluster: Cluster, options: EmbeddedPostgresOptions): Promise<ChildProcess> {
  if (((await statOrNull(cluster.logFile))?.size ?? 0) > LOG_LIMIT_BYTES) await rm(cluster.logFile);
  const log = await open(cluster.logFile, 'a', 0o600);
  const { path, args } = withParentDeath(cluster.programs.postgres, serverArgs(cluster, options));
  // Own process group: Ctrl-C at the terminal reaches the launcher, which stops things in order.
  const child = spawn(path, args, {
    ...asAccount(cluster.account),
    cwd: '/',
    env: ENV,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  let failure: unknown = null;
  child.once('error', (error) => {
    failure = error;
  });
  await log.close();
  const deadline = Date.now() + (options.startTimeoutMs ?? 60_000);
  for (;;) {
    const file = await loadPostmasterFile(cluster.clusterDir);
    if (file?.pid === child.pid && file?.isReady === true) return child;
    if (failure !== null || child.exitCode !== null || child.signalCode !== null) {
      throw new HaubanError('DATABASE', `PostgreSQL did not start: ${await tailOfLog(cluster)}`, { cause: failure });
    }
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      throw new HaubanError('DATABASE', `PostgreSQL was not ready in time: ${await tailOfLog(cluster)}`);
    }
    await sleep(POLL_MS);
  }
}

function urlOf({ socketDir, password }: Pick<Cluster, 'socketDir' | 'password'>, port = 5432): string {
  const query = new URLSearchParams({ host: socketDir });
  return `postgres://${SUPERUSER}:${password}@localhost:${port}/${DATABASE}?${query.toString()}`;
}

/** Of the one that runs in that folder already, for whoever may read its password; CONFIG_BAD when there is none. */
export async function runningPostgresUrl(options: Pick<EmbeddedPostgresOptions, 'dataDir'>): Promise<string> {
  const dataDir = resolve(options.dataDir);
  if ((await loadPostmasterFile(join(dataDir, 'cluster')))?.isReady !== true)
    throw new HaubanError('CONFIG_BAD', `No PostgreSQL runs in ${dataDir}: start this copy first ("npm start").`);
  return urlOf({ socketDir: chooseSocketDir(dataDir), password: await loadPassword(join(dataDir, 'password')) });
}

/** Starts PostgreSQL on `dataDir`, making the cluster the first time. DATABASE, DATA_IN_USE or CONFIG_BAD when it cannot. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = await prepare(options);
  if ((await statOrNull(cluster.clusterDir)) === null) await makeCluster(cluster);
  await stopOrphans(cluster);
  const child = await startServer(cluster, options);
  const exited = new Promise<void>((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done();
    else child.once('exit', () => done());
  });
  return {
    url: urlOf(cluster, options.port),
    pid: child.pid ?? 0,
    exited,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGINT');
      const late = setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(late);
    },
  };
}
