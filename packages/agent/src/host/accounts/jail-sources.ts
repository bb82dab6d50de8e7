import { isJailPath, type AccountQueries } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { readElfNeeds } from './elf-needs.ts';
import { loadSystemFile, type SystemFile } from './system-file.ts';

type Answer = AccountQueries['account.jail-sources']['answer'];

/** Where Debian's loader looks by itself, in this order. */
const LIBRARY_FOLDERS = ['x86_64', 'aarch64'].flatMap((machine) =>
  ['/lib', '/usr/lib'].map((folder) => `${folder}/${machine}-linux-gnu`),
);
const ALL_FOLDERS = [...LIBRARY_FOLDERS, '/lib', '/usr/lib', '/lib64', '/usr/lib64'];
/** Opened by older C libraries for names of users, without being named by them. */
const BESIDE = 'libnss_files.so.2';
const LIBRARY_NAME = /^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,99}$/;
const MOST_FILES = 2000;

const refused = (detail: string): HaubanError => new HaubanError('ACTION_REFUSED', detail);

async function findLibrary(name: string, by: string): Promise<readonly [path: string, file: SystemFile]> {
  if (!LIBRARY_NAME.test(name)) throw refused(`${by} names a library in a way that no loader of Debian needs`);
  for (const folder of ALL_FOLDERS) {
    const file = await loadSystemFile(`${folder}/${name}`);
    if (file !== null) return [`${folder}/${name}`, file];
  }
  throw refused(`${by} needs ${name}, which is not among the libraries of the system`);
}

interface Found {
  readonly file: SystemFile;
  readonly isProgram: boolean;
}

class Collection {
  readonly found = new Map<string, Found>();

  async addProgram(path: string): Promise<void> {
    if (!path.startsWith('/') || !isJailPath(path.slice(1)))
      throw refused(`${JSON.stringify(path.slice(0, 80))} is no program of a jail`);
    const file = await loadSystemFile(path);
    if (file === null) throw refused(`${path} is not on this node`);
    if (readElfNeeds(file.bytes) === null)
      throw refused(`${path} is no program by itself: a script needs its interpreter`);
    await this.add(path, file, true);
  }

  async add(path: string, file: SystemFile, isProgram: boolean): Promise<void> {
    const known = this.found.get(path);
    if (known !== undefined && (known.isProgram || !isProgram)) return;
    if (!isJailPath(path.slice(1)) || this.found.size >= MOST_FILES) throw refused(`${path} has no place in a jail`);
    this.found.set(path, { file, isProgram });
    const needs = readElfNeeds(file.bytes);
    if (needs === null) throw refused(`${path} is no library of this machine`);
    if (needs.runPath !== null) throw refused(`${path} looks for libraries in ${needs.runPath}: that is not supported`);
    if (needs.interpreter !== null) await this.#addLoader(needs.interpreter, path);
    for (const name of needs.needed) await this.add(...(await findLibrary(name, path)), false);
  }

  async #addLoader(path: string, by: string): Promise<void> {
    if (!/^\/lib(?:64)?\/ld-linux-[a-z0-9-]+\.so\.[0-9]$/.test(path))
      throw refused(`${by} wants to be loaded by ${path}`);
    const file = await loadSystemFile(path);
    if (file === null) throw refused(`${by} wants to be loaded by ${path}, which is not there`);
    await this.add(path, file, true);
  }

  /** Without it no older program finds a name. */
  async addBeside(): Promise<void> {
    for (const folder of LIBRARY_FOLDERS) {
      const file = await loadSystemFile(`${folder}/${BESIDE}`);
      if (file !== null) return this.add(`${folder}/${BESIDE}`, file, false);
    }
  }
}

/** Files of a jail with these programs, each with what it has to be. */
export async function collectJail(programs: readonly string[]): Promise<Answer> {
  const collection = new Collection();
  try {
    for (const program of programs) await collection.addProgram(program);
    await collection.addBeside();
  } catch (error) {
    if (error instanceof HaubanError && ['ACTION_REFUSED', 'FILE_UNSAFE'].includes(error.code))
      return { files: [], sizeBytes: 0, problem: error.detail };
    throw error;
  }
  const files = [...collection.found]
    .map(([path, { file, isProgram }]) => ({
      path: path.slice(1),
      sha256: file.sha256,
      mode: isProgram ? '0755' : '0644',
    }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const sizeBytes = [...collection.found.values()].reduce((sum, { file }) => sum + file.bytes.length, 0);
  return { files, sizeBytes, problem: null };
}
