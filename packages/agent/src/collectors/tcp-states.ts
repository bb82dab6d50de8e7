import { createLineScanner, type ProcFile, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

/** By the number of the state in the kernel (include/net/tcp_states.h), from 1; 7 (CLOSE) does not stand in the table. */
const STATES = [
  'established',
  'syn_sent',
  'syn_received',
  'fin_wait1',
  'fin_wait2',
  'time_wait',
  undefined,
  'close_wait',
  'last_ack',
  'listen',
  'closing',
] as const;
const SERIES = fixedSeries(
  'tcp',
  STATES.filter((state) => state !== undefined).map((state) => [`state_${state}`, 'level'] as const),
);
/** Position in the output by kernel number; -1 for none. 12 (NEW_SYN_RECV) counts as received. */
const POSITION = [
  -1,
  ...STATES.map((state) => SERIES.findIndex((one) => one.name === `tcp.state_${state}`)),
  SERIES.findIndex((one) => one.name === 'tcp.state_syn_received'),
];

/** With more sockets than this the states are gaps; the totals of `tcp.ts` stand. 5,000 lines take about 6 ms. */
const MAX_SOCKETS = 5000;

/**
 * Sockets by state, counted in net/tcp and net/tcp6. Every minute only: to list even one socket the kernel walks its
 * whole hash table (measured: 2.4 ms for both files with 262,144 buckets and a handful of sockets).
 */
export function createTcpStates(files: ProcFiles): Collector {
  const sockstat = files.file('proc/net/sockstat');
  const tables = [files.file('proc/net/tcp'), files.file('proc/net/tcp6')];
  const scanner = createLineScanner();

  /** Sockets that the tables would list, from `TCP: inuse 1 orphan 0 tw 0 alloc 1`. */
  const expected = (): number => {
    if (!scanner.start(sockstat) || !scanner.nextLine()) return Number.NaN;
    for (let i = 0; i < 5; i += 1) scanner.skipWord();
    scanner.skipWord();
    const waiting = scanner.number();
    scanner.skipWord();
    return waiting + scanner.number();
  };

  const count = (table: ProcFile, out: Float64Array): void => {
    if (!scanner.start(table)) return;
    while (scanner.nextLine()) {
      // sl local_address rem_address st: the state is the fourth word, two hexadecimal digits.
      for (let i = 0; i < 3; i += 1) scanner.skipWord();
      scanner.skipBlanks();
      const position = POSITION[hexDigit(table.bytes[scanner.at]) * 16 + hexDigit(table.bytes[scanner.at + 1])] ?? -1;
      if (position >= 0) out[position] = (out[position] ?? 0) + 1;
    }
  };

  return {
    name: 'tcp-states',
    family: 'tcp',
    everyTicks: 6,
    isLive: false,
    series: () => SERIES,
    collect: (out) => {
      const isCheap = expected() <= MAX_SOCKETS;
      out.fill(isCheap ? 0 : Number.NaN);
      if (isCheap) for (const table of tables) count(table, out);
    },
  };
}

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  return code < 58 ? code - 48 : (code | 32) - 87;
}
