import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bringUpNetwork, emptyFolder, LOG_ROOT, readLogs } from './rehearsal-tools.ts';
import { runProgram, spawnProgram } from './run-program.ts';
import { errorCode } from './safe-path.ts';

/** Debian's own php-fpm with all of its pools, started inside private namespaces: what would end it at a reload ends it here. */

export interface PoolJob {
  /** PHP version. */
  readonly poolsOf: string;
  /** Put on `lo` of the private network. */
  readonly addresses: readonly string[];
}

export interface PoolEnd {
  /** Null: it listens everywhere. */
  readonly fault: string | null;
  /** Where it listens. */
  readonly listens: readonly string[];
}

const START_TIMEOUT_MS = 15_000;
const POLL_MS = 15;
const OUTPUT = `${LOG_ROOT}/hauban-rehearsal.output`;

const fpmOf = (version: string): string => `/usr/sbin/php-fpm${version}`;

/** `[22-Nov-2026 21:55:49] ERROR: [/etc/php/8.2/fpm/pool.d/x.conf:3] unknown entry 'x'`: the first one says what, the last only that. */
export function parsePoolFault(said: string): string {
  const faults = said.split('\n').flatMap((line) => /\b(?:ERROR|ALERT): (.*)$/.exec(line)?.[1] ?? []);
  const first = faults[0] ?? said.trim().split('\n').at(-1) ?? '';
  return first.replace(/^\[(\/[^\]]+):(\d+)\] /, '$1 line $2: ').slice(0, 500) || 'php-fpm ends without a word';
}

/** From `php-fpm -tt`, which prints every setting of every pool. */
export const parsePoolListens = (shown: string): readonly string[] => [
  ...new Set([...shown.matchAll(/NOTICE: \s*listen = (\S+)$/gm)].map(([, place = '']) => place)),
];

const isThere = async (path: string): Promise<boolean> => {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
};

/** Folders of sockets and of the pid file, the outer ones only: the same folders, without the sockets of the one that runs. */
async function emptyRunFolders(places: readonly string[]): Promise<void> {
  const folders = [...new Set(['/run/php', ...places.map(dirname)])].toSorted((a, b) => a.length - b.length);
  const outer = folders.filter(
    (folder, index) => folder !== '/' && !folders.slice(0, index).some((above) => folder.startsWith(`${above}/`)),
  );
  for (const folder of outer)
    if (await isThere(folder)) await emptyFolder(folder, ((await stat(folder)).mode & 0o1777).toString(8));
}

/** @returns null when it listens everywhere; else what it said before it ended */
async function start(program: string, places: readonly string[]): Promise<string | null> {
  // A file: php-fpm opens its output anew, which fails for the sockets that Node uses as pipes.
  const output = await open(OUTPUT, 'a', 0o600);
  try {
    const child = spawnProgram(program, ['-F'], { stdio: ['ignore', output.fd, output.fd] });
    const endMs = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const listening = await Promise.all(places.map(isThere));
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (!hasEnded && listening.every(Boolean) && (await readLogs()).includes('ready to handle connections'))
        return null;
      if (hasEnded || performance.now() > endMs) return parsePoolFault(await readLogs());
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } finally {
    await output.close();
  }
}

/** Used only inside private mount, network and process namespaces, as root. */
export async function rehearsePools({ poolsOf, addresses }: PoolJob): Promise<PoolEnd> {
  const program = fpmOf(poolsOf);
  await emptyFolder(LOG_ROOT);
  const shown = await runProgram(program, ['-tt']);
  if (shown.status !== 0) return { fault: parsePoolFault(shown.stderr), listens: [] };
  const listens = parsePoolListens(shown.stderr);
  const places = listens.filter((place) => place.startsWith('/'));
  await emptyRunFolders(places);
  await bringUpNetwork(addresses);
  return { fault: await start(program, places), listens };
}
