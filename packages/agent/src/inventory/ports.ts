import type { Section } from './section.ts';

interface PortRow {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/** /proc writes each 32-bit word of an address in the machine's byte order; little-endian here and on every platform we ship. */
export function decodeAddress(hex: string): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let at = 6; at >= 0; at -= 2) bytes.push(Number.parseInt(hex.slice(word + at, word + at + 2), 16));
  }
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  const text = groups.join(':');
  return text === '0:0:0:0:0:0:0:0' ? '::' : text === '0:0:0:0:0:0:0:1' ? '::1' : text;
}

/** Listening TCP (state 0A) and bound UDP (07) sockets of one /proc/net table. */
export function parseSockets(protocol: 'tcp' | 'udp', source: string): PortRow[] {
  const wanted = protocol === 'tcp' ? '0A' : '07';
  const rows: PortRow[] = [];
  for (const line of source.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [address, port] = (fields[1] ?? '').split(':');
    if (fields[3] === wanted && address !== undefined && port !== undefined)
      rows.push({ protocol, address: decodeAddress(address), port: Number.parseInt(port, 16) });
  }
  return rows;
}

/** Ports that programs listen on; short-lived UDP client ports (the kernel's local range) are left out. */
export const ports: Section = {
  name: 'ports',
  async take(host) {
    const range = ((await host.readText('/proc/sys/net/ipv4/ip_local_port_range')) ?? '32768 60999')
      .trim()
      .split(/\s+/)
      .map(Number);
    const rows: PortRow[] = [];
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6'] as const) {
      const protocol = table.startsWith('tcp') ? 'tcp' : 'udp';
      rows.push(...parseSockets(protocol, (await host.readText(`/proc/net/${table}`)) ?? ''));
    }
    const isClient = (row: PortRow): boolean =>
      row.protocol === 'udp' && row.port >= (range[0] ?? 32_768) && row.port <= (range[1] ?? 60_999);
    const unique = new Map(
      rows.filter((row) => !isClient(row)).map((row) => [`${row.protocol} ${row.address} ${row.port}`, row]),
    );
    return [...unique.values()].sort(
      (a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol) || a.address.localeCompare(b.address),
    );
  },
};
