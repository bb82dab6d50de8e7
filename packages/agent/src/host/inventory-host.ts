import { execFile } from 'node:child_process';
import { access, open, readdir } from 'node:fs/promises';

export type InventoryProgram = 'dpkg-query' | 'apt-get' | 'systemctl';

/** What a section may use of the machine; tests pass a fixture tree. */
export interface InventoryHost {
  /** Runs a program of the inventory's own list; null when it is not installed. Output is cut at 8 MiB. */
  run(
    program: InventoryProgram,
    args: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly status: number | null; readonly stdout: string } | null>;
  /** UTF-8 text of a file up to 4 MiB; null when absent or not readable. */
  readText(path: string): Promise<string | null>;
  /** Names in a folder, sorted; empty when absent or not readable. */
  list(path: string): Promise<readonly string[]>;
  exists(path: string): Promise<boolean>;
}

const PATHS: Record<InventoryProgram, string> = {
  'dpkg-query': '/usr/bin/dpkg-query',
  'apt-get': '/usr/bin/apt-get',
  systemctl: '/usr/bin/systemctl',
};
const READ_LIMIT_BYTES = 4 * 1024 * 1024;
const OUTPUT_LIMIT_BYTES = 8 * 1024 * 1024;

async function quietly<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return otherwise;
    throw error;
  }
}

async function readLimited(path: string): Promise<string | null> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    const parts: Buffer[] = [];
    let total = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return Buffer.concat(parts).toString('utf8');
      total += bytesRead;
      if (total > READ_LIMIT_BYTES) return null;
      parts.push(Buffer.from(buffer.subarray(0, bytesRead)));
    }
  } finally {
    await file.close();
  }
}

/** The real machine for the inventory: fixed programs by absolute path, bounded reads, nothing is written. */
export function createInventoryHost(): InventoryHost {
  return {
    run: async (program, args, timeoutMs) => {
      if (
        !(await quietly(
          access(PATHS[program]).then(() => true),
          false,
        ))
      )
        return null;
      return await new Promise((resolve) => {
        const options = {
          timeout: timeoutMs,
          maxBuffer: OUTPUT_LIMIT_BYTES,
          cwd: '/',
          env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
          killSignal: 'SIGKILL',
        } as const;
        execFile(PATHS[program], [...args], options, (error, stdout) => {
          resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout });
        });
      });
    },
    readText: (path) => quietly(readLimited(path), null),
    list: async (path) => (await quietly(readdir(path), [])).sort(),
    exists: (path) =>
      quietly(
        access(path).then(() => true),
        false,
      ),
  };
}
