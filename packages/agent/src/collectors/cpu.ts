import { seriesName } from '@hauban/shared/metrics';
import { createLineScanner, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector, type RawSeries } from './collector.ts';

const CPU = Buffer.from('cpu');
const INTR = Buffer.from('intr ');
const CTXT = Buffer.from('ctxt ');
const SOFTIRQ = Buffer.from('softirq ');

const MACHINE = fixedSeries('cpu', [
  ['user', 'counter'],
  ['nice', 'counter'],
  ['system', 'counter'],
  ['idle', 'counter'],
  ['iowait', 'counter'],
  ['irq', 'counter'],
  ['softirq', 'counter'],
  ['steal', 'counter'],
  ['guest', 'counter'],
  ['cores', 'level'],
  ['context_switches_per_s', 'counter'],
  ['interrupts_per_s', 'counter'],
  ['softirqs_per_s', 'counter'],
]);
const AT = { cores: 9, contextSwitches: 10, interrupts: 11, softirqs: 12 } as const;

/** On machines with more cores each one has only `busy`: 128 cores with five series each would drown the rest. */
const DETAILED_CORES = 16;
const MAX_CORES = 256;
const DETAILS = ['busy', 'user', 'system', 'iowait', 'steal'] as const;

/** The kernel lets idle and iowait go back by a little (proc(5)); a larger step back is a counter that began anew. */
const BACKWARD_JIFFIES = 300;

/**
 * Time per mode, of all cores and of each, from /proc/stat. The kernel counts in hundredths of a second, so growth per
 * second is percent of one core; the modes of the machine are divided by the number of cores.
 */
export function createCpu(files: ProcFiles): Collector {
  const file = files.file('proc/stat');
  const scanner = createLineScanner();
  const times = new Float64Array(10);
  let cores: number[] = [];
  let isStale = false;
  let previous = new Float64Array(0);

  const readTimes = (): void => {
    for (let i = 0; i < times.length; i += 1) times[i] = scanner.number();
  };

  /** Writes a counter of jiffies that may go back a little. */
  const put = (out: Float64Array, at: number, jiffies: number, divisor: number): void => {
    const before = previous[at] ?? Number.NaN;
    const held = jiffies < before && before - jiffies < BACKWARD_JIFFIES ? before : jiffies;
    previous[at] = held;
    out[at] = held / divisor;
  };

  const time = (i: number): number => times[i] ?? Number.NaN;

  const putMachine = (out: Float64Array): void => {
    for (let i = 0; i < 8; i += 1) put(out, i, time(i), cores.length);
    put(out, 8, time(8) + time(9), cores.length);
    out[AT.cores] = cores.length;
  };

  const putCore = (out: Float64Array, index: number): void => {
    const [user, system] = [time(0) + time(1), time(2) + time(5) + time(6)];
    const details = cores.length <= DETAILED_CORES ? DETAILS.length : 1;
    const at = MACHINE.length + index * details;
    put(out, at, user + system + time(7), 1);
    if (details === 1) return;
    put(out, at + 1, user, 1);
    put(out, at + 2, system, 1);
    put(out, at + 3, time(4), 1);
    put(out, at + 4, time(7), 1);
  };

  /** Calls `each` with the number of each core line; the scanner ends on the first line that is none. */
  const scanCores = (each: (core: number) => void): void => {
    while (scanner.nextLine() && scanner.take(CPU)) each(scanner.number());
  };

  return {
    name: 'cpu',
    family: 'cpu',
    everyTicks: 1,
    isLive: true,
    isStale: () => isStale,
    series: () => {
      cores = [];
      isStale = false;
      if (scanner.start(file)) scanCores((core) => cores.push(core));
      cores = cores.slice(0, MAX_CORES);
      const details = cores.length <= DETAILED_CORES ? DETAILS : (['busy'] as const);
      const perCore = cores.flatMap((core) =>
        details.map((detail): RawSeries => ({ name: seriesName('cpu', String(core), detail), from: 'counter' })),
      );
      previous = new Float64Array(MACHINE.length + perCore.length).fill(Number.NaN);
      return [...MACHINE, ...perCore];
    },
    collect: (out) => {
      out.fill(Number.NaN);
      if (!scanner.start(file) || !scanner.take(CPU)) return;
      readTimes();
      putMachine(out);
      let index = 0;
      scanCores((core) => {
        if (core === cores[index]) {
          readTimes();
          putCore(out, index);
        } else if (index < MAX_CORES) isStale = true;
        index += 1;
      });
      if (index < cores.length) isStale = true;
      do {
        if (scanner.take(INTR)) out[AT.interrupts] = scanner.number();
        else if (scanner.take(CTXT)) out[AT.contextSwitches] = scanner.number();
        else if (scanner.take(SOFTIRQ)) out[AT.softirqs] = scanner.number();
      } while (scanner.nextLine());
    },
  };
}
