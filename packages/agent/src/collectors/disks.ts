import { seriesName } from '@hauban/shared/metrics';
import { createNamedRows, type LineScanner, type ProcFiles } from '../proc/index.ts';
import { rawWidth, type Collector, type Derivation, type RawSeries } from './collector.ts';

const ROWS: readonly (readonly [metric: string, from: Derivation])[] = [
  ['reads_per_s', 'counter'],
  ['writes_per_s', 'counter'],
  ['read_bytes_per_s', 'counter'],
  ['write_bytes_per_s', 'counter'],
  ['read_wait_ms', 'mean'],
  ['write_wait_ms', 'mean'],
  ['busy_percent', 'counter'],
  ['queue_length', 'counter'],
  ['in_flight', 'level'],
  ['discards_per_s', 'counter'],
  ['flushes_per_s', 'counter'],
];
const WIDTH = ROWS.reduce((sum, [, from]) => sum + rawWidth(from), 0);

/**
 * Whole disks and software arrays. Partitions, loop devices, memory disks and device-mapper volumes are left out: their
 * traffic is that of the disks below, and their number grows with the guests and accounts of a machine.
 */
const WHOLE_DISK = /^(?:(?:sd|vd|xvd|hd|dasd)[a-z]+|nvme\d+n\d+|mmcblk\d+|(?:md|rbd|drbd|bcache)\d+)$/;
const MAX_DISKS = 32;
const SECTOR_BYTES = 512;

/** Disks, from /proc/diskstats (fields: Documentation/admin-guide/iostats.rst of the kernel). */
export function createDisks(files: ProcFiles): Collector {
  const table = createNamedRows(files.file('proc/diskstats'), 0, 2, (name) => WHOLE_DISK.test(name));
  const declared = new Map<string, number>();
  let isStale = false;
  let target: Float64Array = new Float64Array(0);

  const takeRow = (row: number, scanner: LineScanner): void => {
    let at = row * WIDTH;
    const put = (value: number): void => {
      target[at] = value;
      at += 1;
    };
    const reads = scanner.number();
    scanner.skipWord();
    const readBytes = scanner.number() * SECTOR_BYTES;
    const readMs = scanner.number();
    const writes = scanner.number();
    scanner.skipWord();
    const writeBytes = scanner.number() * SECTOR_BYTES;
    const writeMs = scanner.number();
    const inFlight = scanner.number();
    put(reads);
    put(writes);
    put(readBytes);
    put(writeBytes);
    put(readMs);
    put(reads);
    put(writeMs);
    put(writes);
    // ms of activity in a second, in percent; then request-ms in a second, which is the mean queue.
    put(scanner.number() / 10);
    put(scanner.number() / 1000);
    put(inFlight);
    put(scanner.number());
    for (let i = 0; i < 3; i += 1) scanner.skipWord();
    put(scanner.number());
  };

  return {
    name: 'disks',
    family: 'disk',
    everyTicks: 1,
    isLive: true,
    isStale: () => isStale,
    series: () => {
      declared.clear();
      isStale = false;
      for (const name of table.names().slice(0, MAX_DISKS)) declared.set(name, declared.size);
      return [...declared.keys()].flatMap((disk) =>
        ROWS.map(([metric, from]): RawSeries => ({ name: seriesName('disk', disk, metric), from })),
      );
    },
    collect: (out) => {
      out.fill(Number.NaN);
      target = out;
      const found = table.read(declared, takeRow);
      isStale = found !== undefined && (found.present < declared.size || (found.hasNew && declared.size < MAX_DISKS));
    },
  };
}
