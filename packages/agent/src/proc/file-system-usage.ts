import { statfs } from 'node:fs/promises';

/** Space and inodes of one file system; sizes in bytes. */
export interface FileSystemUsage {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** Free for an ordinary user. */
  readonly availableBytes: number;
  /** 0 when the file system has no fixed number of inodes. */
  readonly inodes: number;
  readonly inodesFree: number;
}

/**
 * Asks the kernel; undefined when the path is gone or may not be seen. It runs on one of libuv's threads and can hang there
 * as long as the device does: never call it for a network mount, and never twice at a time.
 */
export async function readFileSystemUsage(path: string): Promise<FileSystemUsage | undefined> {
  try {
    const found = await statfs(path);
    return {
      sizeBytes: found.blocks * found.bsize,
      freeBytes: found.bfree * found.bsize,
      availableBytes: found.bavail * found.bsize,
      inodes: found.files,
      inodesFree: found.ffree,
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
