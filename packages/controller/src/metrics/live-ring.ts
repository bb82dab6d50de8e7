import {
  createLiveDecoder,
  fromScaled,
  type LiveDecoder,
  type LiveProblem,
  type SeriesList,
} from '@hauban/shared/metrics';

/** One live tick: values in the order of the list, NaN for a gap. */
export interface RingTick {
  /** By the node's clock. */
  readonly timeMs: number;
  /** By ours. */
  readonly receivedMs: number;
  readonly list: SeriesList;
  readonly values: Float32Array;
}

export type LiveResult =
  | { readonly ok: true; readonly tick: RingTick }
  | { readonly ok: false; readonly problem: LiveProblem | 'no-list' };

/** The last quarter of an hour of one node, from its live frames. Never stored: graphs, figures and alerts read it. */
export interface LiveRing {
  /** A list that the frames to come may belong to. A node may declare an older one for a chunk in between. */
  declare(list: SeriesList): void;
  /** Takes a frame; a frame of no declared list is worthless (rule METRIC1). */
  take(bytes: Uint8Array, nowMs: number): LiveResult;
  latest(): RingTick | undefined;
  /** Ticks from `fromMs` on, oldest first. */
  since(fromMs: number): readonly RingTick[];
  readonly madeMs: number;
}

export const RING_MS = 15 * 60_000;
/** 15 minutes at one tick a second; a node that sends faster loses the oldest. */
const MAX_TICKS = 900;
/** Lists that a node may have declared at a time: the current one and the last few. */
const MAX_LISTS = 4;

export function createLiveRing(madeMs: number): LiveRing {
  const decoders = new Map<string, { readonly list: SeriesList; readonly decoder: LiveDecoder }>();
  let ticks: RingTick[] = [];

  const keep = (tick: RingTick): void => {
    // A node whose clock was set back begins anew: times in the ring only grow.
    if (tick.timeMs <= (ticks.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY))
      ticks = ticks.filter((one) => one.timeMs < tick.timeMs);
    ticks.push(tick);
    const oldestMs = tick.timeMs - RING_MS;
    let outlived = Math.max(0, ticks.length - MAX_TICKS);
    while ((ticks[outlived]?.timeMs ?? Number.POSITIVE_INFINITY) < oldestMs) outlived += 1;
    if (outlived > 0) ticks.splice(0, outlived);
  };

  return {
    declare: (list) => {
      if (decoders.has(list.version)) return;
      decoders.set(list.version, { list, decoder: createLiveDecoder(list) });
      const [oldest] = decoders.keys();
      if (decoders.size > MAX_LISTS && oldest !== undefined) decoders.delete(oldest);
    },
    take: (bytes, nowMs) => {
      let problem: LiveProblem | 'no-list' = 'no-list';
      // The newest list first: it is the one of nearly every frame.
      for (const { list, decoder } of [...decoders.values()].toReversed()) {
        const decoded = decoder.decode(bytes);
        if (!decoded.ok) {
          problem = decoded.problem;
          if (problem === 'wrong-list') continue;
          break;
        }
        const { timeMs, scaled } = decoded.tick;
        const values = new Float32Array(scaled.length);
        for (let i = 0; i < scaled.length; i += 1)
          values[i] = fromScaled(scaled[i] ?? Number.NaN, list.series[i]?.scale ?? 1);
        const tick = { timeMs, receivedMs: nowMs, list, values };
        keep(tick);
        return { ok: true, tick };
      }
      return { ok: false, problem };
    },
    latest: () => ticks.at(-1),
    since: (fromMs) => {
      let first = ticks.length;
      while (first > 0 && (ticks[first - 1]?.timeMs ?? 0) >= fromMs) first -= 1;
      return ticks.slice(first);
    },
    madeMs,
  };
}
