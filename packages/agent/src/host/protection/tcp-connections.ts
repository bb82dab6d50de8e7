import { isSingle, parsePrefix, type Prefix } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { readTcpTable } from '../tcp-listeners.ts';

/** State ESTABLISHED. */
const ESTABLISHED = '01';
/** An IPv4 address as a socket of IPv6 has it, which is how a server that listens on `::` is connected. */
const MAPPED = '0000000000000000FFFF0000';

/** The kernel prints words of 32 bits, each with its bytes as the processor has them: the last one first. */
function kernelText({ bits, family }: Prefix): string {
  const hex = bits
    .toString(16)
    .padStart(family === 4 ? 8 : 32, '0')
    .toUpperCase();
  const words = hex.match(/.{8}/g) ?? [];
  return words.map((word) => (word.match(/../g) ?? []).toReversed().join('')).join('');
}

/** @param table as /proc/net/tcp is @param remotes as the kernel prints them */
export function countEstablished(table: string, remotes: readonly string[]): number {
  let count = 0;
  for (const line of table.split('\n').slice(1)) {
    const [, , remote = '', state] = line.trim().split(/\s+/, 4);
    if (state === ESTABLISHED && remotes.includes(remote.split(':', 1)[0] ?? '')) count += 1;
  }
  return count;
}

/** Connections of this machine with an address, that are open now. */
export async function countConnections(address: string): Promise<number> {
  const prefix = parsePrefix(address);
  if (prefix === null || !isSingle(prefix)) throw new HaubanError('ACTION_ARGUMENTS', `${address} is no address`);
  const own = kernelText(prefix);
  const remotes = prefix.family === 4 ? [own, `${MAPPED}${own}`] : [own];
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readTcpTable));
  return tables.reduce((sum, table) => sum + countEstablished(table, remotes), 0);
}
