import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import {
  ACTIONS,
  applyChanges,
  MOST_CREATED,
  orderedActions,
  parseActionArguments,
  revertChanges,
  type Change,
  type Planned,
} from '../index.ts';

const NAME = 'account.create-many';
const ACTION = ACTIONS.get(NAME)!;
const accountOf = (at: number) => ({
  name: `w4a${100_010 + at}`,
  domain: `s${at}.example.net`,
  phpVersion: at % 2 === 0 ? '8.2' : '8.4',
  uid: 100_010 + at,
});
const accounts = [0, 1, 2].map(accountOf);
const parse = (list: unknown) => parseActionArguments(ACTION, { accounts: list });
const plan = (host: FakeHost, list: readonly object[] = accounts): Promise<Planned> =>
  ACTION.plan(host, { accounts: list });
async function changesOf(host: FakeHost, list: readonly object[] = accounts): Promise<readonly Change[]> {
  const planned = await plan(host, list);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
const refusal = (planned: Planned): string => (planned.ok ? 'planned' : planned.detail);

describe(NAME, () => {
  it('makes each as account.create does, with one start of PHP and one reload of Apache', async () => {
    const together = createFakeHost();
    const before = together.snapshot();
    const changes = await changesOf(together);
    expect(changes.filter(({ kind }) => kind === 'php-masters' || kind === 'php-master')).toHaveLength(1);
    expect(changes.filter((change) => change.kind === 'apache-reload' && change.when === 'apply')).toHaveLength(1);
    const paths = changes.flatMap((change) => ('path' in change ? [change.path] : []));
    expect(new Set(paths).size).toBe(paths.length);
    await applyChanges(together, changes);
    expect((await ACTION.verify(together, { accounts }, changes)).filter(({ ok }) => !ok)).toEqual([]);
    expect(await changesOf(together)).toEqual([]);

    const alone = createFakeHost();
    for (const account of accounts) {
      const planned = await ACTIONS.get('account.create')!.plan(alone, account);
      await applyChanges(alone, planned.ok ? planned.changes : []);
    }
    expect(together.snapshot()).toBe(alone.snapshot());
    expect(await revertChanges(together, changes)).toEqual([]);
    expect(together.snapshot()).toBe(before);
  });

  it('makes only those that are not there', async () => {
    const host = createFakeHost();
    await applyChanges(host, await changesOf(host, accounts.slice(0, 2)));
    const rest = await changesOf(host);
    expect(rest.filter(({ kind }) => kind === 'user')).toHaveLength(1);
    expect(rest.find(({ kind }) => kind === 'php-masters')).toMatchObject({ masters: [{ account: 'w4a100012' }] });
  });

  it('killed at any effect, it can be taken back to what was before', { timeout: 120_000 }, async () => {
    const scene = () => {
      const host = createFakeHost();
      return { host, changes: () => changesOf(host, accounts.slice(0, 2)) };
    };
    expect(await sweepCrashes(scene, 41)).toEqual([]);
  });

  it('names the account that speaks against all of them, and makes none', async () => {
    const host = createFakeHost();
    const root = { name: 'root2', uid: 100_011, gid: 0, comment: '', home: '/root', shell: '/bin/sh' };
    host.world.users.set('root2', root);
    expect(refusal(await plan(host))).toBe('w4a100011: uid 100011 belongs to user root2');
    expect(refusal(await plan(host, [accountOf(0), { ...accountOf(2), phpVersion: '5.6' }]))).toMatch(
      /^PHP 5\.6 is not installed/,
    );
    host.world.users.delete('root2');
    await applyChanges(host, await changesOf(host, [accountOf(1)]));
    expect(refusal(await plan(host, [accountOf(0), { ...accountOf(2), domain: 's1.example.net' }]))).toMatch(
      /^w4a100012: s1\.example\.net is a site already/,
    );
  });

  it('verify names the account whose PHP runs as somebody else', async () => {
    const host = createFakeHost();
    await applyChanges(host, await changesOf(host));
    const socket = '/run/hosting/w4a100011/8.4.sock';
    const master = host.world.phpRunning.get(socket)!;
    host.world.phpRunning.set(socket, { ...master, uid: 0 });
    const bad = (await ACTION.verify(host, { accounts }, [])).filter(({ ok }) => !ok);
    expect(bad.length).toBeGreaterThan(0);
    for (const { name } of bad) expect(name).toMatch(/^w4a100011: /);
  });

  it('verify says which folder an account may not write, and which it may', async () => {
    const host = createFakeHost();
    await applyChanges(host, await changesOf(host));
    const verified = async () => (await ACTION.verify(host, { accounts: [accountOf(0)] }, [])).filter(({ ok }) => !ok);
    const home = '/srv/vol1/w4a100010';
    host.world.files.set(`${home}/tmp`, { type: 'directory', mode: 0o700, uid: 0, gid: 0 });
    expect(await verified()).toEqual([{ name: 'w4a100010: May write tmp', ok: false, saw: 'no' }]);
    host.world.files.set(home, { type: 'directory', mode: 0o777, uid: 0, gid: 0 });
    expect(await verified()).toContainEqual({ name: 'w4a100010: May not write its home', ok: false, saw: 'it may' });
  });

  it.each([
    ['no account', []],
    ['more than an order takes', Array.from({ length: MOST_CREATED + 1 }, (_, at) => accountOf(at))],
    ['a name twice', [accountOf(0), { ...accountOf(1), name: accountOf(0).name }]],
    [
      'a uid twice, which would give one account the files of another',
      [accountOf(0), { ...accountOf(1), uid: 100_010 }],
    ],
    ['a domain twice', [accountOf(0), { ...accountOf(1), domain: accountOf(0).domain }]],
    ['a name that leaves the homes', [accountOf(0), { ...accountOf(1), name: '../evil' }]],
    ['a name that the machine uses', [accountOf(0), { ...accountOf(1), name: 'root' }]],
    ['a uid of the machine', [accountOf(0), { ...accountOf(1), uid: 0 }]],
    ['an argument too many', [accountOf(0), { ...accountOf(1), shell: '/bin/sh' }]],
    ['a line break in a comment', [{ ...accountOf(0), comment: 'a\nroot::0:0' }]],
    ['something else than a list', 'w4a100010'],
  ])('is refused with %s', (_what, list) => expect(parse(list).ok).toBe(false));

  it('is judged as so many orders of account.create wherever an order is', () => {
    expect(orderedActions(NAME, { accounts }).map(({ action }) => action)).toEqual([
      NAME,
      ...accounts.map(() => 'account.create'),
    ]);
    expect(orderedActions(NAME, { accounts })[2]?.args).toEqual(accounts[1]);
    expect(orderedActions(NAME, { accounts: [null] })[1]).toEqual({ action: 'account.create', args: {} });
  });
});
