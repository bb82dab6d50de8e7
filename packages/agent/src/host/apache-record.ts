import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@hauban/shared/time';
import { writeDurably } from '../store/index.ts';
import { changeTimeMs, enabledFoldersChangedMs, lookAtApacheFiles, type LiveFiles } from './apache-files.ts';
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
  /** Taken before a reload, its fingerprint written after it: what changes in between shows as not loaded. */
  take(): Promise<TakenFiles>;
  write(master: ProcessFacts, loaded: Fingerprint): Promise<void>;
}

type Fingerprint = LiveFiles['fingerprint'];

/** What is on disk at one moment. */
export interface TakenFiles extends LiveFiles {
  /** Those that Apache has not loaded as they are now. */
  readonly pendingFiles: readonly string[];
}

interface Note {
  readonly version: 1;
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly files: Fingerprint;
}

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

async function changedSince(startMs: number, paths: readonly string[]): Promise<readonly Pending[]> {
  const changed: string[] = [];
  for (const path of paths) if ((await changeTimeMs(path)) > startMs) changed.push(path);
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
  const comparePending = async (master: ProcessFacts, now: Fingerprint): Promise<readonly Pending[]> => {
    const note = await readNote(master);
    return note === null
      ? changedSince(await startedAtMs(master, clock.nowMs()), Object.keys(now))
      : compare(note.files, now);
  };
  return {
    async pending() {
      const master = await findApacheMaster();
      if (master === null) return [];
      const { fingerprint } = await lookAtApacheFiles();
      return (await comparePending(master, fingerprint)).map(({ text }) => text);
    },
    async take() {
      const master = await findApacheMaster();
      const files = await lookAtApacheFiles();
      const pending = master === null ? [] : await comparePending(master, files.fingerprint);
      return { ...files, pendingFiles: pending.flatMap(({ path }) => path ?? []) };
    },
    async write(master, loaded) {
      const { pid, startTicks } = master;
      const note: Note = { version: 1, bootId: await readBootId(), pid, startTicks, files: loaded };
      writeDurably(path, Buffer.from(JSON.stringify(note)), { mode: 0o600, gid: null });
    },
  };
}
