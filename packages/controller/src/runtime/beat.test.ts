import { FakeClock } from '@hauban/shared/testing';
import { expect, it, vi } from 'vitest';
import { startBeat } from './beat.ts';
import { createLog } from './log.ts';

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

function world() {
  const clock = new FakeClock();
  const log = createLog('silent');
  const warn = vi.spyOn(log, 'warn');
  let begun = 0;
  let end: (failure?: Error) => void = () => undefined;
  const beat = startBeat(
    { clock, log },
    {
      everyMs: 1_000,
      says: 'it could not be looked at',
      work: () => {
        begun += 1;
        return new Promise((done, fail) => (end = (failure) => (failure === undefined ? done() : fail(failure))));
      },
    },
  );
  return { clock, beat, warn, begun: () => begun, end: (failure?: Error) => end(failure) };
}

it('waits for a slow call, and goes on after one that failed', async () => {
  const { clock, beat, warn, begun, end } = world();
  clock.advance(3_000);
  expect(begun()).toBe(1);
  const failure = new Error('the database is away');
  end(failure);
  await settled();
  expect(warn).toHaveBeenCalledExactlyOnceWith({ err: failure }, 'it could not be looked at');
  clock.advance(1_000);
  expect(begun()).toBe(2);
  end();
  await beat.stop();
  clock.advance(5_000);
  expect(begun()).toBe(2);
  expect(clock.pending).toBe(0);
});

it('has stopped only when the last call has ended, even one that fails', async () => {
  const { clock, beat, end } = world();
  clock.advance(1_000);
  let hasStopped = false;
  const stopped = beat.stop().then(() => (hasStopped = true));
  await settled();
  expect(hasStopped).toBe(false);
  end(new Error('the database is gone'));
  await stopped;
});
