import { describe, expect, it } from 'vitest';
import { checkHistory } from './check-history.ts';
import type { History, JournalOrder, MachineEffect, RunHistory, TargetHistory } from './history.ts';

const ADDRESS = '198.18.0.1';
const NODES = ['n0', 'n1', 'n2', 'n3'] as const;
/** One canary, then the other three; wave 1 was let go at 200. */
const waveOf = (at: number): number => (at === 0 ? 0 : 1);
const takenAtOf = (at: number): number => (at === 0 ? 100 : 250);

interface Change {
  readonly orders?: Partial<Record<number, Partial<JournalOrder> | null>>;
  readonly effects?: Partial<Record<number, readonly MachineEffect[]>>;
  readonly targets?: Partial<Record<number, Partial<TargetHistory>>>;
  readonly run?: Partial<RunHistory>;
}

const ban = (at: number, after = true): MachineEffect => ({ at, what: 'ban', address: ADDRESS, before: false, after });

/** A run of four nodes in which all is well, but for the change. */
function history(change: Change = {}): History {
  const nodes = NODES.map((nodeId, at) => {
    const usual: JournalOrder = {
      orderId: `o${at}`,
      issuedAt: takenAtOf(at) - 5,
      takenAt: takenAtOf(at),
      outcomes: ['succeeded'],
      endedAt: takenAtOf(at) + 10,
      isAcked: true,
    };
    const forged = change.orders?.[at];
    return {
      nodeId,
      orders: forged === null ? [] : [{ ...usual, ...forged }],
      effects: change.effects?.[at] ?? [ban(takenAtOf(at) + 5)],
    };
  });
  const targets = NODES.map((nodeId, at) => ({
    ...{ orderId: `o${at}`, nodeId, wave: waveOf(at), state: 'succeeded', isFinal: true, isReleased: true },
    ...change.targets?.[at],
  }));
  const run: RunHistory = {
    id: 'r',
    address: ADDRESS,
    state: 'running',
    isFinished: true,
    begun: [{ wave: 1, at: 200 }],
    stoppedAt: null,
    limits: { stopAfter: 2, stopAfterInCanary: 1, hasCanary: true, maxInFlight: 3 },
    ...change.run,
    targets,
  };
  return { nodes, runs: [run] };
}

/** A node that failed, and left its machine as it was. */
const failing = (numbers: readonly number[]): Pick<Change, 'orders' | 'effects' | 'targets'> => ({
  orders: Object.fromEntries(numbers.map((at) => [at, { outcomes: ['failed'] }])),
  effects: Object.fromEntries(numbers.map((at) => [at, [ban(takenAtOf(at) + 5, false)]])),
  targets: Object.fromEntries(numbers.map((at) => [at, { state: 'failed' }])),
});

const rulesOf = (forged: History): string[] => [...new Set(checkHistory(forged).map(({ rule }) => rule))];

describe('a history', () => {
  it('in which all is well has nothing wrong', () => {
    expect(checkHistory(history())).toEqual([]);
    const stopped = { state: 'stopped', stoppedAt: 300 };
    expect(checkHistory(history({ ...failing([1, 2]), run: stopped }))).toEqual([]);
  });

  it.each<[string, Change, string, RegExp]>([
    ['with an effect twice', { effects: { 1: [ban(255), ban(256)] } }, 'effect', /2 times/],
    [
      'with an effect that was tried again after it had failed',
      { effects: { 1: [ban(255, false), ban(256)] } },
      'effect',
      /2 times/,
    ],
    ['with an effect and no success', { ...failing([3]), effects: {} }, 'effect', /ended failed/],
    ['with a success and no effect', { effects: { 2: [] } }, 'effect', /is not as was asked/],
    [
      'with a success that was taken back',
      { effects: { 2: [ban(255), { ...ban(256, false), what: 'lift', before: true }] } },
      'effect',
      /is not as was asked/,
    ],
    ['with an effect before its order', { effects: { 2: [ban(1)] } }, 'effect', /before the order/],
    ['with an effect without an order', { orders: { 2: null } }, 'effect', /knows no order/],
    [
      'with an outcome that the controller has lost',
      { targets: { 1: { state: 'started', isFinal: false } } },
      'outcome',
      /no outcome/,
    ],
    [
      'with an outcome that the controller guessed',
      { targets: { 1: { state: 'undetermined' } } },
      'outcome',
      /nobody knows/,
    ],
    [
      'with an outcome that the node did not say',
      { orders: { 1: { outcomes: ['failed'] } } },
      'outcome',
      /says failed, the controller says succeeded/,
    ],
    [
      'with an outcome that the node never had',
      { orders: { 1: null }, effects: { 1: [] } },
      'outcome',
      /never took it/,
    ],
    ['with an order that was never settled', { orders: { 1: { outcomes: [] } } }, 'outcome', /0 receipts/],
    [
      'with two receipts of one order',
      { orders: { 1: { outcomes: ['failed', 'succeeded'] } } },
      'outcome',
      /2 receipts/,
    ],
    ['with a receipt that was never heard', { orders: { 1: { isAcked: false } } }, 'outcome', /never acknowledged/],
    ['with an order that was never released', { targets: { 1: { isReleased: false } } }, 'outcome', /never released/],
    ['that has not ended', { run: { isFinished: false } }, 'outcome', /has not ended/],
    ['with an order that nobody gave', { orders: { 3: { orderId: 'stranger' } } }, 'journal', /which nobody gave/],
    [
      'with a change that nobody asked for',
      { effects: { 3: [ban(255), { ...ban(256), address: '198.18.9.9' }] } },
      'journal',
      /nobody asked for/,
    ],
    ['with an early wave', { orders: { 2: { takenAt: 199 } } }, 'wave', /1 ms before its wave/],
    ['with a wave that was never let go', { run: { begun: [] } }, 'wave', /never let go/],
    [
      'with a wave that was let go twice',
      {
        run: {
          begun: [
            { wave: 1, at: 200 },
            { wave: 1, at: 201 },
          ],
        },
      },
      'wave',
      /twice/,
    ],
    ['with a canary that had not ended', { orders: { 0: { endedAt: 201 } } }, 'wave', /before this node of wave 0/],
    ['with too many failures', failing([1, 2]), 'threshold', /was not stopped/],
    [
      'with a canary that failed, and others that went on',
      { ...failing([0]), run: { begun: [] } },
      'threshold',
      /limit is 1/,
    ],
    [
      'with more failures than were under way',
      {
        ...failing([1, 2, 3]),
        run: {
          state: 'stopped',
          stoppedAt: 300,
          limits: { stopAfter: 1, stopAfterInCanary: 1, hasCanary: true, maxInFlight: 2 },
        },
      },
      'threshold',
      /too many/,
    ],
    [
      'with an order after the stop',
      {
        ...failing([1, 2]),
        orders: { ...failing([1, 2]).orders, 3: { issuedAt: 301 } },
        run: { state: 'stopped', stoppedAt: 300 },
      },
      'threshold',
      /after the run was stopped/,
    ],
    ['with a stop that nobody noted', { ...failing([1, 2]), run: { state: 'stopped' } }, 'threshold', /nobody noted/],
  ])('%s is refused', (_name, change, rule, says) => {
    const problems = checkHistory(history(change));
    expect(rulesOf(history(change))).toContain(rule);
    expect(
      problems
        .filter((one) => one.rule === rule)
        .map((one) => one.says)
        .join('\n'),
    ).toMatch(says);
  });

  it('with an order that never went out, and no effect, is well', () => {
    const away = { orders: { 3: null }, effects: { 3: [] }, targets: { 3: { state: 'cancelled', isReleased: false } } };
    expect(checkHistory(history(away))).toEqual([]);
  });
});
