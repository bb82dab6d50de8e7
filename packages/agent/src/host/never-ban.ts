import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { formatPrefix, parsePrefix, type Prefix } from '@hauban/shared/actions';
import { errorCode } from './safe-path.ts';

/** Whom a ban would cut this node off from: found on the node itself, at the moment it is asked. */
export interface NeverBan {
  readonly target: string;
  readonly why: string;
}

const SSH_PORT = 22;
/** State ESTABLISHED in /proc/net/tcp. */
const ESTABLISHED = '01';

async function readLines(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** An address of /proc/net/tcp{,6}: 32-bit words, each in the byte order of the machine (little-endian wherever we run). */
export function parseProcAddress(hex: string): Prefix | null {
  const wordsInOrder = (hex.match(/.{8}/g) ?? []).map((word) => (word.match(/../g) ?? []).reverse().join(''));
  const digits = wordsInOrder.join('');
  if (digits.length === 8)
    return parsePrefix((digits.match(/../g) ?? []).map((byte) => String(Number.parseInt(byte, 16))).join('.'));
  if (digits.length === 32) return parsePrefix((digits.match(/.{4}/g) ?? []).join(':'));
  return null;
}

/** Peers of established connections to one of these local ports. */
export function parsePeers(lines: readonly string[], localPorts: ReadonlySet<number>): readonly Prefix[] {
  return lines.slice(1).flatMap((line) => {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (state !== ESTABLISHED || !localPorts.has(port)) return [];
    return parseProcAddress(remote.split(':')[0] ?? '') ?? [];
  });
}

async function sshPorts(): Promise<ReadonlySet<number>> {
  const ports = (await readLines('/etc/ssh/sshd_config')).flatMap(
    (line) => /^\s*Port\s+(\d{1,5})\b/i.exec(line)?.[1] ?? [],
  );
  return new Set([SSH_PORT, ...ports.map(Number)]);
}

async function sshPeers(): Promise<readonly NeverBan[]> {
  const ports = await sshPorts();
  const peers = [
    ...parsePeers(await readLines('/proc/net/tcp'), ports),
    ...parsePeers(await readLines('/proc/net/tcp6'), ports),
  ];
  return peers.map((peer) => ({ target: formatPrefix(peer), why: 'connected to this node by SSH now' }));
}

async function nameServers(): Promise<readonly NeverBan[]> {
  const servers = (await readLines('/etc/resolv.conf')).flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return servers.flatMap((server) => {
    const prefix = parsePrefix(server);
    return prefix === null ? [] : [{ target: formatPrefix(prefix), why: 'a name server of this node' }];
  });
}

function ownAddresses(): readonly NeverBan[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .flatMap(({ address }) => {
      const prefix = parsePrefix(address);
      return prefix === null ? [] : [{ target: formatPrefix(prefix), why: "this node's own address" }];
    });
}

const LOOPBACK: readonly NeverBan[] = [
  { target: '127.0.0.0/8', why: 'loopback' },
  { target: '::1', why: 'loopback' },
];

/** `further`: what the node's policy file and the link say (offices, monitoring, the controller). */
export async function loadNeverBan(further: readonly NeverBan[]): Promise<readonly NeverBan[]> {
  const all = [...LOOPBACK, ...further, ...ownAddresses(), ...(await sshPeers()), ...(await nameServers())];
  const seen = new Set<string>();
  return all.filter(({ target }) => !seen.has(target) && seen.add(target));
}
