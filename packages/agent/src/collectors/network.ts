import { seriesName } from '@hauban/shared/metrics';
import { createNamedRows, type LineScanner, type ProcFile, type ProcFiles } from '../proc/index.ts';
import type { Collector, Derivation, RawSeries } from './collector.ts';

const ROWS: readonly (readonly [metric: string, from: Derivation])[] = [
  ['rx_bytes_per_s', 'counter'],
  ['rx_packets_per_s', 'counter'],
  ['rx_errors_per_s', 'counter'],
  ['rx_drops_per_s', 'counter'],
  ['rx_multicast_per_s', 'counter'],
  ['tx_bytes_per_s', 'counter'],
  ['tx_packets_per_s', 'counter'],
  ['tx_errors_per_s', 'counter'],
  ['tx_drops_per_s', 'counter'],
  ['up', 'level'],
];
const UP = 9;

/**
 * Left out: one end of a pair per container or guest (they come and go, and each would be a new list of series), and
 * the fallback devices that tunnel modules make and nobody uses.
 */
const PASSING =
  /^(?:(?:veth|cali|tap|vnet|fwbr|fwpr|fwln|ifb|dummy|lxc)|(?:br-[0-9a-f]{12}|sit0|tunl0|ip6tnl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6gre0)$)/;
const MAX_INTERFACES = 32;

/** Interfaces, from /proc/net/dev (64-bit counters) and the operational state in /sys/class/net. */
export function createNetwork(files: ProcFiles): Collector {
  const table = createNamedRows(files.file('proc/net/dev'), 2, 0, (name) => !PASSING.test(name));
  const declared = new Map<string, number>();
  let states: ProcFile[] = [];
  let isStale = false;
  let target: Float64Array = new Float64Array(0);

  const takeRow = (row: number, scanner: LineScanner): void => {
    const at = row * ROWS.length;
    // rx: bytes packets errs drop fifo frame compressed multicast; tx: bytes packets errs drop ...
    for (let i = 0; i < 4; i += 1) target[at + i] = scanner.number();
    for (let i = 0; i < 3; i += 1) scanner.skipWord();
    for (let i = 4; i < UP; i += 1) target[at + i] = scanner.number();
    const state = states[row];
    if (state !== undefined && state.read() > 0) target[at + UP] = isUp(state) ? 1 : 0;
  };

  return {
    name: 'network',
    family: 'net',
    everyTicks: 1,
    isLive: true,
    isStale: () => isStale,
    series: () => {
      declared.clear();
      isStale = false;
      for (const name of table.names().slice(0, MAX_INTERFACES)) declared.set(name, declared.size);
      states = [...declared.keys()].map((name) => files.file(`sys/class/net/${name}/operstate`));
      return [...declared.keys()].flatMap((name) =>
        ROWS.map(([metric, from]): RawSeries => ({ name: seriesName('net', name, metric), from })),
      );
    },
    collect: (out) => {
      out.fill(Number.NaN);
      target = out;
      const found = table.read(declared, takeRow);
      isStale =
        found !== undefined && (found.present < declared.size || (found.hasNew && declared.size < MAX_INTERFACES));
    },
  };
}

/** `up`, or `unknown` as loopback and some tunnels say. */
const isUp = (state: ProcFile): boolean =>
  state.bytes[0] === 0x75 && (state.bytes[1] === 0x70 || state.bytes[1] === 0x6e);
