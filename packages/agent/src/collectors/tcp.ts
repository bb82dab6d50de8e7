import { createLineScanner, createPairedLines, type ProcFile, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector, type Derivation } from './collector.ts';

const PAGE_BYTES = 4096;

/** Series and the value of net/snmp that it is. */
const SNMP: readonly (readonly [metric: string, name: string, from: Derivation])[] = [
  ['established', 'Tcp.CurrEstab', 'level'],
  ['active_opens_per_s', 'Tcp.ActiveOpens', 'counter'],
  ['passive_opens_per_s', 'Tcp.PassiveOpens', 'counter'],
  ['failed_attempts_per_s', 'Tcp.AttemptFails', 'counter'],
  ['resets_per_s', 'Tcp.EstabResets', 'counter'],
  ['sent_resets_per_s', 'Tcp.OutRsts', 'counter'],
  ['in_segments_per_s', 'Tcp.InSegs', 'counter'],
  ['out_segments_per_s', 'Tcp.OutSegs', 'counter'],
  ['retransmits_per_s', 'Tcp.RetransSegs', 'counter'],
  ['in_errors_per_s', 'Tcp.InErrs', 'counter'],
  ['udp_in_per_s', 'Udp.InDatagrams', 'counter'],
  ['udp_out_per_s', 'Udp.OutDatagrams', 'counter'],
  ['udp_no_port_per_s', 'Udp.NoPorts', 'counter'],
  ['udp_errors_per_s', 'Udp.InErrors', 'counter'],
  ['ip_in_discards_per_s', 'Ip.InDiscards', 'counter'],
];

/** The same of net/netstat. */
const NETSTAT: typeof SNMP = [
  ['listen_overflows_per_s', 'TcpExt.ListenOverflows', 'counter'],
  ['listen_drops_per_s', 'TcpExt.ListenDrops', 'counter'],
  ['backlog_drops_per_s', 'TcpExt.TCPBacklogDrop', 'counter'],
  ['timeouts_per_s', 'TcpExt.TCPTimeouts', 'counter'],
  ['syn_retransmits_per_s', 'TcpExt.TCPSynRetrans', 'counter'],
  ['syn_cookies_per_s', 'TcpExt.SyncookiesSent', 'counter'],
];

const SOCKETS = [
  'sockets',
  'in_use',
  'orphans',
  'time_wait',
  'allocated',
  'memory_bytes',
  'udp_in_use',
  'in_use6',
  'udp_in_use6',
  'conntrack',
  'conntrack_max',
] as const;

const SERIES = fixedSeries('tcp', [
  ...[...SNMP, ...NETSTAT].map(([metric, , from]) => [metric, from] as const),
  ...SOCKETS.map((metric) => [metric, 'level'] as const),
]);

/**
 * Totals of TCP and UDP from net/snmp, net/netstat, net/sockstat and net/sockstat6: the kernel keeps them, so they cost
 * the same with a hundred thousand connections. States one by one are in `tcp-states.ts`.
 */
export function createTcp(files: ProcFiles): Collector {
  const snmp = createPairedLines(
    files.file('proc/net/snmp'),
    SNMP.map(([, name]) => name),
  );
  const netstat = createPairedLines(
    files.file('proc/net/netstat'),
    NETSTAT.map(([, name]) => name),
  );
  const sockstat = files.file('proc/net/sockstat');
  const sockstat6 = files.file('proc/net/sockstat6');
  const conntrack = files.file('proc/sys/net/netfilter/nf_conntrack_count');
  const conntrackMax = files.file('proc/sys/net/netfilter/nf_conntrack_max');
  const scanner = createLineScanner();

  /** The number after each word of the line where the scanner stands: `TCP: inuse 1 orphan 0`. */
  const putLine = (out: Float64Array, at: number, count: number): void => {
    scanner.skipWord();
    for (let i = 0; i < count; i += 1) {
      scanner.skipWord();
      out[at + i] = scanner.number();
    }
    scanner.nextLine();
  };

  const single = (file: ProcFile): number => (scanner.start(file) ? scanner.number() : Number.NaN);

  return {
    name: 'tcp',
    family: 'tcp',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      out.fill(Number.NaN);
      snmp.read();
      netstat.read();
      out.set(snmp.values);
      out.set(netstat.values, SNMP.length);
      const at = SNMP.length + NETSTAT.length;
      if (scanner.start(sockstat)) {
        putLine(out, at, 1);
        putLine(out, at + 1, 5);
        putLine(out, at + 6, 1);
        out[at + 5] = (out[at + 5] ?? Number.NaN) * PAGE_BYTES;
      }
      if (scanner.start(sockstat6)) {
        putLine(out, at + 7, 1);
        putLine(out, at + 8, 1);
      }
      out[at + 9] = single(conntrack);
      out[at + 10] = single(conntrackMax);
    },
  };
}
