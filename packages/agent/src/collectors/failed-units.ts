import type { FailedUnitsQuery } from '../proc/index.ts';
import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('sys', [['failed_units', 'level']]);

/** Failed systemd units, asked over the message bus once a minute: cgroups do not show a unit that is dead. */
export function createFailedUnits(query: FailedUnitsQuery): Collector {
  let held = Number.NaN;
  return {
    name: 'failed-units',
    family: 'sys',
    everyTicks: 6,
    isLive: false,
    series: () => SERIES,
    collect: (out) => {
      out[0] = held;
    },
    refresh: async () => {
      held = (await query()) ?? Number.NaN;
    },
  };
}
