import type { ProcessWalk } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('proc', [
  ['total', 'level'],
  ['running', 'level'],
  ['sleeping', 'level'],
  ['disk_sleep', 'level'],
  ['idle', 'level'],
  ['zombie', 'level'],
  ['stopped', 'level'],
]);

/** Processes looked at in one tick: about 0.5 ms. 200 processes are counted every 40 s, 5,000 every quarter of an hour. */
const SLICE = 48;

/** Processes by state. A pass over all of them is spread over many ticks; the numbers of the last whole pass stand until then. */
export function createProcessStates(walk: ProcessWalk): Collector {
  const held = new Float64Array(SERIES.length).fill(Number.NaN);
  return {
    name: 'process-states',
    family: 'proc',
    everyTicks: 1,
    isLive: false,
    series: () => SERIES,
    collect: (out) => {
      const found = walk.step(SLICE);
      if (found === 'hidden') held.fill(Number.NaN);
      else if (found !== undefined) {
        const { R, S, D, I, Z, T } = found.byState;
        held.set([found.total, R, S, D, I, Z, T]);
      }
      out.set(held);
    },
  };
}
