import type { RunDetail, RunTarget } from '@hauban/shared/api';
import { SeededRandom } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { newRunKey, planState } from './plan-state.ts';

const HASH = 'a'.repeat(64);
const plan = (hash: string, changes = 1): RunTarget['plan'] => ({
  hash,
  notes: [],
  changes: Array.from({ length: changes }, (_, n) => ({ kind: 'file', title: String(n), before: null, after: 'x' })),
});
const target = (state: RunTarget['state'], shown: RunTarget['plan'] = null): RunTarget => ({
  orderId: state,
  nodeId: 'n',
  hostName: 'web1',
  state,
  position: 0,
  wave: 0,
  harm: null,
  undoes: null,
  code: null,
  detail: '',
  step: null,
  stepDone: 0,
  stepTotal: 0,
  plan: shown,
  verification: [],
  data: null,
  startedAt: null,
  finishedAt: null,
});
const run = (...targets: RunTarget[]): RunDetail => ({
  id: 'r',
  action: 'x.y',
  mode: 'plan',
  args: {},
  steps: [],
  on: null,
  requester: 'ada',
  reason: null,
  state: 'running',
  says: null,
  rollout: null,
  wave: 0,
  nodeCount: targets.length,
  retryOf: null,
  supersedeKey: null,
  createdAt: 0,
  finishedAt: null,
  counts: {},
  targets,
});
const wanted = { action: 'x.y', args: {}, nodes: ['n'] };
const state = (facts: Partial<Parameters<typeof planState>[0]>) =>
  planState({ isSending: false, error: null, planned: wanted, run: undefined, request: wanted, ...facts });

describe('where a plan stands', () => {
  it('is nowhere before it was asked for', () => {
    expect(state({ planned: undefined })).toEqual({ kind: 'none' });
  });

  it('is under way until every node has answered', () => {
    expect(state({ run: run(target('succeeded', plan(HASH)), target('queued')) })).toEqual({
      kind: 'planning',
      ready: 1,
      total: 2,
    });
  });

  it('is worth nothing when the form was changed since', () => {
    expect(state({ run: run(target('succeeded', plan(HASH))), request: { ...wanted, args: { name: 'x' } } })).toEqual({
      kind: 'stale',
    });
    expect(state({ run: run(target('succeeded', plan(HASH))), request: null })).toEqual({ kind: 'stale' });
  });

  it('of one node carries the hash to confirm', () => {
    expect(state({ run: run(target('succeeded', plan(HASH))) })).toMatchObject({
      kind: 'ready',
      hash: HASH,
      hasWork: true,
      others: [],
    });
  });

  it('of several nodes carries none, and groups equal plans', () => {
    const several = state({
      run: run(target('succeeded', plan(HASH)), target('succeeded', plan(HASH)), target('succeeded', plan('b'))),
    });
    expect(several).toMatchObject({ kind: 'ready', hash: null });
    expect(several.kind === 'ready' && several.groups.map((group) => group.targets.length)).toEqual([2, 1]);
  });

  it('has no work when it is so already', () => {
    expect(state({ run: run(target('unchanged', plan(HASH, 0))) })).toMatchObject({ kind: 'ready', hasWork: false });
  });

  it('is refused when no node would do it, and shows why', () => {
    const refused = target('refused');
    expect(state({ run: run(refused) })).toEqual({ kind: 'refused', others: [refused] });
  });

  it('never offers a node that refused beside one that would do it', () => {
    expect(state({ run: run(target('succeeded', plan(HASH)), target('refused', plan(HASH))) })).toMatchObject({
      kind: 'ready',
      hash: null,
      others: [{ state: 'refused' }],
    });
  });
});

it('the key of a run is 32 hex digits, a new one each time', () => {
  const random = new SeededRandom(1);
  const keys = [newRunKey(random), newRunKey(random)];
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[0]).not.toBe(keys[1]);
});
