import { constants, type Dirent } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { homeOf, type SiteFinding, type SiteScan } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { errorCode } from '../safe-path.ts';
import { judgeHtaccess } from './htaccess-rules.ts';

/**
 * Reads the .htaccess files of a site. Through descriptors, no link followed, nothing opened that could block, and
 * only what belongs to the account: a hard link to somebody else's file is not read. Bounded in every direction.
 */

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const LIMITS = { entries: 50_000, files: 500, fileBytes: 256 * 1024, depth: 24, timeMs: 20_000, findings: 500 };
/** Where applications keep what they made; never a .htaccess of somebody who thought about it, and often very large. */
const NAME = '.htaccess';

interface Walk {
  readonly uid: number;
  readonly endMs: number;
  readonly findings: SiteFinding[];
  readonly limits: Set<string>;
  entriesLeft: number;
  filesRead: number;
}

/** Names go into findings: only what can do no harm on a screen. */
const shown = (path: string): string => path.replaceAll(/[^\x20-\x7e]/g, '?').slice(-200);

const PASSED_OVER = ['ENOENT', 'ELOOP', 'ENOTDIR', 'EACCES', 'ENXIO'];

async function openQuietly(path: string, flags: number): Promise<FileHandle | null> {
  try {
    return await open(path, flags | O_NOFOLLOW);
  } catch (error) {
    if (PASSED_OVER.includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}

const notPlain = (file: string): SiteFinding => ({
  file,
  line: null,
  severity: 'breaks',
  what: 'it is no plain file of the account and was not read',
  fix: 'Put a plain file in its place, or remove it.',
});

async function readHtaccess(walk: Walk, path: string, file: string): Promise<void> {
  if (walk.filesRead >= LIMITS.files) return void walk.limits.add(`more than ${LIMITS.files} files of this name`);
  const handle = await openQuietly(path, O_RDONLY | O_NONBLOCK);
  if (handle === null) return void walk.findings.push(notPlain(file));
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.uid !== walk.uid) return void walk.findings.push(notPlain(file));
    if (stat.size > LIMITS.fileBytes)
      return void walk.limits.add(`${file}, which is larger than ${LIMITS.fileBytes / 1024} KiB`);
    const buffer = Buffer.alloc(stat.size);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    walk.filesRead += 1;
    walk.findings.push(...judgeHtaccess(file, buffer.toString('utf8', 0, bytesRead)));
  } finally {
    await handle.close();
  }
  return undefined;
}

function isOver(walk: Walk, clock: Clock): boolean {
  if (walk.entriesLeft <= 0) walk.limits.add(`more than ${LIMITS.entries} entries`);
  else if (clock.monotonicMs() > walk.endMs) walk.limits.add(`what takes longer than ${LIMITS.timeMs / 1000} s`);
  else if (walk.findings.length >= LIMITS.findings) walk.limits.add(`more than ${LIMITS.findings} findings`);
  else return false;
  return true;
}

async function walkFolder(walk: Walk, clock: Clock, handle: FileHandle, path: string, depth: number): Promise<void> {
  const at = (name: string): string => `/proc/self/fd/${handle.fd}/${name}`;
  const entries: Dirent[] = await readdir(at(''), { withFileTypes: true });
  for (const entry of entries) {
    if (isOver(walk, clock)) return;
    walk.entriesLeft -= 1;
    const file = shown(`${path}${entry.name}`);
    if (entry.name === NAME) await readHtaccess(walk, at(entry.name), file);
    else if (entry.isDirectory()) {
      if (depth === 0) walk.limits.add(`${file}, which lies too deep`);
      else {
        const below = await openQuietly(at(entry.name), O_RDONLY | O_DIRECTORY);
        if (below === null) continue;
        try {
          await walkFolder(walk, clock, below, `${path}${entry.name}/`, depth - 1);
        } finally {
          await below.close();
        }
      }
    }
  }
}

/** The folder itself, each part of its path through a descriptor. */
async function openRoot(account: string, docroot: string): Promise<FileHandle | null> {
  let handle = await openQuietly(`${homeOf(account)}/var/www`, O_RDONLY | O_DIRECTORY);
  for (const part of docroot === '' ? [] : docroot.split('/')) {
    if (handle === null) return null;
    const next: FileHandle | null = await openQuietly(`/proc/self/fd/${handle.fd}/${part}`, O_RDONLY | O_DIRECTORY);
    await handle.close();
    handle = next;
  }
  return handle;
}

export async function scanSite(
  clock: Clock,
  { account, uid, docroot }: { readonly account: string; readonly uid: number; readonly docroot: string },
): Promise<SiteScan> {
  const isShort = docroot.length <= 4096 && docroot.split('/').every((part) => Buffer.byteLength(part) <= 255);
  const isClean = isShort && /^[a-z][a-z0-9]{2,15}$/.test(account) && !/(?:^|\/)\.|\/\/|^\/|\0/.test(docroot);
  if (!isClean) throw new HaubanError('ACTION_REFUSED', 'that is no folder of a site');
  const walk: Walk = {
    uid,
    endMs: clock.monotonicMs() + LIMITS.timeMs,
    findings: [],
    limits: new Set(),
    entriesLeft: LIMITS.entries,
    filesRead: 0,
  };
  const root = await openRoot(account, docroot);
  if (root === null) return { findings: [], filesRead: 0, limits: ['the folder of the site is not there'] };
  try {
    await walkFolder(walk, clock, root, '', LIMITS.depth);
  } finally {
    await root.close();
  }
  const byPlace = (a: SiteFinding, b: SiteFinding): number =>
    a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1;
  return { findings: walk.findings.toSorted(byPlace), filesRead: walk.filesRead, limits: [...walk.limits].toSorted() };
}
