import { statfs } from 'node:fs/promises';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode } from '../safe-path.ts';

/** f_type of statfs(2), linux/magic.h: file systems that several machines have at once; FUSE may be one. */
const SHARED: ReadonlySet<number> = new Set([
  ...[0x6969, 0x00c36400, 0x01161970, 0x7461636f, 0xfe534d42, 0xff534d42],
  ...[0x0bd00bd0, 0x47504653, 0x5346414f, 0x65735546],
]);

/** Those that lie on file systems of this machine alone. */
export async function findLocal(paths: readonly string[]): Promise<readonly string[]> {
  const local: string[] = [];
  for (const path of paths) {
    try {
      if (!SHARED.has((await statfs(path)).type)) local.push(path);
    } catch (error) {
      throw new HaubanError('ACTION_REFUSED', `a disk of the guest, ${path}: ${errorCode(error) ?? 'not there'}`, {
        cause: error,
      });
    }
  }
  return local;
}
