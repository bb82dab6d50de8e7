import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { CUSTOM_NAME, parseCustomManifest, type CustomManifest, type CustomProgram } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { parse, TomlError } from 'smol-toml';
import { openDirectory, withParent, type OpenDirectory, type Trust } from '../safe-path.ts';

/** A program as it was read, once: what is hashed is what is run. */
export interface CustomFile {
  /** As the manifest calls it. */
  readonly program: string;
  readonly bytes: Buffer;
}

/** One folder below `/etc/hauban/actions`, read through descriptors, with the hash of all that it can do. */
export interface CustomFolder {
  readonly name: string;
  readonly manifest: CustomManifest;
  /** SHA-256, hex, over the manifest and every file of the folder, and every program that lies elsewhere. */
  readonly hash: string;
  readonly files: readonly CustomFile[];
}

const MANIFEST = 'manifest.toml';
const MANIFEST_BYTES = 64 * 1024;
const FILE_BYTES = 16 * 1024 * 1024;
const MOST_FILES = 32;

const unsafe = (detail: string): HaubanError => new HaubanError('FILE_UNSAFE', detail);
const refused = (detail: string): HaubanError => new HaubanError('CUSTOM_REFUSED', detail);

/** One regular file in an open directory; root's, and writable by nobody else. A link is not followed. */
async function readOwned(
  directory: OpenDirectory,
  name: string,
  path: string,
  trust: Trust,
  most: number,
): Promise<Buffer> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(directory.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ELOOP') throw unsafe(`${path} is a link: it is not followed`);
      throw new HaubanError('FILE_FAILED', `${path} can not be opened (${error.code ?? 'unknown'})`, { cause: error });
    },
  );
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unsafe(`${path} is no regular file`);
    if (stat.uid !== trust.ownerUid) throw unsafe(`${path} belongs to uid ${stat.uid}, not to root`);
    if ((stat.mode & 0o022) !== 0) throw unsafe(`${path} may be written by others than root`);
    if (stat.size > most) throw unsafe(`${path} has more than ${most} bytes`);
    const bytes = await handle.readFile();
    if (bytes.length > most) throw unsafe(`${path} has more than ${most} bytes`);
    return bytes;
  } finally {
    await handle.close();
  }
}

function readManifest(bytes: Buffer, path: string): CustomManifest {
  let value: unknown;
  try {
    value = parse(bytes.toString('utf8'));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw refused(`${path}, line ${error.line}: ${error.message.split('\n')[0] ?? ''}`);
  }
  const parsed = parseCustomManifest(value);
  if (parsed.ok) return parsed.manifest;
  throw refused(`${path}: ${parsed.problems.slice(0, 5).join('; ')}`);
}

const programsOf = ({ run, plan, verify, undo }: CustomManifest): readonly CustomProgram[] =>
  [run, plan, verify, undo].filter((one) => one !== null);

/** Text lengths before bytes: no two folders have the same input. */
function hashOf(files: readonly CustomFile[]): string {
  const hash = createHash('sha256');
  for (const { program, bytes } of files.toSorted((a, b) => (a.program < b.program ? -1 : 1)))
    hash.update(`${program.length}:${program}:${bytes.length}:`).update(bytes);
  return hash.digest('hex');
}

async function readFiles(folder: OpenDirectory, path: string, trust: Trust): Promise<CustomFile[]> {
  const names = (await readdir(folder.at('.'))).sort();
  if (names.length > MOST_FILES) throw unsafe(`${path} has more than ${MOST_FILES} files`);
  const files: CustomFile[] = [];
  for (const name of names)
    files.push({
      program: name,
      bytes: await readOwned(folder, name, `${path}/${name}`, trust, name === MANIFEST ? MANIFEST_BYTES : FILE_BYTES),
    });
  return files;
}

/** CUSTOM_REFUSED or FILE_UNSAFE with one sentence when it is not to be believed. */
export async function readCustomFolder(base: string, name: string, trust: Trust): Promise<CustomFolder> {
  if (!CUSTOM_NAME.test(name)) throw refused(`${JSON.stringify(name.slice(0, 60))} is no name of a custom action`);
  const path = `${base}/${name}`;
  const folder = await openDirectory(path, trust, true);
  if (folder === null) throw refused(`there is no folder ${path}`);
  let files: CustomFile[];
  try {
    files = await readFiles(folder, path, trust);
  } finally {
    await folder.handle.close();
  }
  const source = files.find(({ program }) => program === MANIFEST);
  if (source === undefined) throw refused(`${path} has no ${MANIFEST}`);
  const manifest = readManifest(source.bytes, `${path}/${MANIFEST}`);
  for (const { program } of programsOf(manifest)) {
    if (files.some((file) => file.program === program)) continue;
    if (!program.startsWith('/')) throw refused(`${path} has no program ${program}`);
    const bytes = await withParent(program, trust, (parent, file) =>
      readOwned(parent, file, program, trust, FILE_BYTES),
    );
    files.push({ program, bytes });
  }
  return { name, manifest, hash: hashOf(files), files };
}

/** Names of the folders there are; none when there is no folder for them. */
export async function listCustomFolders(base: string, trust: Trust): Promise<readonly string[]> {
  const folder = await openDirectory(base, trust, true);
  if (folder === null) return [];
  try {
    return (await readdir(folder.at('.')))
      .filter((name) => CUSTOM_NAME.test(name))
      .sort()
      .slice(0, 100);
  } finally {
    await folder.handle.close();
  }
}
