import { createHash } from 'node:crypto';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
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

/** First MiB of a regular file, links followed as Apache follows them; null when there is none. */
export async function readText(path: string): Promise<string | null> {
  const found = await quietly(stat(path));
  if (found === null || !found.isFile()) return null;
  const handle = await quietly(open(path, 'r'));
  if (handle === null) return null;
  try {
    const buffer = Buffer.alloc(Math.min(found.size, TEXT_LIMIT_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
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

/** Files that an Include names: globs in any component, a directory means all that is in it. */
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
  const files: string[] = [];
  for (const path of paths) {
    const isFolder = (await quietly(stat(path)))?.isDirectory() === true;
    if (isFolder) files.push(...(await expandInclude(`${path}/*`)));
    else files.push(path);
  }
  return files;
}

/** Text of every configuration file by the path it is included by; a file that is not there is left out. */
export async function loadApacheFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const queue = [MAIN_FILE];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (files.has(path)) continue;
    if (files.size >= MAX_FILES)
      throw new HaubanError('CONFIG_INVALID', `Apache includes more than ${MAX_FILES} files`);
    const text = await readText(path);
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

export interface LoadedFile {
  readonly sha256: string;
  /** When content, name or owner last changed, of the file and of the link to it; Unix ms. */
  readonly changedMs: number;
}

const changeTimeMs = async (path: string): Promise<number> => {
  const [own, target] = [await quietly(lstat(path)), await quietly(stat(path))];
  return Math.max(own?.ctimeMs ?? 0, target?.ctimeMs ?? 0);
};

/** A fingerprint of everything that a reload would load now. */
export async function fingerprintApache(): Promise<ReadonlyMap<string, LoadedFile>> {
  const texts = new Map(await loadApacheFiles());
  for (const path of furtherFiles(texts)) {
    const text = await readText(path);
    if (text !== null) texts.set(path, text);
  }
  const prints = new Map<string, LoadedFile>();
  for (const [path, text] of texts)
    prints.set(path, { sha256: createHash('sha256').update(text).digest('hex'), changedMs: await changeTimeMs(path) });
  return prints;
}

/** Folders whose entries decide what is enabled: a removed file shows only there. */
export async function enabledFoldersChangedMs(): Promise<number> {
  const folders = ['sites-enabled', 'conf-enabled', 'mods-enabled'].map((name) => `${APACHE_FOLDER}/${name}`);
  const times = await Promise.all(folders.map(async (path) => (await quietly(stat(path)))?.mtimeMs ?? 0));
  return Math.max(...times);
}
