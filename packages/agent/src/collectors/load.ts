import { createLineScanner, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('sys', [
  ['load1', 'level'],
  ['load5', 'level'],
  ['load15', 'level'],
]);

/** Load averages, from /proc/loadavg. */
export function createLoad(files: ProcFiles): Collector {
  const file = files.file('proc/loadavg');
  const scanner = createLineScanner();
  return {
    name: 'load',
    family: 'sys',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      out.fill(Number.NaN);
      if (!scanner.start(file)) return;
      for (let i = 0; i < SERIES.length; i += 1) out[i] = scanner.decimal();
    },
  };
}
