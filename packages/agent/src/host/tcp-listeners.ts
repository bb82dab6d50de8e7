import { readdir, readFile, readlink } from 'node:fs/promises';
import { errorCode } from './safe-path.ts';

/** Who listens on which TCP port, from /proc/net/tcp{,6}. */
export interface TcpListener {
  /** As the kernel prints it: 8 digits for IPv4, 32 for IPv6. */
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** State LISTEN. */
const LISTEN = '0A';

export function parseListeners(table: string): readonly TcpListener[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      return state === LISTEN ? [{ address, port: Number.parseInt(port, 16), inode }] : [];
    });
}

/** Empty when the kernel has no such table. */
export async function readTcpTable(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // No IPv6 here.
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Of the network namespace that this process is in. */
export async function listListeners(): Promise<readonly TcpListener[]> {
  return [
    ...parseListeners(await readTcpTable('/proc/net/tcp')),
    ...parseListeners(await readTcpTable('/proc/net/tcp6')),
  ];
}

/** Inodes of the sockets that a process holds. */
export async function socketsOf(pid: number): Promise<ReadonlySet<string>> {
  const folder = `/proc/${pid}/fd`;
  const inodes = new Set<string>();
  for (const name of await readdir(folder)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`${folder}/${name}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch (error) {
      // Closed meanwhile.
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
  return inodes;
}

const isAny = (address: string): boolean => /^0+$/.test(address);

/** Both can not listen at the same time. `::` takes IPv4 too. */
export function isInTheWay(one: TcpListener, two: TcpListener): boolean {
  if (one.port !== two.port) return false;
  if (one.address.length === two.address.length)
    return isAny(one.address) || isAny(two.address) || one.address === two.address;
  return isAny(one.address.length > two.address.length ? one.address : two.address);
}
