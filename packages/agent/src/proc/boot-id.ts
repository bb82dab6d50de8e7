import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The kernel's id of this boot, a UUID in lower case. */
export function readBootId(root: string): string {
  const path = join(root, 'proc/sys/kernel/random/boot_id');
  let text: string;
  try {
    text = readFileSync(path, 'latin1').trim();
  } catch (error) {
    throw new HaubanError('FILE_FAILED', `${path} can not be read; without the kernel's boot id no metrics are kept`, {
      cause: error,
    });
  }
  if (!UUID.test(text)) throw new HaubanError('FILE_FAILED', `${path} does not hold a boot id`);
  return text;
}
