import { parseSeriesName } from './series-name.ts';
import type { Family } from './families.ts';

/** Units a series may have; `percent` is of time, `ratio` runs from 0 to 1. */
export const UNITS = ['percent', 'ratio', 'bytes', 'bytes_per_s', 'per_s', 'ms', 's', 'bits', 'count', 'flag'] as const;
export type Unit = (typeof UNITS)[number];

/** `gauge`: the level at the tick. `rate`: the mean over the time since the tick before. */
export const SERIES_KINDS = ['gauge', 'rate'] as const;
export type SeriesKind = (typeof SERIES_KINDS)[number];

/** What is known of a series before any node has it. */
export interface CatalogueEntry {
  readonly family: Family;
  /** What an instance is; undefined for a series of the whole machine. */
  readonly instance: 'core' | 'device' | 'interface' | 'mount' | undefined;
  readonly metric: string;
  readonly unit: Unit;
  readonly kind: SeriesKind;
  /** Stored integer = round(value × scale): 10 keeps one decimal, 1/4096 counts pages. A power of 10 or of 1/2. */
  readonly scale: number;
  /** One sentence for a person. */
  readonly says: string;
}

type Rows = Readonly<Record<string, readonly [unit: Unit, kind: SeriesKind, scale: number, says: string]>>;

const PAGE = 1 / 4096;

const CPU: Rows = {
  user: ['percent', 'rate', 100, 'Time in programs, all cores together, guests included.'],
  nice: ['percent', 'rate', 100, 'Time in programs of lowered priority.'],
  system: ['percent', 'rate', 100, 'Time in the kernel.'],
  idle: ['percent', 'rate', 100, 'Time with nothing to do.'],
  iowait: ['percent', 'rate', 100, 'Idle time while a disk answer was awaited.'],
  irq: ['percent', 'rate', 100, 'Time in hardware interrupts.'],
  softirq: ['percent', 'rate', 100, 'Time in soft interrupts, mostly network.'],
  steal: ['percent', 'rate', 100, 'Time that the hypervisor gave to others.'],
  guest: ['percent', 'rate', 100, 'Time in virtual machines of this host.'],
  cores: ['count', 'gauge', 1, 'Cores that are online.'],
  context_switches_per_s: ['per_s', 'rate', 1, 'Switches between tasks.'],
  interrupts_per_s: ['per_s', 'rate', 1, 'Hardware interrupts served.'],
  softirqs_per_s: ['per_s', 'rate', 1, 'Soft interrupts served.'],
};

const CORE: Rows = {
  busy: ['percent', 'rate', 10, 'Time that this core was neither idle nor waiting for a disk.'],
  user: ['percent', 'rate', 10, 'Time of this core in programs.'],
  system: ['percent', 'rate', 10, 'Time of this core in the kernel, interrupts included.'],
  iowait: ['percent', 'rate', 10, 'Idle time of this core while a disk answer was awaited.'],
  steal: ['percent', 'rate', 10, 'Time of this core that the hypervisor gave to others.'],
};

const MEM: Rows = {
  total_bytes: ['bytes', 'gauge', PAGE, 'Memory that the kernel manages.'],
  used_bytes: ['bytes', 'gauge', PAGE, 'Total less available.'],
  free_bytes: ['bytes', 'gauge', PAGE, 'Memory that nothing uses.'],
  available_bytes: ['bytes', 'gauge', PAGE, 'Memory that programs can still get without swapping.'],
  buffers_bytes: ['bytes', 'gauge', PAGE, 'Cache of raw disk blocks.'],
  cached_bytes: ['bytes', 'gauge', PAGE, 'Cache of file contents.'],
  active_bytes: ['bytes', 'gauge', PAGE, 'Memory in recent use.'],
  inactive_bytes: ['bytes', 'gauge', PAGE, 'Memory that would be reclaimed first.'],
  unevictable_bytes: ['bytes', 'gauge', PAGE, 'Memory that can not be reclaimed.'],
  mlocked_bytes: ['bytes', 'gauge', PAGE, 'Memory locked by programs.'],
  dirty_bytes: ['bytes', 'gauge', PAGE, 'File contents not yet written to disk.'],
  writeback_bytes: ['bytes', 'gauge', PAGE, 'File contents being written to disk now.'],
  anon_bytes: ['bytes', 'gauge', PAGE, 'Memory of programs that no file backs.'],
  mapped_bytes: ['bytes', 'gauge', PAGE, 'File contents mapped into programs.'],
  shmem_bytes: ['bytes', 'gauge', PAGE, 'Shared memory and tmpfs.'],
  slab_reclaimable_bytes: ['bytes', 'gauge', PAGE, 'Kernel caches that can be given back.'],
  slab_unreclaimable_bytes: ['bytes', 'gauge', PAGE, 'Kernel memory that can not be given back.'],
  kernel_stack_bytes: ['bytes', 'gauge', PAGE, 'Stacks of the kernel.'],
  page_tables_bytes: ['bytes', 'gauge', PAGE, 'Tables that map memory.'],
  committed_bytes: ['bytes', 'gauge', PAGE, 'Memory promised to programs.'],
  commit_limit_bytes: ['bytes', 'gauge', PAGE, 'Memory that may be promised.'],
  huge_free_bytes: ['bytes', 'gauge', PAGE, 'Reserved huge pages that are free.'],
  huge_total_bytes: ['bytes', 'gauge', PAGE, 'Reserved huge pages.'],
  swap_total_bytes: ['bytes', 'gauge', PAGE, 'Swap space.'],
  swap_used_bytes: ['bytes', 'gauge', PAGE, 'Swap space in use.'],
  swap_cached_bytes: ['bytes', 'gauge', PAGE, 'Memory that is both in swap and in memory.'],
  page_in_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Read from block devices.'],
  page_out_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Written to block devices.'],
  swap_in_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Read back from swap.'],
  swap_out_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Written to swap.'],
  faults_per_s: ['per_s', 'rate', 1, 'Page faults.'],
  major_faults_per_s: ['per_s', 'rate', 10, 'Page faults that had to read a disk.'],
  scan_kswapd_per_s: ['per_s', 'rate', 10, 'Pages looked at by background reclaim.'],
  scan_direct_per_s: ['per_s', 'rate', 10, 'Pages looked at by programs that had to wait for memory.'],
  alloc_stalls_per_s: ['per_s', 'rate', 10, 'Times a program had to wait for memory.'],
  compact_stalls_per_s: ['per_s', 'rate', 10, 'Times a program had to wait for memory in one piece.'],
  oom_kills_per_s: ['per_s', 'rate', 10, 'Programs killed for lack of memory; 0.1 is one in ten seconds.'],
};

const DISK: Rows = {
  reads_per_s: ['per_s', 'rate', 10, 'Reads completed.'],
  writes_per_s: ['per_s', 'rate', 10, 'Writes completed.'],
  read_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Bytes read.'],
  write_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Bytes written.'],
  read_wait_ms: ['ms', 'rate', 100, 'Mean time of a read, queue included; 0 without reads.'],
  write_wait_ms: ['ms', 'rate', 100, 'Mean time of a write, queue included; 0 without writes.'],
  busy_percent: ['percent', 'rate', 10, 'Time with at least one request under way.'],
  queue_length: ['count', 'rate', 100, 'Mean number of requests under way.'],
  in_flight: ['count', 'gauge', 1, 'Requests under way at the tick.'],
  discards_per_s: ['per_s', 'rate', 10, 'Discards completed.'],
  flushes_per_s: ['per_s', 'rate', 10, 'Cache flushes completed.'],
};

const NET: Rows = {
  rx_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Bytes received.'],
  tx_bytes_per_s: ['bytes_per_s', 'rate', 1, 'Bytes sent.'],
  rx_packets_per_s: ['per_s', 'rate', 10, 'Packets received.'],
  tx_packets_per_s: ['per_s', 'rate', 10, 'Packets sent.'],
  rx_errors_per_s: ['per_s', 'rate', 10, 'Packets received damaged.'],
  tx_errors_per_s: ['per_s', 'rate', 10, 'Packets that could not be sent.'],
  rx_drops_per_s: ['per_s', 'rate', 10, 'Packets received and thrown away.'],
  tx_drops_per_s: ['per_s', 'rate', 10, 'Packets thrown away before sending.'],
  rx_multicast_per_s: ['per_s', 'rate', 10, 'Multicast packets received.'],
  up: ['flag', 'gauge', 1, '1 when the interface has a carrier.'],
};

const TCP: Rows = {
  established: ['count', 'gauge', 1, 'Connections that are open (established or waiting to be closed here).'],
  time_wait: ['count', 'gauge', 1, 'Connections that are over and wait for stray packets.'],
  in_use: ['count', 'gauge', 1, 'TCP sockets in use over IPv4.'],
  in_use6: ['count', 'gauge', 1, 'TCP sockets in use over IPv6.'],
  orphans: ['count', 'gauge', 1, 'Connections that no program holds any more.'],
  allocated: ['count', 'gauge', 1, 'TCP sockets allocated.'],
  memory_bytes: ['bytes', 'gauge', PAGE, 'Memory of TCP buffers.'],
  sockets: ['count', 'gauge', 1, 'Sockets of all kinds in use.'],
  active_opens_per_s: ['per_s', 'rate', 10, 'Connections opened from here.'],
  passive_opens_per_s: ['per_s', 'rate', 10, 'Connections accepted here.'],
  failed_attempts_per_s: ['per_s', 'rate', 10, 'Connections that could not be opened.'],
  resets_per_s: ['per_s', 'rate', 10, 'Open connections that were reset.'],
  sent_resets_per_s: ['per_s', 'rate', 10, 'Resets sent.'],
  in_segments_per_s: ['per_s', 'rate', 10, 'Segments received.'],
  out_segments_per_s: ['per_s', 'rate', 10, 'Segments sent.'],
  retransmits_per_s: ['per_s', 'rate', 10, 'Segments sent again.'],
  in_errors_per_s: ['per_s', 'rate', 10, 'Segments received damaged.'],
  listen_overflows_per_s: ['per_s', 'rate', 10, 'Connections refused because a listening program was too slow.'],
  listen_drops_per_s: ['per_s', 'rate', 10, 'Connections dropped by a listening socket for any reason.'],
  backlog_drops_per_s: ['per_s', 'rate', 10, 'Segments dropped because a socket was busy.'],
  timeouts_per_s: ['per_s', 'rate', 10, 'Retransmission timers that ran out.'],
  syn_retransmits_per_s: ['per_s', 'rate', 10, 'First packets of connections sent again.'],
  syn_cookies_per_s: ['per_s', 'rate', 10, 'SYN cookies sent: the queue of new connections is full.'],
  udp_in_use: ['count', 'gauge', 1, 'UDP sockets in use over IPv4.'],
  udp_in_use6: ['count', 'gauge', 1, 'UDP sockets in use over IPv6.'],
  udp_in_per_s: ['per_s', 'rate', 10, 'Datagrams received.'],
  udp_out_per_s: ['per_s', 'rate', 10, 'Datagrams sent.'],
  udp_no_port_per_s: ['per_s', 'rate', 10, 'Datagrams for a port where nothing listens.'],
  udp_errors_per_s: ['per_s', 'rate', 10, 'Datagrams received damaged or without room in the buffer.'],
  ip_in_discards_per_s: ['per_s', 'rate', 10, 'IP packets thrown away for lack of memory.'],
  conntrack: ['count', 'gauge', 1, 'Connections that the packet filter follows.'],
  conntrack_max: ['count', 'gauge', 1, 'Connections that the packet filter can follow.'],
  state_established: ['count', 'gauge', 1, 'Sockets in ESTABLISHED, counted one by one.'],
  state_syn_sent: ['count', 'gauge', 1, 'Sockets in SYN_SENT.'],
  state_syn_received: ['count', 'gauge', 1, 'Sockets in SYN_RECV.'],
  state_fin_wait1: ['count', 'gauge', 1, 'Sockets in FIN_WAIT1.'],
  state_fin_wait2: ['count', 'gauge', 1, 'Sockets in FIN_WAIT2.'],
  state_time_wait: ['count', 'gauge', 1, 'Sockets in TIME_WAIT, counted one by one.'],
  state_close_wait: ['count', 'gauge', 1, 'Sockets in CLOSE_WAIT: a program here forgot to close.'],
  state_last_ack: ['count', 'gauge', 1, 'Sockets in LAST_ACK.'],
  state_listen: ['count', 'gauge', 1, 'Sockets that listen.'],
  state_closing: ['count', 'gauge', 1, 'Sockets in CLOSING.'],
};

const PSI: Rows = {
  cpu_some: ['percent', 'rate', 100, 'Time in which some task waited for a core.'],
  cpu_full: ['percent', 'rate', 100, 'Time in which all tasks waited for a core.'],
  memory_some: ['percent', 'rate', 100, 'Time in which some task waited for memory.'],
  memory_full: ['percent', 'rate', 100, 'Time in which all tasks waited for memory.'],
  io_some: ['percent', 'rate', 100, 'Time in which some task waited for a disk.'],
  io_full: ['percent', 'rate', 100, 'Time in which all tasks waited for a disk.'],
  irq_full: ['percent', 'rate', 100, 'Time that tasks lost to interrupts.'],
};

const FS: Rows = {
  size_bytes: ['bytes', 'gauge', PAGE, 'Size of the file system.'],
  used_bytes: ['bytes', 'gauge', PAGE, 'Space in use.'],
  available_bytes: ['bytes', 'gauge', PAGE, 'Space that an ordinary user can still use.'],
  used_ratio: ['ratio', 'gauge', 10_000, 'Used share of the space that an ordinary user can use, as df shows it.'],
  inodes: ['count', 'gauge', 1, 'Files that the file system can hold; 0 when it has no such limit.'],
  inodes_used: ['count', 'gauge', 1, 'Files that it holds.'],
  inodes_used_ratio: ['ratio', 'gauge', 10_000, 'Used share of the files that it can hold.'],
  read_only: ['flag', 'gauge', 1, '1 when it is mounted read-only.'],
};

const PROC: Rows = {
  total: ['count', 'gauge', 1, 'Processes.'],
  running: ['count', 'gauge', 1, 'Processes running or ready to run.'],
  sleeping: ['count', 'gauge', 1, 'Processes that wait for something.'],
  disk_sleep: ['count', 'gauge', 1, 'Processes that wait and can not be interrupted, mostly for a disk.'],
  idle: ['count', 'gauge', 1, 'Idle kernel threads.'],
  zombie: ['count', 'gauge', 1, 'Processes that ended and were not collected by their parent.'],
  stopped: ['count', 'gauge', 1, 'Processes stopped by a signal or a debugger.'],
  runnable: ['count', 'gauge', 1, 'Threads running or ready to run at the tick.'],
  blocked: ['count', 'gauge', 1, 'Threads that wait for a disk at the tick.'],
  threads: ['count', 'gauge', 1, 'Threads of all processes.'],
  forks_per_s: ['per_s', 'rate', 10, 'Processes and threads made.'],
};

const SYS: Rows = {
  load1: ['count', 'gauge', 100, 'Mean number of tasks ready or waiting for a disk, over 1 minute.'],
  load5: ['count', 'gauge', 100, 'The same over 5 minutes.'],
  load15: ['count', 'gauge', 100, 'The same over 15 minutes.'],
  uptime_s: ['s', 'gauge', 1, 'Time since the machine started.'],
  open_files: ['count', 'gauge', 1, 'Open files of all programs.'],
  open_files_max: ['count', 'gauge', 1, 'Open files that the kernel allows.'],
  entropy_bits: ['bits', 'gauge', 1, 'Randomness that the kernel has gathered.'],
  clock_offset_ms: ['ms', 'gauge', 1, 'Clock of this node less clock of the controller.'],
  failed_units: ['count', 'gauge', 1, 'Units of systemd that failed.'],
  agent_cpu_percent: ['percent', 'rate', 1000, 'CPU time of the agent, in percent of one core.'],
  agent_rss_bytes: ['bytes', 'gauge', PAGE, 'Memory of the agent.'],
  agent_tick_late_ms: ['ms', 'gauge', 1, 'How late the tick began.'],
  agent_tick_cpu_ms: ['ms', 'gauge', 100, 'CPU time of the tick before this one.'],
  agent_spool_chunks: ['count', 'gauge', 1, 'Chunks on this node that the controller has not confirmed.'],
  agent_spool_bytes: ['bytes', 'gauge', PAGE, 'Disk space of these chunks.'],
  agent_spool_dropped: [
    'count',
    'gauge',
    1,
    'Chunks thrown away unsent because the spool was full or they were too old.',
  ],
};

function entries(family: Family, instance: CatalogueEntry['instance'], rows: Rows): [string, CatalogueEntry][] {
  return Object.entries(rows).map(([metric, [unit, kind, scale, says]]) => [
    instance === undefined ? `${family}.${metric}` : `${family}.*.${metric}`,
    { family, instance, metric, unit, kind, scale, says },
  ]);
}

/** Every known series by pattern: `cpu.user`, `cpu.*.user`. The scale of a pattern never changes: a new one is made. */
export const CATALOGUE: ReadonlyMap<string, CatalogueEntry> = new Map([
  ...entries('cpu', undefined, CPU),
  ...entries('cpu', 'core', CORE),
  ...entries('mem', undefined, MEM),
  ...entries('disk', 'device', DISK),
  ...entries('net', 'interface', NET),
  ...entries('tcp', undefined, TCP),
  ...entries('psi', undefined, PSI),
  ...entries('fs', 'mount', FS),
  ...entries('proc', undefined, PROC),
  ...entries('sys', undefined, SYS),
]);

/** What the catalogue says of a series; undefined for one that only a newer node knows. */
export function catalogueEntry(name: string): CatalogueEntry | undefined {
  const parsed = parseSeriesName(name);
  if (parsed === undefined) return undefined;
  return CATALOGUE.get(parsed.instance === '' ? name : `${parsed.family}.*.${parsed.metric}`);
}
