import { describe, expect, it } from 'vitest';
import { createFakeHost, FakeCrash, type FakeHost } from '../../testing/index.ts';
import {
  ACTIONS,
  applyChanges,
  counterItem,
  desiredKey,
  orderedActions,
  parseActionArguments,
  revertChanges,
  type Change,
  type Compared,
  type Planned,
} from '../index.ts';

const accountOf = (n: number) => ({
  action: 'account.create',
  args: { name: `w4a10001${n}`, domain: `${n}.example.net`, phpVersion: '8.2', uid: 100_010 + n },
});
const ITEMS = [accountOf(0), accountOf(1)];
const SITE = '/etc/apache2/sites-available/hosting-w4a100010--0.example.net.conf';

function planOf(host: FakeHost, name: string, items: readonly unknown[]): Promise<Planned> {
  const action = ACTIONS.get(name);
  if (action === undefined) throw new RangeError(name);
  const parsed = parseActionArguments(action, { items });
  if (!parsed.ok) throw new Error(parsed.problem);
  return action.plan(host, parsed.args);
}
async function compare(host: FakeHost, items: readonly unknown[] = ITEMS): Promise<Compared> {
  const planned = await planOf(host, 'state.compare', items);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.data as Compared;
}
async function changesOf(host: FakeHost, items: readonly unknown[] = ITEMS): Promise<readonly Change[]> {
  const planned = await planOf(host, 'state.apply', items);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
/** A line that somebody wrote into a site, and loaded. */
async function editSite(host: FakeHost): Promise<string> {
  const state = await host.files.state(SITE);
  if (state.type !== 'file') throw new Error('there is no site');
  const content = `${state.content}# by hand\n`;
  await host.files.writeFile(SITE, content, { mode: 0o644, uid: 0, gid: 0 });
  await host.web.reload();
  return content;
}

describe('a wished state', () => {
  it('is seen to be absent, made by one order, and then seen to be there; a second order changes nothing', async () => {
    const host = createFakeHost();
    expect((await compare(host)).deviations.map(({ item, is }) => [item, is])).toEqual([
      [0, 'differs'],
      [1, 'differs'],
    ]);
    await applyChanges(host, await changesOf(host));
    expect(await compare(host)).toEqual({ inOrder: 2, deviations: [] });
    expect(await changesOf(host)).toEqual([]);
    const verified = await ACTIONS.get('state.apply')?.verify(host, { items: ITEMS }, []);
    expect(verified?.map(({ ok }) => ok)).toEqual([true, true]);
  });

  it('of which a file was changed by hand is shown as a diff and put right; undo brings the edit back', async () => {
    const host = createFakeHost();
    await applyChanges(host, await changesOf(host));
    const edited = await editSite(host);
    const own = ACTIONS.get('account.create');
    expect(await own?.plan(host, ITEMS[0]?.args)).toMatchObject({ ok: false, code: 'ACTION_REFUSED' });
    const { deviations } = await compare(host);
    expect(deviations).toMatchObject([
      { item: 0, is: 'differs', says: expect.stringContaining(`Change file ${SITE}`) },
    ]);
    const shown = deviations[0]?.changes.find(({ kind }) => kind === 'file');
    expect([shown?.before?.includes('# by hand'), shown?.after?.includes('# by hand')]).toEqual([true, false]);
    const before = host.snapshot();
    const changes = await changesOf(host);
    await applyChanges(host, changes);
    expect(await compare(host)).toMatchObject({ inOrder: 2 });
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(await host.files.state(SITE)).toMatchObject({ content: edited });
    expect(host.snapshot()).toBe(before);
  });

  it('shows what cannot be made so as blocked with the reason, and the others all the same', async () => {
    const host = createFakeHost();
    const old = { ...accountOf(1), args: { ...accountOf(1).args, phpVersion: '5.6' } };
    const { deviations } = await compare(host, [accountOf(0), old]);
    expect(deviations).toMatchObject([{ is: 'differs' }, { is: 'blocked', says: expect.stringContaining('PHP 5.6') }]);
    expect(await planOf(host, 'state.apply', [accountOf(0), old])).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^item 2, account.create: PHP 5.6/),
    });
  });

  it('that was cut off anywhere is undone without a trace', async () => {
    const count = createFakeHost();
    await applyChanges(count, await changesOf(count));
    for (let nth = 1; nth <= count.effects.length; nth += 3) {
      const host = createFakeHost();
      const before = host.snapshot();
      const changes = await changesOf(host);
      host.crashAt(nth, nth % 2 === 0 ? 'before' : 'after');
      await expect(applyChanges(host, changes)).rejects.toThrow(FakeCrash);
      expect(await revertChanges(host, changes)).toEqual([]);
      expect(host.snapshot(), `cut off at ${nth}`).toBe(before);
    }
  });

  it('takes the locks of all of its items', () => {
    const locks = ACTIONS.get('state.apply')?.locks({ items: ITEMS });
    expect(locks).toEqual(expect.arrayContaining(['account:w4a100010', 'account:w4a100011']));
    expect(locks).toEqual([...(locks ?? [])].toSorted());
  });
});

describe('an item', () => {
  const problem = (name: string, items: unknown): string => {
    const action = ACTIONS.get(name);
    const parsed = action === undefined ? null : parseActionArguments(action, { items });
    return parsed === null || parsed.ok ? 'taken' : parsed.problem;
  };
  it.each([
    ['that nests states', { action: 'state.apply', args: { items: [accountOf(0)] } }],
    ['that is unknown', { action: 'account.conquer', args: {} }],
    ['of the prototype', { action: 'constructor.name', args: {} }],
    ['that is a program of the hoster', { action: 'custom.anything', args: {} }],
    ['that only reads', { action: 'firewall.list', args: {} }],
    ['that is a moment', { action: 'node.reboot', args: {} }],
    ['whose account leaves the homes', { ...accountOf(0), args: { ...accountOf(0).args, name: '../evil' } }],
    ['with an argument too many', { ...accountOf(0), args: { ...accountOf(0).args, shell: '/bin/sh' } }],
    ['with a control character', { ...accountOf(0), args: { ...accountOf(0).args, comment: 'a\nb' } }],
  ])('%s is refused', (_what, item) => {
    for (const name of ['state.apply', 'state.compare']) expect(problem(name, [accountOf(1), item])).not.toBe('taken');
  });

  it('is judged by its own name wherever an order is', () => {
    expect(orderedActions('state.apply', { items: ITEMS }).map(({ action }) => action)).toEqual([
      'state.apply',
      'account.create',
      'account.create',
    ]);
    expect(orderedActions('state.compare', { items: [null] }).map(({ action }) => action)).toEqual([
      'state.compare',
      '',
    ]);
    expect(orderedActions('node.ping', { items: ITEMS })).toHaveLength(1);
  });

  it('has the key of what it is about, and what takes it back', () => {
    const ban = (action: string) => ({ action, args: { targets: ['192.0.2.7'] } });
    expect(desiredKey(ban('firewall.ban'))).toBe(desiredKey(ban('firewall.unban')));
    expect(desiredKey(accountOf(0))).not.toBe(desiredKey(accountOf(1)));
    expect(counterItem(ban('firewall.ban'))).toEqual(ban('firewall.unban'));
    expect(counterItem(accountOf(0))).toBeNull();
  });
});
