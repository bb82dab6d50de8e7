import { cp, lstat, mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';

/**
 * Files of a node by the paths that they have inside it. Links are followed within the node's tree: `/var/run` of a
 * node leads to the node's `/run`, never to this machine's.
 */
export type RootFiles = {
  readonly readFile: (path: string) => Promise<string>;
  /** Creates missing folders, owned by root. */
  readonly writeFile: (path: string, content: string | Uint8Array, mode?: number) => Promise<void>;
  readonly exists: (path: string) => Promise<boolean>;
  /** Copies a file or a whole folder of this machine into the node. */
  readonly copyIn: (hostPath: string, nodePath: string) => Promise<void>;
};

/** As many links as Linux itself follows in one path. */
const maxLinks = 40;

function isMissing(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function linkTarget(path: string): Promise<string | null> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : null;
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw cause;
  }
}

/** The path on this machine of `path` inside the tree at `root`; parts that do not exist are taken as they are written. */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  if (!path.startsWith('/')) throw new Error(`${path} must be an absolute path inside the node`);
  let pending = path.split('/');
  let done = '/';
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '' || name === '.') continue;
    // posix.join stops at "/", as the kernel does with ".." at the root.
    const next = posix.join(done, name);
    const target = name === '..' ? null : await linkTarget(join(root, next));
    if (target === null) {
      done = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) throw new Error(`${path}: too many links`);
    if (target.startsWith('/')) done = '/';
    pending = [...target.split('/'), ...pending];
  }
  return join(root, done);
}

/** `root` is asked at each call, because a full node's tree is reached by another path while it runs. */
export function createRootFiles(root: () => string): RootFiles {
  const resolve = (path: string): Promise<string> => resolveInRoot(root(), path);
  return {
    readFile: async (path) => readFile(await resolve(path), 'utf8'),
    writeFile: async (path, content, mode) => {
      const target = await resolve(path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content, mode === undefined ? {} : { mode });
    },
    exists: async (path) => {
      try {
        await lstat(await resolve(path));
        return true;
      } catch (cause) {
        if (isMissing(cause)) return false;
        throw cause;
      }
    },
    copyIn: async (hostPath, nodePath) => {
      const target = await resolve(nodePath);
      await mkdir(dirname(target), { recursive: true });
      await cp(hostPath, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    },
  };
}
