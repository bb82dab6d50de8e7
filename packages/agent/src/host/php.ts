import { access, readdir, readFile } from 'node:fs/promises';
import {
  parseProbeReply,
  PING_PATH,
  phpLogOf,
  PROBE_PARAMS,
  socketLinkOf,
  type HostFiles,
  type HostPhp,
  type PhpMaster,
  type PhpProbe,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { requestFastCgi } from './fastcgi-client.ts';
import type { PhpDriver, Starting } from './php-drivers.ts';
import { MOUNT_POINT, NAME_FILES, type PhpInstallation } from './php-sandbox.ts';
import type { RequireRoot } from './program-paths.ts';
import { errorCode } from './safe-path.ts';
import { waitUntil } from './wait-until.ts';

const NATIVE_FOLDER = '/usr/sbin';
/** A tree a version: `/opt/hauban/php/7.4/usr/sbin/php-fpm7.4`. */
const FOREIGN_FOLDER = '/opt/hauban/php';
const REQUEST_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 15_000;
/** How long requests that came before the switch may take; php-fpm itself gives those that it works on 10 s, those that wait none. */
const FINISH_TIMEOUT_MS = 45_000;
const VERSION = /^[0-9]\.[0-9]$/;

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

const fpmOf = (version: string): string => `${NATIVE_FOLDER}/php-fpm${version}`;

async function listVersions(): Promise<readonly string[]> {
  const native = (await namesIn(NATIVE_FOLDER)).flatMap((name) => /^php-fpm([0-9]\.[0-9])$/.exec(name)?.[1] ?? []);
  const foreign: string[] = [];
  for (const version of await namesIn(FOREIGN_FOLDER))
    if (VERSION.test(version) && (await isThere(`${FOREIGN_FOLDER}/${version}${fpmOf(version)}`)))
      foreign.push(version);
  return [...new Set([...native, ...foreign])].sort();
}

/** A foreign tree is made ready once: empty places for what the master gets from this machine. */
async function prepareRoot(files: HostFiles, root: string): Promise<void> {
  const mountPoint = `${root}${MOUNT_POINT}`;
  if ((await files.state(mountPoint)).type === 'absent')
    await files.makeDirectory(mountPoint, { mode: 0o755, uid: 0, gid: 0 });
  for (const name of NAME_FILES) {
    const { type } = await files.state(`${root}${name}`);
    if (type !== 'file') await files.writeFile(`${root}${name}`, '', { mode: 0o644, uid: 0, gid: 0 });
  }
}

/** The machine's own package goes before a tree. */
async function locate(files: HostFiles, version: string): Promise<PhpInstallation> {
  const binary = fpmOf(version);
  if (!VERSION.test(version)) throw new HaubanError('BAD_REQUEST', 'that is no PHP version');
  if (await isThere(binary)) return { version, binary, root: null };
  const root = `${FOREIGN_FOLDER}/${version}`;
  if (await isThere(`${root}${binary}`)) {
    await prepareRoot(files, root);
    return { version, binary, root };
  }
  throw new HaubanError('ACTION_REFUSED', `PHP ${version} is not installed on this node`);
}

export const scriptParams = (script: string, file: string): Readonly<Record<string, string>> => ({
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: script,
  SCRIPT_FILENAME: file,
  REQUEST_URI: script,
  QUERY_STRING: '',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_NAME: 'localhost',
  SERVER_PORT: '80',
  REMOTE_ADDR: '127.0.0.1',
});

async function ping(master: PhpMaster): Promise<boolean> {
  try {
    const reply = await requestFastCgi(master.socket, scriptParams(PING_PATH, PING_PATH), REQUEST_TIMEOUT_MS);
    return reply.body.trim() === 'pong';
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'UNAVAILABLE') return false;
    throw error;
  }
}

async function probe(master: PhpMaster): Promise<PhpProbe> {
  const page = `${master.configFile.slice(0, master.configFile.lastIndexOf('/'))}/probe.php`;
  const reply = await requestFastCgi(
    master.socket,
    {
      ...scriptParams('/probe.php', page),
      [PROBE_PARAMS.homesRoot]: master.homesRoot,
      [PROBE_PARAMS.home]: master.home,
    },
    REQUEST_TIMEOUT_MS,
  );
  const saw = parseProbeReply(reply.body);
  if (saw === null || saw.visibleHomes === null || saw.canWriteHome === null)
    throw new HaubanError(
      'VERIFY_FAILED',
      `PHP ${master.version} of ${master.account} answers its probe page with status ${reply.status}, not as it should`,
    );
  return { ...saw, visibleHomes: saw.visibleHomes, canWriteHome: saw.canWriteHome };
}

/** A socket that listens, in the flags of /proc/net/unix. */
const LISTENS = '00010000';

/** Connections to a Unix socket: those that a process works on and those that wait for one. */
export const countConnections = (table: string, socket: string): number =>
  table.split('\n').filter((line) => line.endsWith(` ${socket}`) && line.split(/\s+/)[3] !== LISTENS).length;

/** Once no new request can come: waits for those that have come. php-fpm drops what waits for a free process when it stops. */
async function finishRequests(clock: Clock, files: HostFiles, { account, socket }: PhpMaster): Promise<void> {
  const link = await files.state(socketLinkOf(account));
  if (link.type === 'symlink' && link.target === socket) return;
  await waitUntil(clock, FINISH_TIMEOUT_MS, async () =>
    countConnections(await readFile('/proc/net/unix', 'utf8'), socket) === 0 ? true : null,
  );
}

export function createPhp(clock: Clock, files: HostFiles, driver: PhpDriver, requireRoot: RequireRoot): HostPhp {
  const answers = async (master: PhpMaster): Promise<void> => {
    const answered = await waitUntil(clock, START_TIMEOUT_MS, async () => ((await ping(master)) ? true : null));
    if (answered === null)
      throw new HaubanError(
        'ACTION_FAILED',
        `PHP ${master.version} of ${master.account} was started and does not answer; see ${phpLogOf(master.account)}`,
      );
  };
  const startAll = async (masters: readonly PhpMaster[]): Promise<void> => {
    requireRoot('Starting PHP');
    const running = await Promise.all(masters.map((master) => driver.isRunning(master)));
    const starting: Starting[] = [];
    for (const [index, master] of masters.entries())
      if (running[index] === false)
        starting.push({ master, installation: await locate(files, master.version), logFile: phpLogOf(master.account) });
    if (starting.length > 0) await driver.start(starting);
    await Promise.all(masters.map(answers));
  };
  const stopAll = async (masters: readonly PhpMaster[]): Promise<void> => {
    requireRoot('Stopping PHP');
    await Promise.all(masters.map((master) => finishRequests(clock, files, master)));
    await driver.stop(masters);
  };
  return {
    installedVersions: listVersions,
    isRunning: (master) => driver.isRunning(master),
    start: (master) => startAll([master]),
    startAll,
    stop: (master) => stopAll([master]),
    stopAll,
    probe,
  };
}
