import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, rename, statfs, type FileHandle } from 'node:fs/promises';
import type { DatabasePlace, DumpFacts, HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode, openDirectory, ROOT_TRUST, type OpenDirectory } from '../safe-path.ts';
import type { DatabaseServer } from './database-server.ts';
import { sideOf } from './database-server.ts';
import { pipePrograms } from './worker-pipe.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';

/** Kept dumps: a folder an account that only root can enter; beside each file what is known about it. */
const BACKUPS = '/var/backups/hosting';
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
/** Left free on a disk, whatever is written to it. */
const RESERVE = { share: 0.05, leastBytes: 64 * 1024 * 1024 } as const;

const folderOf = (name: string): string => `${BACKUPS}/${name.split('_')[0] ?? ''}`;
const fileOf = ({ engine, name }: DatabasePlace, label: string): string => {
  if (!LABEL.test(label)) throw new HaubanError('ACTION_REFUSED', 'that is no label of a dump');
  return `${engine}--${name}--${label}.gz`;
};
const temporaryOf = (file: string): string => `.${file}.hauban-tmp`;

/** Refuses to go on when a disk is nearly full: what comes next would take down what else lies on it. */
async function checkRoom(folder: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const leastBytes = Math.max(blocks * bsize * RESERVE.share, RESERVE.leastBytes);
  if (bavail * bsize < leastBytes)
    throw new HaubanError(
      'FILE_FAILED',
      `the disk of ${folder} is nearly full: ${Math.round((bavail * bsize) / 1e6)} MB are free, ${Math.round(leastBytes / 1e6)} MB have to stay free`,
    );
}

async function withFolder<T>(name: string, work: (folder: OpenDirectory) => Promise<T>): Promise<T | null> {
  const folder = await openDirectory(folderOf(name), ROOT_TRUST, true);
  if (folder === null) return null;
  try {
    return await work(folder);
  } finally {
    await folder.handle.close();
  }
}

async function checksum(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1024 * 1024);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** What we wrote beside a dump; a file of somebody else is as good as none. */
function parseNote(text: string): { readonly sha256: string; readonly tables: number } | null {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || !('sha256' in parsed) || !('tables' in parsed)) return null;
  const { sha256, tables } = parsed;
  return typeof sha256 === 'string' && typeof tables === 'number' ? { sha256, tables } : null;
}

export interface DumpFiles {
  labels(place: DatabasePlace): Promise<readonly string[]>;
  facts(place: DatabasePlace, label: string): Promise<DumpFacts | null>;
  keep(server: DatabaseServer, place: DatabasePlace, label: string): Promise<void>;
  /** Loads it into `target`, a database made for it or emptied. */
  load(server: DatabaseServer, place: DatabasePlace, label: string, target: string): Promise<void>;
  remove(place: DatabasePlace, label: string): Promise<void>;
  tidy(place: DatabasePlace): Promise<void>;
}

const pathOf = (place: DatabasePlace, label: string): string => `${folderOf(place.name)}/${fileOf(place, label)}`;

async function readFacts(files: HostFiles, place: DatabasePlace, label: string): Promise<DumpFacts | null> {
  const path = pathOf(place, label);
  const sizeBytes = await withFolder(place.name, async (folder) => {
    try {
      const stat = await lstat(folder.at(fileOf(place, label)));
      return stat.isFile() ? stat.size : null;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  });
  if (sizeBytes === null) return null;
  const note = await files.state(`${path}.json`);
  const known = note.type === 'file' ? parseNote(note.content) : null;
  return { file: path, sizeBytes, sha256: known?.sha256 ?? null, tables: known?.tables ?? null };
}

/** Under another name first; the note comes before the name, so that a dump that has its name is complete. */
async function writeDump(
  files: HostFiles,
  server: DatabaseServer,
  place: DatabasePlace,
  label: string,
  known: { readonly owner: string; readonly tables: number },
): Promise<void> {
  const file = fileOf(place, label);
  await withFolder(place.name, async (folder) => {
    const temporary = folder.at(temporaryOf(file));
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = await open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const pack = { path: PROGRAM_PATHS.gzip, args: ['-c', '-1', '-n'] };
      await server.withWorker(place.name, known.owner, ({ dump }) =>
        pipePrograms(dump, pack, { input: 'ignore', output: handle.fd }, () => checkRoom(folderOf(place.name))),
      );
      await handle.sync();
      const note = JSON.stringify({ sha256: await checksum(handle), tables: known.tables });
      await files.writeFile(`${pathOf(place, label)}.json`, note, { mode: 0o600, uid: 0, gid: 0 });
      await rename(temporary, folder.at(file));
      await folder.handle.sync();
    } catch (error) {
      await files.removeLeftovers(pathOf(place, label));
      throw error;
    } finally {
      await handle.close();
    }
  });
}

/** The checksum is of the very file that is then read: it is open meanwhile. */
async function readDump(
  server: DatabaseServer,
  place: DatabasePlace,
  label: string,
  dump: DumpFacts,
  target: { readonly name: string; readonly owner: string },
): Promise<void> {
  await withFolder(place.name, async (folder) => {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const handle = await open(folder.at(fileOf(place, label)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      if (dump.sha256 !== null && (await checksum(handle)) !== dump.sha256)
        throw new HaubanError('ACTION_REFUSED', `${dump.file} was changed since it was made: its checksum is another`);
      const unpack = { path: PROGRAM_PATHS.gzip, args: ['-d', '-c'] };
      await server.withWorker(target.name, target.owner, ({ load }) =>
        pipePrograms(unpack, load, { input: handle.fd, output: 'ignore' }, () => checkRoom(server.dataFolder)),
      );
    } finally {
      await handle.close();
    }
  });
}

export function createDumpFiles(files: HostFiles): DumpFiles {
  const facts: DumpFiles['facts'] = (place, label) => readFacts(files, place, label);
  return {
    facts,
    async labels(place) {
      const [prefix, suffix] = [`${place.engine}--${place.name}--`, '.gz'];
      return (await files.list(folderOf(place.name)))
        .filter((entry) => entry.startsWith(prefix) && entry.endsWith(suffix))
        .map((entry) => entry.slice(prefix.length, -suffix.length))
        .filter((label) => LABEL.test(label));
    },
    async keep(server, place, label) {
      if ((await facts(place, label)) !== null) return;
      const known = await server.facts(place.name);
      const state = await server.database(place.name);
      if (known === null || state === null)
        throw new HaubanError('ACTION_REFUSED', `there is no database ${place.name}`);
      for (const folder of [BACKUPS, folderOf(place.name)])
        await files.makeDirectory(folder, { mode: 0o700, uid: 0, gid: 0 });
      await files.removeLeftovers(pathOf(place, label));
      await writeDump(files, server, place, label, { owner: state.owner, tables: known.tables });
    },
    async load(server, place, label, target) {
      const dump = await facts(place, label);
      const state = await server.database(target);
      if (dump === null || state === null) throw new HaubanError('ACTION_REFUSED', `there is no dump ${label}`);
      await readDump(server, place, label, dump, { name: target, owner: state.owner });
    },
    async remove(place, label) {
      await files.removeFile(pathOf(place, label));
      await files.removeFile(`${pathOf(place, label)}.json`);
    },
    async tidy(place) {
      const [prefix, suffix] = [`.${place.engine}--${place.name}--`, '.gz.hauban-tmp'];
      for (const entry of await files.list(folderOf(place.name)))
        if (entry.startsWith(prefix) && entry.endsWith(suffix))
          await files.removeLeftovers(`${folderOf(place.name)}/${entry.slice(1, -'.hauban-tmp'.length)}`);
    },
  };
}

/** The databases a worker may have been made for. */
export const workerDatabases = (name: string): readonly string[] => [name, sideOf(name)];
