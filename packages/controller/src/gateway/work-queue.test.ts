import { beforeEach, describe, expect, it } from 'vitest';
import { createHalfOpenLinks } from './half-open-links.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

let log: string[];
let queue: WorkQueue;
let release: (() => void)[];

beforeEach(() => {
  log = [];
  release = [];
  queue = createWorkQueue({
    full: () => void log.push('full'),
    room: () => void log.push('room'),
    failed: (error) => void log.push(`failed ${String(error)}`),
  });
});

/** A step that notes its beginning and ends when the test says so. */
const held = (name: string) => async (): Promise<void> => {
  log.push(name);
  await new Promise<void>((resolve) => release.push(resolve));
};

describe('the work of one link', () => {
  it('is done one after the other, and beside it what need not wait', async () => {
    queue.add(1, held('first'));
    queue.add(1, held('second'));
    queue.beside(1, held('beside'));
    await turn();
    expect(log).toEqual(['beside', 'first']);
    release[1]?.();
    await turn();
    expect(log).toEqual(['beside', 'first', 'second']);
  });

  it.each([
    ['64 steps wait', 1, 64],
    ['8 MiB wait', 1024 * 1024, 8],
  ])('says full when %s, and room when most of it is done', async (_name, bytes, steps) => {
    for (let i = 0; i < steps; i += 1) queue.beside(bytes, held('x'));
    expect(log.filter((entry) => entry === 'full')).toHaveLength(1);
    while (release.length > 0 && !log.includes('room')) {
      release.shift()?.();
      await turn();
    }
    expect(release.length).toBeLessThanOrEqual(16);
    expect(release.length).toBeGreaterThan(0);
  });

  it('drops what waits after a failure, and tells of it', async () => {
    queue.add(1, async () => Promise.reject(new Error('no database')));
    queue.add(1, held('after'));
    await turn();
    expect(log).toEqual(['failed Error: no database']);
  });

  it('starts nothing after the stop, and tells of a step that fails late', async () => {
    let reject: (error: Error) => void = () => undefined;
    queue.add(1, () => new Promise((_resolve, fail) => (reject = fail)));
    queue.add(1, held('after'));
    await turn();
    queue.stop();
    reject(new Error('late'));
    await turn();
    expect(log).toEqual(['failed Error: late']);
  });
});

describe('half-open links', () => {
  it('are bounded in all and per address; a place given back twice is one place', () => {
    const links = createHalfOpenLinks({ total: 3, perAddress: 2 });
    const [first, second] = [links.take('a'), links.take('a')];
    expect(links.take('a')).toBeNull();
    expect(links.take('b')).not.toBeNull();
    expect(links.take('c')).toBeNull();
    first?.release();
    first?.release();
    expect(links.size).toBe(2);
    expect(links.take('a')).not.toBeNull();
    second?.release();
    expect(links.size).toBe(2);
  });
});
