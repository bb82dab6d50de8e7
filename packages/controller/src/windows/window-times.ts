import { parseCron, zonedTime } from '@hauban/shared/time';
import type { WindowVerdict } from '../runs/window-rule.service.ts';
import type { WindowRecord } from './windows.repository.ts';

/** When a window is. Times are Unix ms. */
export interface Spans {
  /** The end, when it is at this time, times that follow without a gap taken together; else null. */
  endAt(at: number): number | null;
  /** The next begin after this time; null: there is none. */
  beginAfter(at: number): number | null;
}

type Times = Pick<WindowRecord, 'cron' | 'zone' | 'durationMinutes' | 'fromAt' | 'untilAt'>;

/** Windows that follow on each other without end are looked at so far. */
const MOST_JOINED = 400;
/** Changes of windows until a node is open, looked at one by one. */
const MOST_CHANGES = 1_000;

export function spansOf({ cron: line, zone, durationMinutes, fromAt, untilAt }: Times): Spans {
  if (line === null) {
    const [from, until] = [fromAt ?? 0, untilAt ?? 0];
    return {
      endAt: (at) => (from <= at && at < until ? until : null),
      beginAfter: (at) => (from > at ? from : null),
    };
  }
  const parsed = parseCron(line, zone);
  // It was read when it was made: a zone can only have gone from the runtime since.
  if (!parsed.ok) return { endAt: () => null, beginAfter: () => null };
  const { cron } = parsed;
  const durationMs = (durationMinutes ?? 0) * 60_000;
  return {
    endAt: (at) => {
      let begin = cron.next(at - durationMs);
      if (begin === null || begin > at) return null;
      let end = begin + durationMs;
      for (let joined = 0; joined < MOST_JOINED; joined += 1) {
        begin = cron.next(begin);
        if (begin === null || begin > end) break;
        end = begin + durationMs;
      }
      return end;
    },
    beginAfter: (at) => cron.next(at),
  };
}

interface Bound {
  readonly record: WindowRecord;
  readonly spans: Spans;
}

const least = (times: readonly (number | null)[]): number | null =>
  times.reduce<number | null>((min, time) => (time === null || (min !== null && min <= time) ? min : time), null);

/** The freeze that lasts longest at this time. */
function freezeAt(freezes: readonly Bound[], at: number): { readonly bound: Bound; readonly end: number } | null {
  const found = freezes.flatMap((bound) => {
    const end = bound.spans.endAt(at);
    return end === null ? [] : [{ bound, end }];
  });
  return found.toSorted((a, b) => b.end - a.end)[0] ?? null;
}

/** What the windows of one node say at this time; null: they bind nothing any more. */
export function judgeNode(windows: readonly WindowRecord[], now: number): WindowVerdict | null {
  const binding = windows
    .filter(({ untilAt }) => untilAt === null || untilAt > now)
    .map((record) => ({ record, spans: spansOf(record) }));
  if (binding.length === 0) return null;
  const inside = binding.filter(({ record }) => record.kind === 'only-inside');
  const freezes = binding.filter(({ record }) => record.kind === 'freeze');
  const isInside = (at: number): boolean => inside.length === 0 || inside.some(({ spans }) => spans.endAt(at) !== null);

  let openFrom: number | null = now;
  for (let changes = 0; openFrom !== null && changes < MOST_CHANGES; changes += 1) {
    const at: number = openFrom;
    const freeze = freezeAt(freezes, at);
    if (freeze !== null) openFrom = freeze.end;
    else if (isInside(at)) break;
    else openFrom = least(inside.map(({ spans }) => spans.beginAfter(at)));
  }
  if (openFrom !== null && (freezeAt(freezes, openFrom) !== null || !isInside(openFrom))) openFrom = null;

  const because = freezeAt(freezes, now)?.bound ?? inside[0] ?? freezes[0];
  const { name, kind, zone } = because?.record ?? { name: '', kind: 'freeze', zone: 'UTC' };
  const what = kind === 'freeze' ? `the freeze "${name}"` : `the maintenance window "${name}"`;
  const until = openFrom === null ? 'and it never opens' : `until ${zonedTime(zone, openFrom)}`;
  return { openFrom, openUntil: openUntil(inside, freezes, now), says: `Waits for ${what}, ${until}.` };
}

/** The first time after now at which it is open no more; null: it stays open. */
function openUntil(inside: readonly Bound[], freezes: readonly Bound[], now: number): number | null {
  const frozen = least(freezes.map(({ spans }) => spans.beginAfter(now)));
  if (inside.length === 0) return frozen;
  const ends = inside.flatMap(({ spans }) => spans.endAt(now) ?? []);
  return least([frozen, ends.length === 0 ? now : Math.max(...ends)]);
}
