import { createLineScanner, type ProcFiles } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('psi', [
  ['cpu_some', 'counter'],
  ['cpu_full', 'counter'],
  ['memory_some', 'counter'],
  ['memory_full', 'counter'],
  ['io_some', 'counter'],
  ['io_full', 'counter'],
  ['irq_full', 'counter'],
]);
const RESOURCES = ['cpu', 'memory', 'io'] as const;
const IRQ_FULL = 6;

const SOME = Buffer.from('some');
const FULL = Buffer.from('full');
const TOTAL = Buffer.from('total=');
/** The kernel counts µs; growth per second of this is percent of time. */
const US_PER_PERCENT = 10_000;

/** Pressure stall information, from the totals in /proc/pressure: exact over any time, unlike the averages beside them. */
export function createPressure(files: ProcFiles): Collector {
  const resources = RESOURCES.map((resource) => files.file(`proc/pressure/${resource}`));
  const irq = files.file('proc/pressure/irq');
  const scanner = createLineScanner();

  /** some avg10=0.05 avg60=0.40 avg300=1.55 total=17677680 */
  const total = (): number => {
    for (let i = 0; i < 3; i += 1) scanner.skipWord();
    scanner.skipBlanks();
    return scanner.take(TOTAL) ? scanner.number() / US_PER_PERCENT : Number.NaN;
  };

  return {
    name: 'pressure',
    family: 'psi',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      out.fill(Number.NaN);
      resources.forEach((file, index) => {
        if (!scanner.start(file)) return;
        do {
          if (scanner.take(SOME)) out[index * 2] = total();
          else if (scanner.take(FULL)) out[index * 2 + 1] = total();
        } while (scanner.nextLine());
      });
      if (scanner.start(irq) && scanner.take(FULL)) out[IRQ_FULL] = total();
    },
  };
}
