import { createHash } from 'node:crypto';
import { closeSync, constants, open as openCallback, read as readCallback } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HaubanError } from '@hauban/shared/errors';
import { parseDirectives } from '../rehearsal/index.ts';
import { errorCode } from './safe-path.ts';

/** The files that Apache reads when it (re)loads: followed from apache2.conf through every Include, plus certificates and keys. */

export const APACHE_FOLDER = '/etc/apache2';
const MAIN_FILE = `${APACHE_FOLDER}/apache2.conf`;
const TEXT_LIMIT_BYTES = 1024 * 1024;
/** Includes of includes; Apache's own limit is 128. */
const MAX_FILES = 20_000;

async function quietly<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}

/** By number: a look at the configuration reads thousands of files, and each detour through the thread pool counts. */
const openNumber = promisify(openCallback);
const readInto = promisify(readCallback);

async function readFirst(path: string, sizeBytes: number): Promise<string | null> {
  const fd = await quietly(openNumber(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (fd === null) return null;
  try {
    const buffer = Buffer.alloc(Math.min(sizeBytes, TEXT_LIMIT_BYTES));
    const { bytesRead } = await readInto(fd, buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    closeSync(fd);
  }
}

/** First MiB of a regular file, links followed as Apache follows them; null when there is none. */
export async function readText(path: string): Promise<string | null> {
  const found = await quietly(stat(path));
  return found?.isFile() === true ? readFirst(path, found.size) : null;
}

/** `*` and `?` as Apache's apr_fnmatch takes them: within one component, no leading dot. */
function matchesGlob(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}

/** What an Include names, with globs in any component. */
async function expandInclude(pattern: string): Promise<readonly string[]> {
  let paths = [''];
  for (const part of pattern.split('/').slice(1)) {
    const next: string[] = [];
    for (const path of paths) {
      if (!/[*?]/.test(part)) next.push(`${path}/${part}`);
      else {
        const names = (await quietly(readdir(path === '' ? '/' : path))) ?? [];
        next.push(
          ...names
            .filter((name) => matchesGlob(part, name))
            .sort()
            .map((name) => `${path}/${name}`),
        );
      }
    }
    paths = next;
  }
  return paths;
}

/** Text of every configuration file by the path it is included by; a file that is not there is left out. */
export async function loadApacheFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const queue = [MAIN_FILE];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (files.has(path)) continue;
    if (files.size >= MAX_FILES)
      throw new HaubanError('CONFIG_INVALID', `Apache includes more than ${MAX_FILES} files`);
    const found = await quietly(stat(path));
    // A directory means all that is in it, in its place.
    if (found?.isDirectory() === true) queue.unshift(...(await expandInclude(`${path}/*`)));
    const text = found?.isFile() === true ? await readFirst(path, found.size) : null;
    if (text === null) continue;
    files.set(path, text);
    for (const { name, args } of parseDirectives(path, text))
      if (name === 'include' || name === 'includeoptional')
        queue.push(
          ...(await expandInclude(join('/', args[0]?.startsWith('/') === true ? '' : APACHE_FOLDER, args[0] ?? ''))),
        );
  }
  return files;
}

const FILE_DIRECTIVES = [
  'sslcertificatefile',
  'sslcertificatekeyfile',
  'sslcertificatechainfile',
  'sslcacertificatefile',
];

/** What else it reads when it loads: certificates, keys, the variables of its start script. */
function furtherFiles(files: ReadonlyMap<string, string>): readonly string[] {
  const paths = new Set([`${APACHE_FOLDER}/envvars`]);
  for (const [file, text] of files)
    for (const { name, args } of parseDirectives(file, text))
      if (FILE_DIRECTIVES.includes(name) && args[0]?.startsWith('/') === true) paths.add(args[0]);
  return [...paths];
}

/** When content, name or owner last changed, of the file and of the link to it; Unix ms. */
export async function changeTimeMs(path: string): Promise<number> {
  const [own, target] = [await quietly(lstat(path)), await quietly(stat(path))];
  return Math.max(own?.ctimeMs ?? 0, target?.ctimeMs ?? 0);
}

/** Everything that a reload would load now. */
export interface LiveFiles {
  /** Of the configuration alone, by path. */
  readonly texts: ReadonlyMap<string, string>;
  /** SHA-256 of each of these, and of the certificates, keys and variables that it reads besides. */
  readonly fingerprint: Readonly<Record<string, string>>;
}

export async function lookAtApacheFiles(): Promise<LiveFiles> {
  const texts = await loadApacheFiles();
  const all = new Map(texts);
  for (const path of furtherFiles(texts)) {
    const text = await readText(path);
    if (text !== null) all.set(path, text);
  }
  const shaOf = (text: string): string => createHash('sha256').update(text).digest('hex');
  return { texts, fingerprint: Object.fromEntries([...all].map(([path, text]) => [path, shaOf(text)])) };
}

/** Folders whose entries decide what is enabled: a removed file shows only there. */
export async function enabledFoldersChangedMs(): Promise<number> {
  const folders = ['sites-enabled', 'conf-enabled', 'mods-enabled'].map((name) => `${APACHE_FOLDER}/${name}`);
  const times = await Promise.all(folders.map(async (path) => (await quietly(stat(path)))?.mtimeMs ?? 0));
  return Math.max(...times);
}
