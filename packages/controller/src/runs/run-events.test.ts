import type { RunTarget } from '@hauban/shared/api';
import { FakeClock } from '@hauban/shared/testing';
import { expect, it } from 'vitest';
import { createRunEvents, type RunEvent } from './run-events.ts';

it('a flood of changed targets is told in part, the newest of each, and another run is not kept waiting', () => {
  const clock = new FakeClock(0);
  const events = createRunEvents({ clock, readRows: async () => [], isWatched: () => true });
  const told: RunEvent[] = [];
  events.onRun((event) => void told.push(event));
  const change = (runId: string, orderId: string, state: RunTarget['state']): void =>
    events.targetChanged(runId, { orderId, state } as RunTarget);
  for (const state of ['started', 'succeeded'] as const)
    for (let n = 0; n < 5_000; n += 1) change('large', String(n), state);
  expect(told).toHaveLength(20);
  change('small', 'one', 'started');
  expect(told).toHaveLength(21);
  clock.advance(250);
  expect(told).toHaveLength(121);
  const kept = told.slice(21).map((event) => (event.kind === 'target' ? event.target.state : null));
  expect(new Set(kept)).toEqual(new Set(['succeeded']));
  change('large', 'x', 'started');
  expect(told).toHaveLength(122);
  events.stop();
});
