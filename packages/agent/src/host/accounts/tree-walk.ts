import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  type BigIntStats,
} from 'node:fs';
import type { FileMeta } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode } from '../safe-path.ts';

/**
 * Walking a tree that its owner can change meanwhile, as root. Each entry is taken hold of once (O_PATH: not opened, so
 * no fifo blocks and no device wakes) and everything after that goes by the descriptor: what is changed is what was
 * judged, however often its name is turned into a link in between.
 */

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
/** linux/fcntl.h; Node does not name it. */
const O_PATH = 0o10000000;
const DEPTH_LIMIT = 200;
const ENTRIES_LIMIT = 1_000_000;
/** So many entries at once, then others get their turn: about 5 ms. */
const SLICE = 256;

export interface HeldEntry {
  /** Below the folder that the walk began in, bytes as latin1, so that any name survives. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly meta: FileMeta;
  readonly inode: string;
  /** Owner first, because that clears set-id bits; then the mode. */
  set(meta: FileMeta): void;
}

export interface WalkCounts {
  readonly looked: number;
  /** What was left alone, by why. */
  readonly skipped: Readonly<Record<string, number>>;
}

type Why = 'links' | 'fifos, sockets and devices' | 'hard links of others' | 'on other file systems' | 'too deep';

const metaOf = (stat: BigIntStats): FileMeta => ({
  mode: Number(stat.mode) & 0o7777,
  uid: Number(stat.uid),
  gid: Number(stat.gid),
});

const through = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

function setBy(descriptor: number, meta: FileMeta): void {
  chownSync(through(descriptor), meta.uid, meta.gid);
  chmodSync(through(descriptor), meta.mode);
}

/** Gone meanwhile: null. */
function openQuietly(path: string | Buffer, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}

class Walk {
  readonly skipped: Partial<Record<Why, number>> = {};
  looked = 0;
  readonly #uid: number;
  readonly #device: bigint;
  readonly #visit: (entry: HeldEntry) => void;

  constructor(uid: number, device: bigint, visit: (entry: HeldEntry) => void) {
    this.#uid = uid;
    this.#device = device;
    this.#visit = visit;
  }

  async directory(descriptor: number, path: string, depth: number): Promise<void> {
    const names = readdirSync(Buffer.from(through(descriptor)), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort();
    for (const name of names) {
      if (this.looked % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.looked >= ENTRIES_LIMIT)
        throw new HaubanError(
          'ACTION_REFUSED',
          `there are more than ${ENTRIES_LIMIT} files: name a folder further down`,
        );
      await this.#entry(descriptor, name, path === '' ? name : `${path}/${name}`, depth);
    }
  }

  async #entry(parent: number, name: string, path: string, depth: number): Promise<void> {
    this.looked += 1;
    const held = openQuietly(Buffer.from(`${through(parent)}/${name}`, 'latin1'), O_PATH | O_NOFOLLOW);
    if (held === null) return;
    try {
      const stat = fstatSync(held, { bigint: true });
      const why = this.#whyNot(stat, depth);
      if (why !== null) {
        this.skipped[why] = (this.skipped[why] ?? 0) + 1;
        return;
      }
      const isDirectory = stat.isDirectory();
      this.#visit({
        ...{ path, isDirectory, meta: metaOf(stat), inode: String(stat.ino) },
        set: (meta) => setBy(held, meta),
      });
      if (isDirectory) await this.#below(held, path, depth + 1);
    } finally {
      closeSync(held);
    }
  }

  async #below(held: number, path: string, depth: number): Promise<void> {
    const readable = openSync(through(held), O_RDONLY | O_DIRECTORY);
    try {
      await this.directory(readable, path, depth);
    } finally {
      closeSync(readable);
    }
  }

  #whyNot(stat: BigIntStats, depth: number): Why | null {
    if (stat.isSymbolicLink()) return 'links';
    if (stat.isDirectory()) {
      if (stat.dev !== this.#device) return 'on other file systems';
      return depth >= DEPTH_LIMIT ? 'too deep' : null;
    }
    if (!stat.isFile()) return 'fifos, sockets and devices';
    // Where the kernel lets anybody link to any file, this may be /etc/shadow.
    return stat.nlink > 1n && Number(stat.uid) !== this.#uid ? 'hard links of others' : null;
  }
}

/** Everything below an open directory, folders before what is in them, names in order; not the directory itself. */
export async function walkTree(
  descriptor: number,
  uid: number,
  visit: (entry: HeldEntry) => void,
): Promise<WalkCounts> {
  const walk = new Walk(uid, fstatSync(descriptor, { bigint: true }).dev, visit);
  await walk.directory(descriptor, '', 0);
  return { looked: walk.looked, skipped: walk.skipped };
}
