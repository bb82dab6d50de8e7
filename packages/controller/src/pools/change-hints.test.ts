import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import type { ChangeArea } from '@hauban/shared/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createChangeHints, type ChangeHints } from './change-hints.ts';

const NODE = 'node-1';
const HOUR_MS = 3_600_000;
let clock: FakeClock;
let hints: ChangeHints;
let session: string | null;
let sent: (readonly string[])[];

const wanted = (...areas: ChangeArea[]): ReadonlyMap<string, ReadonlySet<ChangeArea>> =>
  new Map([[NODE, new Set(areas)]]);
/** One look at all pools; true: the node would be compared. */
function look(): boolean {
  const due = hints.due().get(NODE);
  if (due !== undefined) hints.answered(NODE, due.upTo, true);
  return due !== undefined;
}

beforeEach(() => {
  clock = new FakeClock();
  [session, sent] = ['first', []];
  hints = createChangeHints({
    clock,
    random: new SeededRandom(1),
    links: {
      linkOf: () => (session === null ? null : { session, watchAreas: (areas) => void sent.push(areas) }),
    },
  });
});

describe('hints of changes', () => {
  it('AREA1 are asked for once a link, again when other areas are wished, and no more when none is', () => {
    hints.ask(wanted('apache', 'users'));
    hints.ask(wanted('users', 'apache'));
    expect(sent).toEqual([['apache', 'users']]);
    hints.ask(wanted('apache'));
    session = 'second';
    hints.ask(wanted('apache'));
    hints.ask(new Map());
    hints.ask(new Map());
    expect(sent).toEqual([['apache', 'users'], ['apache'], ['apache'], []]);
  });

  it('AREA1 of a node of which nothing is wished are answered by asking for none', () => {
    expect(hints.changed(NODE, { apache: 0 })).toBe(0);
    expect(sent).toEqual([[]]);
    expect(hints.due().size).toBe(0);
  });

  it('make a compare within seconds, of these areas, with the time of the first change', () => {
    hints.ask(wanted('apache', 'users'));
    const at = clock.nowMs() - 4_000;
    expect(hints.changed(NODE, { apache: 4_000 })).toBeNull();
    clock.advance(3_000);
    hints.changed(NODE, { apache: 0, users: 1_000 });
    expect(hints.due().get(NODE)?.hinted).toEqual({ apache: at, users: at + 6_000 });
    expect(look()).toBe(true);
    expect(look()).toBe(false);
  });

  it('AREA3 for areas that were not asked for count for nothing', () => {
    hints.ask(wanted('apache'));
    hints.changed(NODE, { users: 0 });
    clock.advance(3_000);
    expect(look()).toBe(false);
  });

  it('that come while the node is being compared are looked at after it', () => {
    hints.ask(wanted('apache'));
    hints.changed(NODE, { apache: 0 });
    clock.advance(3_000);
    const due = hints.due().get(NODE);
    hints.changed(NODE, { apache: 0 });
    hints.answered(NODE, due?.upTo ?? 0, true);
    expect(look()).toBe(false);
    clock.advance(10_000);
    expect(look()).toBe(true);
  });

  it('AREA3 of a node that tells of 10,000 changes a minute are dropped and cause 30 compares an hour, for ever', () => {
    hints.ask(wanted('apache'));
    let compares = 0;
    let taken = 0;
    for (let second = 0; second < 3 * 3600; second += 1) {
      for (let times = 0; times < 5; times += 1) if (hints.changed(NODE, { apache: 0 }) === null) taken += 1;
      if (look()) compares += 1;
      clock.advance(1_000);
    }
    expect(taken).toBeLessThanOrEqual(3 + (3 * HOUR_MS) / 8_000);
    expect(compares).toBeGreaterThanOrEqual(60);
    expect(compares).toBeLessThanOrEqual(91);
  });

  it('AREA3 of one link and of the next have one bound together', () => {
    hints.ask(wanted('apache'));
    let taken = 0;
    for (let link = 0; link < 50; link += 1) {
      session = `link-${link}`;
      hints.ask(wanted('apache'));
      if (hints.changed(NODE, { apache: 0 }) === null) taken += 1;
    }
    expect(taken).toBe(3);
  });

  it('share their bound with an inventory that changes all the time', () => {
    hints.ask(wanted('apache'));
    const granted = Array.from({ length: 100 }, () => hints.spend(NODE)).filter(Boolean);
    expect(granted).toHaveLength(30);
    hints.changed(NODE, { apache: 0 });
    clock.advance(20_000);
    expect(look()).toBe(false);
    clock.advance(HOUR_MS);
    expect(look()).toBe(true);
  });
});
