import { BlockList, isIP, type Server, type Socket } from 'node:net';

/**
 * How many connections one address may hold open without having asked for anything that was granted: each costs a
 * descriptor and some memory while it waits for its headers. WebSockets that were let in are not counted: a data centre
 * of nodes may come from one address.
 */
export interface ConnectionLimits {
  /** Generous for the same reason: the nodes of that data centre may all come back at once. */
  readonly perAddress: number;
  /** Proxies in front of us, as addresses or prefixes: behind them are many. */
  readonly exempt: readonly string[];
}

/** A flood from one address leaves most of 65,536 descriptors to the others. */
export const CONNECTIONS_PER_ADDRESS = 1000;

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function createExemptions(exempt: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of exempt) {
    const [address = '', prefix] = entry.split('/');
    if (isIP(address) === 0) continue;
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (address) => list.check(address, familyOf(address));
}

const mayOpen = (held: number, limits: ConnectionLimits): boolean => held < limits.perAddress;

/** Both ends of a connection name it, for the raw socket and for the TLS socket over it. */
const nameOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${remoteAddress} ${remotePort}`;

/** Closes connections beyond the limit unread. @returns to be called with a socket that was let in as a WebSocket */
export function limitConnections(server: Server, limits: ConnectionLimits): (socket: Socket) => void {
  const isExempt = createExemptions(limits.exempt);
  const held = new Map<string, Set<string>>();
  const release = (address: string, name: string): void => {
    const names = held.get(address);
    names?.delete(name);
    if (names?.size === 0) held.delete(address);
  };
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (isExempt(address)) return;
    const names = held.get(address) ?? new Set();
    if (!mayOpen(names.size, limits)) {
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    held.set(address, names.add(name));
    socket.once('close', () => release(address, name));
  });
  return (socket) => release(socket.remoteAddress ?? '', nameOf(socket));
}
