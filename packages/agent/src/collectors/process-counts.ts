import { createLineScanner, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('proc', [
  ['runnable', 'level'],
  ['blocked', 'level'],
  ['threads', 'level'],
  ['forks_per_s', 'counter'],
]);
const AT = { runnable: 0, blocked: 1, threads: 2, forks: 3 } as const;

const PROCESSES = Buffer.from('processes ');
const RUNNING = Buffer.from('procs_running ');
const BLOCKED = Buffer.from('procs_blocked ');
const SLASH = Buffer.from('/');

/** What the kernel counts of processes by itself, from /proc/stat and /proc/loadavg: costs nothing, however many there are. */
export function createProcessCounts(files: ProcFiles): Collector {
  const stat = files.file('proc/stat');
  const loadavg = files.file('proc/loadavg');
  const scanner = createLineScanner();
  return {
    name: 'process-counts',
    family: 'proc',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      out.fill(Number.NaN);
      if (scanner.start(stat)) {
        do {
          if (scanner.take(PROCESSES)) out[AT.forks] = scanner.number();
          else if (scanner.take(RUNNING)) out[AT.runnable] = scanner.number();
          else if (scanner.take(BLOCKED)) out[AT.blocked] = scanner.number();
        } while (scanner.nextLine());
      }
      if (!scanner.start(loadavg)) return;
      // 0.04 0.15 0.09 1/83 12639: running/all threads is the fourth word.
      for (let i = 0; i < 3; i += 1) scanner.skipWord();
      scanner.number();
      if (scanner.take(SLASH)) out[AT.threads] = scanner.number();
    },
  };
}
