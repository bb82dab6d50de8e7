import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** One file of /proc or /sys, kept open. */
export interface ProcFile {
  /** What the last `read` found; only the first `length` bytes count. The next read overwrites it. */
  readonly bytes: Buffer;
  /**
   * Reads the file from its beginning, at most once in a tick however many ask.
   * Returns the length in bytes, or -1 when there is no such file or the kernel does not give it.
   */
  read(): number;
}

/** All open files of one root. */
export interface ProcFiles {
  /** The same path gives the same file. Relative to the root: `proc/stat`. Opened at its first read. */
  file(path: string): ProcFile;
  /** Begins a tick: every file will be read anew. */
  beginTick(): void;
  /** Lets files that were missing be looked for again. */
  retryMissing(): void;
  close(): void;
}

const FIRST_BYTES = 4096;
/** More than any file that a tick reads; what lies beyond is left out. */
const MAX_BYTES = 32 * 1024 * 1024;

interface OpenFile extends ProcFile {
  forgetTick(): void;
  retry(): void;
  close(): void;
}

function createFile(path: string): OpenFile {
  let bytes = Buffer.allocUnsafe(FIRST_BYTES);
  let descriptor = -1;
  let isMissing = false;
  /** Length of this tick's content; -2 before the first read of the tick. */
  let length = -2;

  const close = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  };

  const readAll = (): number => {
    if (isMissing) return -1;
    try {
      if (descriptor < 0) descriptor = openSync(path, 'r');
      let end = 0;
      for (;;) {
        // The kernel gives many of these files page by page: only an empty read is the end.
        const count = readSync(descriptor, bytes, end, bytes.length - end, end);
        end += count;
        if (count === 0 || end >= MAX_BYTES) return end;
        if (end === bytes.length) {
          const grown = Buffer.allocUnsafe(bytes.length * 4);
          bytes.copy(grown);
          bytes = grown;
        }
      }
    } catch (error) {
      // Missing, switched off (pressure on some kernels) or gone (a device): the same answer for the reader.
      if (!(error instanceof Error && 'code' in error)) throw error;
      close();
      isMissing = true;
      return -1;
    }
  };

  return {
    get bytes() {
      return bytes;
    },
    read: () => {
      if (length === -2) length = readAll();
      return length;
    },
    forgetTick: () => {
      length = -2;
    },
    retry: () => {
      isMissing = false;
    },
    close,
  };
}

/** Opens files below `root` ('/' on a real machine, a fixture folder in tests). Close when done. */
export function openProcFiles(root: string): ProcFiles {
  const files = new Map<string, OpenFile>();
  const every = (call: (file: OpenFile) => void): void => {
    for (const file of files.values()) call(file);
  };
  return {
    file: (path) => {
      const known = files.get(path) ?? createFile(join(root, path));
      files.set(path, known);
      return known;
    },
    beginTick: () => every((file) => file.forgetTick()),
    retryMissing: () => every((file) => file.retry()),
    close: () => {
      every((file) => file.close());
      files.clear();
    },
  };
}
