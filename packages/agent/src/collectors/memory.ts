import { createKeyValues, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

/** Series that are a line of /proc/meminfo as it stands, in KiB there. */
const PLAIN = {
  total_bytes: 'MemTotal',
  free_bytes: 'MemFree',
  available_bytes: 'MemAvailable',
  buffers_bytes: 'Buffers',
  cached_bytes: 'Cached',
  active_bytes: 'Active',
  inactive_bytes: 'Inactive',
  unevictable_bytes: 'Unevictable',
  mlocked_bytes: 'Mlocked',
  dirty_bytes: 'Dirty',
  writeback_bytes: 'Writeback',
  anon_bytes: 'AnonPages',
  mapped_bytes: 'Mapped',
  shmem_bytes: 'Shmem',
  slab_reclaimable_bytes: 'SReclaimable',
  slab_unreclaimable_bytes: 'SUnreclaim',
  kernel_stack_bytes: 'KernelStack',
  page_tables_bytes: 'PageTables',
  committed_bytes: 'Committed_AS',
  commit_limit_bytes: 'CommitLimit',
  swap_total_bytes: 'SwapTotal',
  swap_cached_bytes: 'SwapCached',
} as const;

const KEYS = [...Object.values(PLAIN), 'SwapFree', 'HugePages_Total', 'HugePages_Free', 'Hugepagesize'] as const;
const slot = (key: (typeof KEYS)[number]): number => KEYS.indexOf(key);
const SLOT = {
  total: slot('MemTotal'),
  available: slot('MemAvailable'),
  swapTotal: slot('SwapTotal'),
  swapFree: slot('SwapFree'),
  hugeTotal: slot('HugePages_Total'),
  hugeFree: slot('HugePages_Free'),
  hugeSize: slot('Hugepagesize'),
};

const PLAIN_COUNT = Object.keys(PLAIN).length;
const SERIES = fixedSeries('mem', [
  ...Object.keys(PLAIN).map((metric) => [metric, 'level'] as const),
  ['used_bytes', 'level'],
  ['swap_used_bytes', 'level'],
  ['huge_total_bytes', 'level'],
  ['huge_free_bytes', 'level'],
]);

const KIB = 1024;

/** Memory and swap, from /proc/meminfo. */
export function createMemory(files: ProcFiles): Collector {
  const meminfo = createKeyValues(files.file('proc/meminfo'), KEYS);
  const kib = (at: number): number => meminfo.values[at] ?? Number.NaN;
  return {
    name: 'memory',
    family: 'mem',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      meminfo.read();
      for (let i = 0; i < PLAIN_COUNT; i += 1) out[i] = kib(i) * KIB;
      out[PLAIN_COUNT] = (kib(SLOT.total) - kib(SLOT.available)) * KIB;
      out[PLAIN_COUNT + 1] = (kib(SLOT.swapTotal) - kib(SLOT.swapFree)) * KIB;
      out[PLAIN_COUNT + 2] = kib(SLOT.hugeTotal) * kib(SLOT.hugeSize) * KIB;
      out[PLAIN_COUNT + 3] = kib(SLOT.hugeFree) * kib(SLOT.hugeSize) * KIB;
    },
  };
}
