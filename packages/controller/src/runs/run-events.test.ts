import type { RunRow, RunTarget } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { FakeClock } from '@hauban/shared/testing';
import { expect, it, vi } from 'vitest';
import { createLog } from '../runtime/index.ts';
import { createRunEvents, type RunEvent } from './run-events.ts';

it('a flood of changed targets is told in part, the newest of each, and another run is not kept waiting', () => {
  const clock = new FakeClock(0);
  const events = createRunEvents({ clock, readRows: async () => [], isWatched: () => true, log: createLog('silent') });
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

it('rows that cannot be read for the pages are logged, and the next change is told again', async () => {
  const clock = new FakeClock(0);
  const warnings: string[] = [];
  const warn = (_fields: object, message: string): void => void warnings.push(message);
  let isAway = true;
  const readRows = async (ids: readonly string[]): Promise<RunRow[]> => {
    if (isAway) throw new HaubanError('DATABASE', 'the database does not answer');
    return ids.map((id) => ({ id }) as RunRow);
  };
  const log = { debug: warn, info: warn, warn, error: warn };
  const events = createRunEvents({ clock, readRows, isWatched: () => true, log });
  const told: string[] = [];
  events.onRun((event) => void told.push(event.kind === 'run' ? event.run.id : ''));
  events.runChanged('one');
  clock.advance(250);
  await vi.waitFor(() => expect(warnings).toEqual(['the progress of runs could not be read for the pages']));
  isAway = false;
  events.runChanged('one');
  clock.advance(250);
  await vi.waitFor(() => expect(told).toEqual(['one']));
  events.stop();
});
