import { createHash } from 'node:crypto';
import type { HostFiles } from '@hauban/shared/actions';

/** The same guest on the same machine has the same, so that a plan that is made twice is one. */
export async function numbersOf(
  files: HostFiles,
  guest: string,
): Promise<{ readonly identity: string; readonly mac: string }> {
  const machine = await files.state('/etc/machine-id');
  const machineId = machine.type === 'file' ? machine.content.trim() : '';
  const hash = createHash('sha256').update(`hauban-guest\0${machineId}\0${guest}`).digest('hex');
  const identity = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return {
    identity: identity.join('-'),
    mac: `52:54:00:${hash.slice(40, 42)}:${hash.slice(42, 44)}:${hash.slice(44, 46)}`,
  };
}
