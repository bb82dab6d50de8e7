import type { KeyFigures } from '@hauban/shared/api';
import type { SeriesList } from '@hauban/shared/metrics';
import type { RingTick } from './live-ring.ts';

const NONE: KeyFigures = {
  cpuBusyRatio: null,
  memoryUsedRatio: null,
  load1: null,
  fullestFsRatio: null,
  failedUnits: null,
};

/** Where the figures stand in a list; -1 where the node does not have it. */
interface Places {
  readonly idle: number;
  readonly iowait: number;
  readonly memoryUsed: number;
  readonly memoryTotal: number;
  readonly load1: number;
  readonly failedUnits: number;
  readonly fsUsed: readonly number[];
}

/** Lists live as long as their node is connected; the places go with them. */
const known = new WeakMap<SeriesList, Places>();

function placesOf(list: SeriesList): Places {
  const at = (name: string): number => list.series.findIndex((series) => series.name === name);
  const places = known.get(list) ?? {
    idle: at('cpu.idle'),
    iowait: at('cpu.iowait'),
    memoryUsed: at('mem.used_bytes'),
    memoryTotal: at('mem.total_bytes'),
    load1: at('sys.load1'),
    failedUnits: at('sys.failed_units'),
    fsUsed: list.byFamily.fs.filter(
      (position) =>
        list.series[position]?.name.endsWith('.used_ratio') === true &&
        !list.series[position].name.endsWith('.inodes_used_ratio'),
    ),
  };
  known.set(list, places);
  return places;
}

/** The figures that the fleet's table shows, out of the newest tick. */
export function keyFigures(tick: RingTick | undefined): KeyFigures {
  if (tick === undefined) return NONE;
  const places = placesOf(tick.list);
  const value = (at: number): number | null => {
    const found = tick.values[at];
    return found === undefined || Number.isNaN(found) ? null : found;
  };
  const [idle, iowait, used, total] = [
    value(places.idle),
    value(places.iowait),
    value(places.memoryUsed),
    value(places.memoryTotal),
  ];
  const fullest = places.fsUsed.map(value).filter((ratio) => ratio !== null);
  return {
    cpuBusyRatio: idle === null ? null : Math.min(1, Math.max(0, (100 - idle - (iowait ?? 0)) / 100)),
    memoryUsedRatio: used === null || total === null || total <= 0 ? null : used / total,
    load1: value(places.load1),
    fullestFsRatio: fullest.length === 0 ? null : Math.max(...fullest),
    failedUnits: value(places.failedUnits),
  };
}
