import { createKeyValues, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const KIB = 1024;
/** Page size of every kernel that Debian and Ubuntu ship for amd64 and arm64. */
const PAGE_BYTES = 4096;

/** Series, line of /proc/vmstat, factor. */
const ROWS = [
  ['page_in_bytes_per_s', 'pgpgin', KIB],
  ['page_out_bytes_per_s', 'pgpgout', KIB],
  ['swap_in_bytes_per_s', 'pswpin', PAGE_BYTES],
  ['swap_out_bytes_per_s', 'pswpout', PAGE_BYTES],
  ['faults_per_s', 'pgfault', 1],
  ['major_faults_per_s', 'pgmajfault', 1],
  ['scan_kswapd_per_s', 'pgscan_kswapd', 1],
  ['scan_direct_per_s', 'pgscan_direct', 1],
  ['compact_stalls_per_s', 'compact_stall', 1],
  ['oom_kills_per_s', 'oom_kill', 1],
] as const;

/** Stalls are counted per zone; a machine lacks the zones that it does not need. */
const STALLS = [
  'allocstall_dma',
  'allocstall_dma32',
  'allocstall_normal',
  'allocstall_movable',
  'allocstall_device',
] as const;

const SERIES = fixedSeries('mem', [
  ...ROWS.map(([metric]) => [metric, 'counter'] as const),
  ['alloc_stalls_per_s', 'counter'],
]);

/** Traffic between memory, disks and swap, from /proc/vmstat. */
export function createPaging(files: ProcFiles): Collector {
  const vmstat = createKeyValues(files.file('proc/vmstat'), [...ROWS.map(([, key]) => key), ...STALLS]);
  return {
    name: 'paging',
    family: 'mem',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      vmstat.read();
      for (let i = 0; i < ROWS.length; i += 1) out[i] = (vmstat.values[i] ?? Number.NaN) * (ROWS[i]?.[2] ?? 1);
      let stalls = Number.NaN;
      for (let i = 0; i < STALLS.length; i += 1) {
        const zone = vmstat.values[ROWS.length + i] ?? Number.NaN;
        if (zone === zone) stalls = stalls === stalls ? stalls + zone : zone;
      }
      out[ROWS.length] = stalls;
    },
  };
}
