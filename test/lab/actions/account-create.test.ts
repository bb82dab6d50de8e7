import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import {
  ACCOUNT,
  expectDone,
  fetchPage,
  NEIGHBOUR,
  putPage,
  standHostingNode,
  type HostingNode,
} from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const WHO = '<?php echo json_encode([posix_geteuid(), posix_getegid(), PHP_SAPI]);';

describe.skipIf(!lab.ok)('account.create on a real node', () => {
  let hosting: HostingNode;
  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'accounts' });
  });
  afterAll(() => hosting.node.destroy());

  it('plans without touching the machine', async () => {
    const { node, actions } = hosting;
    const before = await snapshotNode(node);
    const answer = expectDone(await actions.plan('account.create', ACCOUNT));
    expect(answer.titles).toContain('Create user w4a100010');
    expect(answer.titles.at(-2)).toBe('Reload Apache: a.example.net is new');
    expect(await snapshotNode(node)).toBe(before);
  });

  it('makes an account whose page PHP serves as that user; twice is once; undo leaves the machine as it was', async () => {
    const { node, actions } = hosting;
    const before = await snapshotNode(node);
    const first = expectDone(await actions.apply('account.create', ACCOUNT));
    process.stderr.write(`lab: account.create took ${Math.round(first.tookMs)} ms, rehearsal included\n`);
    expect(await fetchPage(node, ACCOUNT.domain)).toEqual({
      status: 200,
      body: expect.stringContaining('runs as uid 100010'),
    });
    expect((await node.mustRun('/usr/bin/getent', ['passwd', '100010'])).stdout).toBe(
      'w4a100010:x:100010:100010::/srv/vol1/w4a100010:/usr/sbin/nologin\n',
    );
    const after = await snapshotNode(node);
    expect(after).not.toBe(before);

    const second = expectDone(await actions.apply('account.create', ACCOUNT));
    expect(second.changes).toEqual([]);
    expect(await snapshotNode(node)).toBe(after);

    const undone = expectDone(await actions.call({ mode: 'undo', changes: first.changes }));
    expect(undone.problems).toEqual([]);
    expect(await snapshotNode(node)).toBe(before);
    expect((await fetchPage(node, ACCOUNT.domain)).body).not.toContain('This site is ready');
    const again = expectDone(await actions.call({ mode: 'undo', changes: first.changes }));
    expect(again.problems).toEqual([]);
    expect(await snapshotNode(node)).toBe(before);
  });

  it('takes back all of it after a death in the middle, wherever it was', { timeout: 600_000 }, async () => {
    const { node, actions } = hosting;
    const before = await snapshotNode(node);
    const { changes } = expectDone(await actions.plan('account.create', ACCOUNT));
    for (const dieAt of [1, 2, 16, 20, 30, 32, 35, changes.length]) {
      const input = JSON.stringify({ mode: 'apply', action: 'account.create', args: ACCOUNT, dieAt });
      const death = await node.run(process.execPath, [actions.file], { input });
      expect(death.signal ?? death.code, `died at ${dieAt}`).not.toBe(0);
      const undone = expectDone(await actions.call({ mode: 'undo', changes }));
      expect(undone.problems, `undone after ${dieAt}`).toEqual([]);
      expect(await snapshotNode(node), `as before, after ${dieAt}`).toBe(before);
    }
  });

  it('keeps what a customer put into the tree, and says so', async () => {
    const { node, actions } = hosting;
    const { changes } = expectDone(await actions.apply('account.create', ACCOUNT));
    await putPage(node, ACCOUNT, 'shop.php', '<?php echo 1;', '0600');
    const undone = expectDone(await actions.call({ mode: 'undo', changes }));
    expect(undone.problems[0]).toEqual({
      code: 'CHANGE_CONFLICT',
      detail: '/srv/vol1/w4a100010/var/www is kept, because it holds shop.php',
    });
    expect(await node.readFile('/srv/vol1/w4a100010/var/www/shop.php')).toBe('<?php echo 1;');
    await node.mustRun('/usr/bin/rm', ['/srv/vol1/w4a100010/var/www/shop.php']);
    expect(expectDone(await actions.call({ mode: 'undo', changes })).problems).toEqual([]);
  });

  it('two accounts live beside each other, and undoing one leaves the other serving', async () => {
    const { node, actions } = hosting;
    const first = expectDone(await actions.apply('account.create', ACCOUNT));
    const second = expectDone(await actions.apply('account.create', NEIGHBOUR));
    expect(second.verified).toContainEqual({ name: 'May not list w4a100010', ok: true, saw: 'it may not' });
    for (const account of [ACCOUNT, NEIGHBOUR]) {
      await putPage(node, account, 'who.php', WHO, '0600');
      expect(JSON.parse((await fetchPage(node, account.domain, '/who.php')).body)).toEqual([
        account.uid,
        account.uid,
        'fpm-fcgi',
      ]);
    }
    await node.mustRun('/usr/bin/rm', ['/srv/vol1/w4a100010/var/www/who.php']);
    expect(expectDone(await actions.call({ mode: 'undo', changes: first.changes })).problems).toEqual([]);
    expect(JSON.parse((await fetchPage(node, NEIGHBOUR.domain, '/who.php')).body)).toEqual([
      100_011,
      100_011,
      'fpm-fcgi',
    ]);
    await node.mustRun('/usr/bin/rm', ['/srv/vol1/w4a100011/var/www/who.php']);
    expect(expectDone(await actions.call({ mode: 'undo', changes: second.changes })).problems).toEqual([]);
  });

  it.each([
    ['a uid that is taken', { ...ACCOUNT, uid: 100_077 }, /uid 100077 belongs to user taken/],
    [
      'a version that is not installed',
      { ...ACCOUNT, phpVersion: '8.0' },
      /PHP 8\.0 is not installed on this node; installed: 8\.2/,
    ],
  ])('refuses %s and touches nothing', async (_, args, wanted) => {
    const { node, actions } = hosting;
    if ((await node.run('/usr/bin/getent', ['passwd', 'taken'])).code !== 0)
      await node.mustRun('/usr/sbin/useradd', ['--uid', '100077', '--no-create-home', 'taken']);
    const before = await snapshotNode(node);
    const answer = await actions.apply('account.create', args);
    expect(answer).toMatchObject({ ok: false, code: 'ACTION_REFUSED', detail: expect.stringMatching(wanted) });
    expect(await snapshotNode(node)).toBe(before);
  });
});
