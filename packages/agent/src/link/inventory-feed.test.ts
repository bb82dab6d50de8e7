import { beforeEach, describe, expect, it } from 'vitest';
import type { FrameChannel } from '@hauban/link';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { InventoryFeed, type TakenSection } from './inventory-feed.ts';

const HOUR_MS = 3_600_000;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

let clock: FakeClock;
let runs: (readonly string[] | null)[];
let sent: string[][];
let warnings: string[];
let sections: TakenSection[];
let answer: (value: readonly TakenSection[]) => void;
let fail: (error: Error) => void;
let feed: InventoryFeed;

/** Only what the feed uses of a channel. */
const channel = {
  sendControl: (message: { sections: { name: string }[] }) => {
    sent.push(message.sections.map(({ name }) => name));
    return 'sent';
  },
} as unknown as FrameChannel;

beforeEach(() => {
  clock = new FakeClock();
  [runs, sent, warnings] = [[], [], []];
  sections = [{ name: 'os', data: 1 }];
  feed = new InventoryFeed({
    clock,
    random: new SeededRandom(3),
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message), error: () => undefined },
    takeInventory: (names) => {
      runs.push(names);
      return new Promise((resolve, reject) => {
        answer = resolve;
        fail = reject;
      });
    },
  });
});

const finish = async (): Promise<void> => {
  answer(sections);
  await turn();
};

describe('the inventory feed', () => {
  it('runs at once when the link is up, then every hour with jitter, and sends what changed', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    await finish();
    expect([runs, sent]).toEqual([[null], [['os']]]);
    clock.advance(HOUR_MS - 1);
    expect(runs).toHaveLength(1);
    clock.advance(600_001);
    expect(runs).toHaveLength(2);
    sections = [...sections, { name: 'php', data: 2 }];
    await finish();
    expect(sent).toEqual([['os'], ['php']]);
  });

  it('runs one child at a time; what is asked meanwhile is done in one more, together', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    feed.refresh(['a']);
    feed.refresh(['b']);
    clock.advance(60_000);
    expect(runs).toHaveLength(1);
    await finish();
    clock.advance(60_000);
    expect(runs).toEqual([null, ['a', 'b']]);
  });

  it('waits until a burst of changed files is over', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    await finish();
    for (let i = 0; i < 10; i += 1) {
      feed.filesChanged();
      clock.advance(4_000);
    }
    expect(runs).toHaveLength(1);
    clock.advance(1_000);
    expect(runs).toHaveLength(2);
  });

  it('asks apt after files have changed only when they came with other packages', async () => {
    sections = [{ name: 'packages', data: { php: '1' } }];
    feed.linkUp(channel);
    clock.advance(0);
    await finish();
    const look = async (): Promise<void> => {
      feed.filesChanged();
      clock.advance(5_000);
      await finish();
      clock.advance(5_000);
    };
    await look();
    expect(runs.slice(1)).toEqual([['packages', 'units', 'ports', 'php', 'sites', 'accounts', 'certificates']]);
    sections = [{ name: 'packages', data: { php: '2' } }];
    await look();
    expect(runs.slice(3)).toEqual([['os', 'updates']]);
  });

  it('sends nothing without a link, and takes the inventory when it is back', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    feed.linkDown();
    await finish();
    expect(sent).toEqual([]);
    clock.advance(HOUR_MS * 3);
    expect(runs).toHaveLength(1);
    feed.linkUp(channel);
    clock.advance(10_000);
    expect(runs).toEqual([null, ['os']]);
    await finish();
    expect(sent).toEqual([['os']]);
  });

  it('lives through a child that fails, and tries again in an hour', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    fail(new Error('killed'));
    await turn();
    expect(warnings).toHaveLength(1);
    clock.advance(HOUR_MS + 600_000);
    expect(runs).toHaveLength(2);
  });

  it('leaves no timer after it is stopped', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    await finish();
    feed.stop();
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer when its child ends after it is stopped', async () => {
    feed.linkUp(channel);
    clock.advance(0);
    feed.stop();
    fail(new Error('killed with the link process'));
    await turn();
    expect(clock.pending).toBe(0);
  });
});
