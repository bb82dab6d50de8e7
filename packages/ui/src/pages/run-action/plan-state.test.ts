import type { MergedPlan, PlanGroup, RunDetail } from '@hauban/shared/api';
import { SeededRandom } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { newRunKey, planState } from './plan-state.ts';
import { parseStrategyValues, SAFE_STRATEGY } from './strategy-values.ts';

const HASH = 'a'.repeat(64);
const run = (counts: Record<string, number>, nodeCount = 1): RunDetail => ({
  id: 'r',
  action: 'x.y',
  mode: 'plan',
  args: {},
  steps: [],
  on: null,
  requester: 'ada',
  reason: null,
  state: 'finished',
  says: null,
  rollout: null,
  wave: 0,
  nodeCount,
  retryOf: null,
  supersedeKey: null,
  createdAt: 0,
  finishedAt: 1,
  counts,
  targets: [],
});
const group = (kind: PlanGroup['kind'], count: number, hash: string | null = null): PlanGroup => ({
  kind,
  position: 0,
  hash,
  says: '',
  count,
  plan: hash === null ? null : { hash, changes: [], notes: [] },
  nodes: [],
});
const plans = (...groups: PlanGroup[]): MergedPlan => ({ isComplete: true, groups });
const wanted = { action: 'x.y', args: {}, nodes: ['n'] };
const state = (facts: Partial<Parameters<typeof planState>[0]>) =>
  planState({
    isSending: false,
    error: null,
    planned: wanted,
    run: undefined,
    merged: undefined,
    request: wanted,
    ...facts,
  });

describe('where a plan stands', () => {
  it('is nowhere before it was asked for', () => {
    expect(state({ planned: undefined })).toEqual({ kind: 'none' });
  });

  it('is under way until every node has answered and the plans are read', () => {
    const counts = { succeeded: 1, queued: 2 };
    expect(state({ run: { ...run(counts, 3), finishedAt: null } })).toEqual({ kind: 'planning', ready: 1, total: 3 });
    expect(state({ run: run({ succeeded: 3 }, 3) })).toEqual({ kind: 'planning', ready: 3, total: 3 });
  });

  it('is worth nothing when the form was changed since', () => {
    const facts = { run: run({ succeeded: 1 }), merged: plans(group('changes', 1, HASH)) };
    expect(state({ ...facts, request: { ...wanted, args: { name: 'x' } } })).toEqual({ kind: 'stale' });
    expect(state({ ...facts, request: null })).toEqual({ kind: 'stale' });
  });

  it('of one node carries the hash to confirm', () => {
    expect(state({ run: run({ succeeded: 1 }), merged: plans(group('changes', 1, HASH)) })).toMatchObject({
      kind: 'ready',
      hash: HASH,
      able: 1,
      unable: 0,
    });
  });

  it('of several nodes carries none, and counts who can and who cannot', () => {
    const merged = plans(group('changes', 37, HASH), group('nothing', 2, 'b'), group('refused', 1), group('failed', 3));
    expect(state({ run: run({ succeeded: 43 }, 43), merged })).toMatchObject({
      kind: 'ready',
      hash: null,
      able: 37,
      unable: 4,
    });
  });

  it('has no work when it is so already', () => {
    expect(state({ run: run({ unchanged: 1 }), merged: plans(group('nothing', 1, HASH)) })).toMatchObject({
      kind: 'ready',
      able: 0,
    });
  });

  it('is refused when no node would do it', () => {
    expect(state({ run: run({ refused: 2 }, 2), merged: plans(group('refused', 2)) })).toMatchObject({
      kind: 'refused',
      only: null,
    });
  });
});

describe('how a run goes over the nodes', () => {
  it('is left to the controller, unless somebody says otherwise', () => {
    expect(parseStrategyValues(SAFE_STRATEGY)).toEqual({ ok: true, strategy: undefined });
    expect(parseStrategyValues({ ...SAFE_STRATEGY, kind: 'at-once' })).toEqual({ ok: true, strategy: 'at-once' });
    expect(parseStrategyValues({ ...SAFE_STRATEGY, kind: 'own', waves: '5, 10%', canary: '0' })).toMatchObject({
      ok: true,
      strategy: { canary: 0, waves: [5, '10%'], stopAfter: '5%', healthGate: true, onFailure: 'stop' },
    });
  });

  it.each(['canary', 'waves', 'maxInFlight', 'pauseSeconds', 'stopAfter'] as const)(
    'says what is wrong with %s',
    (name) => {
      const parsed = parseStrategyValues({ ...SAFE_STRATEGY, kind: 'own', [name]: 'some' });
      expect(parsed.ok ? [] : Object.keys(parsed.problems)).toEqual([name]);
    },
  );
});

it('the key of a run is 32 hex digits, a new one each time', () => {
  const random = new SeededRandom(1);
  const keys = [newRunKey(random), newRunKey(random)];
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[0]).not.toBe(keys[1]);
});
