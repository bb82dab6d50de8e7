import type { ActionRow, RunDetail } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { byWorst, lookOf, progressOf } from '../../parts/order-look.ts';
import { filterActions, groupActions } from '../actions/action-filter.ts';
import { inOrder, orderByName } from './grid-order.ts';
import { layoutGrid, moveBy, nodeAt, placeOf, stateAt } from './grid-layout.ts';
import { verbsOf } from './run-controls.tsx';

const nodes = (...waves: number[]) => waves.map((wave, n) => ({ id: String(n), hostName: `web${n}`, wave }));
/** Ten columns of 16 px; a canary, a wave of 12, a wave of 3. */
const some = nodes(0, ...Array.from({ length: 12 }, () => 1), 2, 2, 2);
const layout = layoutGrid(some, 108 + 160);

describe('the cells of a run', () => {
  it('begin a new row at each wave, and none is at two places', () => {
    expect(layout).toMatchObject({ columns: 10, cellPx: 16 });
    expect(layout.waves.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 13],
      [13, 16],
    ]);
    const places = some.map((_node, index) => placeOf(layout, index));
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(16);
    expect(places.map(({ x, y }) => nodeAt(layout, x + 1, y + 1))).toEqual(some.map((_node, index) => index));
  });

  it('nothing is between waves, beside them, nor behind the last of a row', () => {
    expect(nodeAt(layout, 10, 2)).toBeNull();
    expect(nodeAt(layout, 130, 2)).toBeNull();
    expect(nodeAt(layout, 112, 20)).toBeNull();
    expect(nodeAt(layout, 112, 5000)).toBeNull();
  });

  it('are reached with the arrow keys, also over the end of a wave', () => {
    expect(moveBy(layout, 0, 'ArrowRight')).toBe(1);
    expect(moveBy(layout, 0, 'ArrowLeft')).toBe(0);
    expect(moveBy(layout, 1, 'ArrowDown')).toBe(11);
    expect(moveBy(layout, 11, 'ArrowDown')).toBe(13);
    expect(moveBy(layout, 13, 'ArrowUp')).toBe(11);
    expect(moveBy(layout, 5, 'ArrowDown')).toBe(13);
    expect(moveBy(layout, 3, 'End')).toBe(15);
    expect(moveBy(layout, 3, 'x')).toBeNull();
    let at = 0;
    const seen = new Set([at]);
    for (let step = 0; step < 50; step += 1) seen.add((at = moveBy(layout, at, 'ArrowRight') ?? at));
    expect(seen.size).toBe(16);
  });

  it('begin at the edge where there are no waves to name', () => {
    expect(placeOf(layoutGrid(nodes(0, 0, 0), 200), 0)).toEqual({ x: 0, y: 0 });
  });

  it('stand by wave and name as a person lists them, each with its own state', () => {
    const named = ['web10', 'web2', 'db1', 'web1'].map((hostName, at) => ({
      id: hostName,
      hostName,
      wave: at === 3 ? 0 : 1,
    }));
    const grid = inOrder({ nodes: named, legend: ['failed', 'succeeded'], states: 'abb' }, orderByName(named));
    expect(grid.nodes?.map(({ id }, index) => [id, stateAt(grid, index)])).toEqual([
      ['web1', 'waiting'],
      ['db1', 'succeeded'],
      ['web2', 'succeeded'],
      ['web10', 'failed'],
    ]);
  });

  it('ten thousand are laid out without overlapping', () => {
    const many = layoutGrid(nodes(...Array.from({ length: 10_000 }, (_, n) => Math.floor(n / 2500))), 1200);
    expect(many.waves).toHaveLength(4);
    expect(nodeAt(many, placeOf(many, 9_999).x, placeOf(many, 9_999).y)).toBe(9_999);
  });

  it('have the state of their letter', () => {
    const grid = { legend: ['failed', 'succeeded'], states: 'bab' };
    expect([0, 1, 2, 3].map((index) => stateAt(grid, index))).toEqual(['succeeded', 'failed', 'succeeded', 'waiting']);
  });
});

describe('states as a run counts them', () => {
  it('have words, the worst first, unknown ones last by their own name', () => {
    const states = ['succeeded', 'undo-failed', 'later-invention', 'harmed', 'undo-succeeded', 'waiting'];
    expect(byWorst(states)).toEqual([
      'undo-failed',
      'harmed',
      'waiting',
      'undo-succeeded',
      'succeeded',
      'later-invention',
    ]);
    expect(states.map((state) => lookOf(state).tone)).toEqual(['ok', 'bad', 'idle', 'bad', 'idle', 'idle']);
    expect(lookOf('undo-failed').word).toBe('undo failed');
    expect(lookOf('later-invention').word).toBe('later-invention');
  });

  it('say how far a run is, its undo included', () => {
    expect(progressOf({ succeeded: 3, 'undo-started': 2, waiting: 1, harmed: 1 })).toEqual({ over: 4, total: 7 });
  });
});

describe('what can be done to a run', () => {
  const rollout = { waves: [1, 9] } as RunDetail['rollout'];
  const run = (more: Partial<RunDetail>): RunDetail =>
    ({ mode: 'apply', state: 'running', finishedAt: null, rollout, counts: {}, targets: [], ...more }) as RunDetail;

  it.each([
    [{ counts: { waiting: 9 } }, ['pause', 'cancel'], null],
    [{ counts: { waiting: 9, succeeded: 1 } }, ['pause', 'cancel', 'undo'], null],
    [{ state: 'paused', counts: { waiting: 9 } }, ['resume', 'cancel'], null],
    [{ state: 'cancelled', counts: { cancelled: 9, started: 1 } }, [], null],
    [{ rollout: null, counts: { queued: 9, succeeded: 1 } }, ['cancel'], null],
    [{ state: 'finished', finishedAt: 1, counts: { succeeded: 10 } }, ['undo'], null],
    [{ state: 'finished', finishedAt: 1, counts: { succeeded: 9, failed: 1 } }, ['undo'], 'failed'],
    [{ state: 'stopped', finishedAt: 1, counts: { cancelled: 9, failed: 1 } }, [], 'unfinished'],
    [{ state: 'stopped', finishedAt: 1, counts: { succeeded: 1, 'undo-succeeded': 1 } }, [], null],
    [{ mode: 'plan', state: 'finished', finishedAt: 1, counts: { succeeded: 9 } }, [], null],
  ] as const)('%j', (more, verbs, retry) => {
    expect(verbsOf(run(more as Partial<RunDetail>))).toEqual({ verbs, retry });
  });
});

describe('the catalogue', () => {
  const action = (name: string, more: Partial<ActionRow> = {}): ActionRow =>
    ({ name, title: '', docs: '', risk: 'medium', roles: [], readOnly: false, ...more }) as ActionRow;
  const all = [
    action('custom.disk', { readOnly: true, risk: 'low' }),
    action('php.switch-version', { title: 'Switch the PHP version', roles: ['web'] }),
    action('mail.queue-flush', { roles: ['mail'], risk: 'high' }),
  ];
  const any = { text: '', family: '', risk: '', role: '' };
  const names = (filter: Partial<typeof any>) => filterActions(all, { ...any, ...filter }).map(({ name }) => name);

  it('is searched by words in any order, and filtered', () => {
    expect(names({})).toHaveLength(3);
    expect(names({ text: 'version PHP' })).toEqual(['php.switch-version']);
    expect(names({ family: 'mail' })).toEqual(['mail.queue-flush']);
    expect(names({ risk: 'high' })).toEqual(['mail.queue-flush']);
    expect(names({ risk: 'reads' })).toEqual(['custom.disk']);
    expect(names({ role: 'web' })).toEqual(['custom.disk', 'php.switch-version']);
  });

  it('shows what is named so before what only speaks of it', () => {
    const text = 'version php';
    const found = filterActions([action('account.create', { docs: 'With its PHP version.' }), ...all], {
      ...any,
      text,
    });
    expect(found.map(({ name }) => name)).toEqual(['php.switch-version', 'account.create']);
  });

  it('has the actions of the hoster last', () => {
    expect(groupActions(all).map(([family]) => family)).toEqual(['php', 'mail', 'custom']);
  });
});
