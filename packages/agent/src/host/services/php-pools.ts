import { readFile } from 'node:fs/promises';
import type { ServiceQueries } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { PoolEnd } from '../pool-rehearsal.ts';
import { ownAddresses, rehearseApart, type RehearsalCommand } from '../rehearse-apart.ts';
import { isInTheWay, listListeners, socketsOf } from '../tcp-listeners.ts';

/** Debian's own php-fpm: tried in private, and what it would not find free here. */

/** A socket that listens, in the flags of /proc/net/unix. */
const LISTENS = '00010000';

/** Path and inode of listening Unix sockets, from /proc/net/unix. */
export function parseUnixListeners(table: string): ReadonlyMap<string, string> {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(
    rows.flatMap(([, , , flags, , , inode = '', path = '']) =>
      flags === LISTENS && path !== '' ? [[path, inode]] : [],
    ),
  );
}

/** In the private namespaces everything is free. */
async function findTaken(listens: readonly string[], masterPid: number): Promise<string | null> {
  const own = await socketsOf(masterPid);
  const sockets = parseUnixListeners(await readFile('/proc/net/unix', 'utf8'));
  const others = (await listListeners()).filter(({ inode }) => !own.has(inode));
  for (const place of listens) {
    const inode = sockets.get(place);
    if (inode !== undefined && !own.has(inode)) return `${place} belongs to another program`;
    const port = Number(/^(?:[^/]*:)?(\d+)$/.exec(place)?.[1] ?? 0);
    // Whatever address it names: a port of another program is not shared on purpose.
    if (port > 0 && others.some((other) => isInTheWay({ ...other, port }, other)))
      return `port ${port} belongs to another program`;
  }
  return null;
}

/** @returns what would end php-fpm at a reload; null: nothing */
export async function findPoolFault(
  command: RehearsalCommand,
  { version, masterPid }: ServiceQueries['service.php-pools']['args'],
): Promise<string | null> {
  if (!/^[0-9]\.[0-9]$/.test(version)) throw new HaubanError('ACTION_REFUSED', 'that is no PHP version');
  const { fault, listens } = await rehearseApart<PoolEnd>(command, { poolsOf: version, addresses: ownAddresses() });
  return fault ?? (await findTaken(listens, masterPid));
}
