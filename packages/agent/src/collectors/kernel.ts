import { createLineScanner, type ProcFile, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('sys', [
  ['uptime_s', 'level'],
  ['open_files', 'level'],
  ['open_files_max', 'level'],
  ['entropy_bits', 'level'],
]);

/** Uptime, open files and entropy, each a file of its own below /proc. */
export function createKernel(files: ProcFiles): Collector {
  const uptime = files.file('proc/uptime');
  const fileNumbers = files.file('proc/sys/fs/file-nr');
  const entropy = files.file('proc/sys/kernel/random/entropy_avail');
  const scanner = createLineScanner();
  const first = (file: ProcFile): number => (scanner.start(file) ? scanner.decimal() : Number.NaN);
  return {
    name: 'kernel',
    family: 'sys',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      out[0] = Math.floor(first(uptime));
      out[1] = first(fileNumbers);
      // open, free (0 since Linux 2.6), most: without a limit the kernel says 2^63 - 1, which is held at the largest number that we store.
      scanner.skipWord();
      out[2] = scanner.number();
      out[3] = first(entropy);
    },
  };
}
