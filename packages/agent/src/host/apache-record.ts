import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@hauban/shared/time';
import { writeDurably } from '../store/index.ts';
import { enabledFoldersChangedMs, fingerprintApache, type LoadedFile } from './apache-files.ts';
import { findApacheMaster } from './apache-processes.ts';
import { startedAtMs, type ProcessFacts } from './processes.ts';
import { errorCode } from './safe-path.ts';

/**
 * Which configuration the running Apache has loaded. We note the fingerprint at each reload of ours; it counts only
 * for that very master process. Without a note, files that changed after the master started count as not loaded:
 * the worst that this can do is one reload too many.
 */
export interface ApacheRecord {
  pending(): Promise<readonly string[]>;
  /** Paths of the files that it has not loaded as they are now. */
  pendingFiles(): Promise<readonly string[]>;
  /** Taken before a reload, written after it: what changes in between shows as not loaded. */
  take(): Promise<Fingerprint>;
  write(master: ProcessFacts, loaded: Fingerprint): Promise<void>;
}

export type Fingerprint = Readonly<Record<string, string>>;

interface Note {
  readonly version: 1;
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly files: Fingerprint;
}

const shas = (prints: ReadonlyMap<string, LoadedFile>): Fingerprint =>
  Object.fromEntries([...prints].map(([path, { sha256 }]) => [path, sha256]));

const readBootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

interface Pending {
  /** Null: it can not be told which. */
  readonly path: string | null;
  readonly text: string;
}

function compare(loaded: Fingerprint, now: Fingerprint): readonly Pending[] {
  const paths = [...new Set([...Object.keys(loaded), ...Object.keys(now)])].sort();
  return paths.flatMap((path) => {
    const [before, after] = [
      Object.hasOwn(loaded, path) ? loaded[path] : undefined,
      Object.hasOwn(now, path) ? now[path] : undefined,
    ];
    if (before === after) return [];
    const what = before === undefined ? 'is new' : after === undefined ? 'is gone' : 'has changed';
    return [{ path, text: `${path} ${what}` }];
  });
}

async function changedSince(startMs: number, prints: ReadonlyMap<string, LoadedFile>): Promise<readonly Pending[]> {
  const changed = [...prints].filter(([, { changedMs }]) => changedMs > startMs).map(([path]) => path);
  if (changed.length > 0) return changed.map((path) => ({ path, text: `${path} has changed since Apache started` }));
  return (await enabledFoldersChangedMs()) > startMs
    ? [{ path: null, text: 'what is enabled has changed since Apache started' }]
    : [];
}

export function createApacheRecord(stateDirectory: string, clock: Clock): ApacheRecord {
  const path = join(stateDirectory, 'apache-loaded.json');
  const readNote = async (master: ProcessFacts): Promise<Note | null> => {
    let note: Note;
    try {
      note = JSON.parse(await readFile(path, 'utf8')) as Note;
    } catch (error) {
      // Lost or spoilt: the times of the files decide.
      if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
      throw error;
    }
    const isSame =
      note.pid === master.pid && note.startTicks === master.startTicks && note.bootId === (await readBootId());
    return isSame ? note : null;
  };
  const findPending = async (): Promise<readonly Pending[]> => {
    const master = await findApacheMaster();
    if (master === null) return [];
    const prints = await fingerprintApache();
    const note = await readNote(master);
    return note === null
      ? changedSince(await startedAtMs(master, clock.nowMs()), prints)
      : compare(note.files, shas(prints));
  };
  return {
    pending: async () => (await findPending()).map(({ text }) => text),
    pendingFiles: async () => (await findPending()).flatMap(({ path }) => path ?? []),
    take: async () => shas(await fingerprintApache()),
    async write(master, loaded) {
      const { pid, startTicks } = master;
      const note: Note = { version: 1, bootId: await readBootId(), pid, startTicks, files: loaded };
      writeDurably(path, Buffer.from(JSON.stringify(note)), { mode: 0o600, gid: null });
    },
  };
}
