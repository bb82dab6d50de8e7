import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '@hauban/shared/actions';
import { requestHttp } from '../http-request.ts';
import { waitUntil } from '../program.ts';
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
const { name, uid, domain } = ACCOUNT;
const as = { uid, gid: uid };
/** Every so many steps of a plan one kill; 1 with the environment variable of the whole. */
const KILL_EVERY = Number(process.env['HAUBAN_LAB_KILL_EVERY'] ?? 6);
const HOME = `/srv/vol1/${name}`;

describe.skipIf(!lab.ok)('accounts on a real node', () => {
  let hosting: HostingNode;
  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'accounts2' });
    // The account in question last: its lines are the last of their files, as they will be when it is brought back.
    for (const account of [NEIGHBOUR, ACCOUNT]) expectDone(await hosting.actions.apply('account.create', account));
    await putPage(hosting.node, ACCOUNT, 'style.css', 'body{}');
  });
  afterAll(() => hosting.node.destroy());

  const undo = async (changes: readonly Change[]): Promise<void> => {
    expect(expectDone(await hosting.actions.call({ mode: 'undo', changes })).problems).toEqual([]);
  };
  const shadowOf = async (user: string): Promise<string> =>
    (await hosting.node.mustRun('/usr/bin/getent', ['shadow', user])).stdout.trim();
  const runsAs = async (): Promise<readonly string[]> =>
    (await hosting.node.run('/usr/bin/ps', ['-u', String(uid), '-o', 'args='])).stdout.split('\n').filter(Boolean);

  /** Dies while each change is made, then undoes what there is: the machine is as before. */
  const dieEverywhere = async (action: string, args: object): Promise<void> => {
    const { node, actions } = hosting;
    const before = await snapshotNode(node);
    const { changes } = expectDone(await actions.plan(action, args));
    for (let dieAt = 1; dieAt < changes.length; dieAt += KILL_EVERY) {
      const input = JSON.stringify({ mode: 'apply', action, args, dieAt });
      const death = await node.run(process.execPath, [actions.file], { input });
      expect(death.signal ?? death.code, `died at ${dieAt}`).not.toBe(0);
      await undo(changes);
      expect(await snapshotNode(node), `as before, after ${dieAt}`).toBe(before);
    }
  };

  describe('account.suspend and account.unsuspend', () => {
    const SUSPEND = { name, reason: 'abuse' };

    it('every page is 503 with Retry-After, no process is left; twice is once; undo gives the same machine', async () => {
      const { node, actions } = hosting;
      await node.mustRun('/usr/sbin/usermod', ['--shell', '/bin/bash', name]);
      await node.mustRun('/usr/bin/chage', ['--expiredate', '30000', name]);
      await putPage(
        node,
        ACCOUNT,
        '.htaccess',
        'RewriteEngine On\nRewriteRule ^away$ https://evil.example/ [R=302,L]\n',
      );
      const before = await snapshotNode(node);
      const daemon = await node.spawn('/usr/bin/sleep', ['1000'], { as });
      const done = expectDone(await actions.apply('account.suspend', SUSPEND));
      process.stderr.write(`lab: account.suspend took ${Math.round(done.tookMs)} ms, rehearsal included\n`);
      for (const path of ['/', '/style.css', '/away', '/index.php', '/nothing']) {
        const reply = await requestHttp(node, { url: `http://127.0.0.1${path}`, host: domain });
        expect(reply, path).toMatchObject({ status: 503 });
        expect(reply.kind === 'response' && reply.headers.get('retry-after'), path).toBe('3600');
      }
      expect((await fetchPage(node, NEIGHBOUR.domain)).status).toBe(200);
      expect(await runsAs()).toEqual([]);
      await daemon.stop('SIGKILL');
      expect((await shadowOf(name)).split(':')[7]).toBe('1');
      const after = await snapshotNode(node);
      expect(expectDone(await actions.apply('account.suspend', SUSPEND)).changes).toEqual([]);
      expect(await snapshotNode(node)).toBe(after);
      await undo(done.changes);
      expect(await snapshotNode(node)).toBe(before);
      expect((await fetchPage(node, domain, '/style.css')).status).toBe(200);
    });

    it('unsuspend brings the same machine back, and its own undo suspends again', async () => {
      const { node, actions } = hosting;
      const before = await snapshotNode(node);
      expectDone(await actions.apply('account.suspend', SUSPEND));
      const suspended = await snapshotNode(node);
      const back = expectDone(await actions.apply('account.unsuspend', { name }));
      expect(await node.run('/usr/bin/rmdir', ['/etc/hosting/suspended'])).toMatchObject({ code: 0 });
      expect(await snapshotNode(node)).toBe(before);
      await node.mustRun('/usr/bin/mkdir', ['-m', '755', '/etc/hosting/suspended']);
      await undo(back.changes);
      expect(await snapshotNode(node)).toBe(suspended);
      expectDone(await actions.apply('account.unsuspend', { name }));
      expect(expectDone(await actions.apply('account.unsuspend', { name })).changes).toEqual([]);
      await node.mustRun('/usr/bin/rmdir', ['/etc/hosting/suspended']);
    });

    it('killed at any step it can be taken back to the byte', async () => {
      await dieEverywhere('account.suspend', SUSPEND);
    });
  });

  describe('account.delete', () => {
    it('keeps the home where only root sees it; undo gives the same machine, password and all', async () => {
      const { node, actions } = hosting;
      await node.mustRun('/usr/sbin/chpasswd', ['--encrypted'], { input: `${name}:$6$salt$hash\n` });
      const before = await snapshotNode(node);
      const line = await shadowOf(name);
      const done = expectDone(await actions.apply('account.delete', { name }));
      process.stderr.write(`lab: account.delete took ${Math.round(done.tookMs)} ms, rehearsal included\n`);
      expect((await node.run('/usr/bin/getent', ['passwd', name])).code).toBe(2);
      expect(await node.readFile(`/srv/vol1/.trash/${name}.1/var/www/style.css`)).toBe('body{}');
      expect(JSON.parse(await node.readFile(`/srv/vol1/.trash/${name}.1.json`))).toMatchObject({
        ...{ name, uid, php: '8.2', domains: [domain] },
      });
      const neighbour = { as: { uid: NEIGHBOUR.uid, gid: NEIGHBOUR.uid } };
      expect((await node.run('/usr/bin/ls', ['/srv/vol1/.trash'], neighbour)).code).not.toBe(0);
      expect((await fetchPage(node, domain, '/style.css')).status).toBe(404);
      expect(expectDone(await actions.apply('account.delete', { name })).changes).toEqual([]);
      await undo(done.changes);
      expect(await snapshotNode(node)).toBe(before);
      expect(await shadowOf(name)).toBe(line);
      expect((await fetchPage(node, domain, '/style.css')).status).toBe(200);
    });

    it('killed at any step it can be taken back to the byte', async () => {
      await dieEverywhere('account.delete', { name });
    });

    it('a process that the system starts again keeps the user; control: userdel -f takes it away under the process', async () => {
      const { node, actions } = hosting;
      const before = await snapshotNode(node);
      // A service of the system: a child of root, started again whenever it ends.
      const again = `const {spawn}=require('child_process');const again=()=>spawn('/usr/bin/sleep',['1000'],{uid:${uid},gid:${uid},cwd:'/'}).on('exit',again);again()`;
      const service = await node.spawn(process.execPath, ['-e', again]);
      await waitUntil('the service', async () => (await runsAs()).some((args) => args.includes('sleep')));
      expect(await actions.apply('account.delete', { name })).toMatchObject({
        ...{ ok: false, problems: [] },
        detail: expect.stringMatching(/comes? back|is currently used by process/),
      });
      expect(await snapshotNode(node)).toBe(before);
      // Control, with another user: the process lives on, and its number can be given to somebody else.
      await node.mustRun('/usr/sbin/useradd', [
        '--no-create-home',
        '--uid',
        '100400',
        '-K',
        'UID_MAX=200000',
        'control',
      ]);
      const other = await node.spawn('/usr/bin/sleep', ['1000'], { as: { uid: 100_400, gid: 100_400 } });
      const runsAsControl = async (): Promise<string> =>
        (await node.run('/usr/bin/ps', ['-u', '100400', '-o', 'args='])).stdout;
      await waitUntil('the process of the control', async () => (await runsAsControl()).includes('sleep'));
      expect((await node.run('/usr/sbin/userdel', ['control'])).code).toBe(8);
      expect((await node.run('/usr/sbin/userdel', ['-f', 'control'])).code).toBe(0);
      expect(await runsAsControl()).toContain('sleep');
      await other.stop('SIGKILL');
      await service.stop('SIGKILL');
      await node.run('/usr/bin/pkill', ['-KILL', '-u', String(uid), 'sleep']);
      await waitUntil('the end of the service', async () => !(await runsAs()).some((args) => args.includes('sleep')));
    });

    it('a home that was made again meanwhile is not written over by undo', async () => {
      const { node, actions } = hosting;
      const done = expectDone(await actions.apply('account.delete', { name }));
      await node.mustRun('/usr/bin/mkdir', [HOME]);
      const problems = expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems;
      expect(problems[0]).toMatchObject({
        code: 'CHANGE_CONFLICT',
        detail: expect.stringContaining('is there already'),
      });
      await node.mustRun('/usr/bin/rmdir', [HOME]);
      await undo(done.changes);
      expect((await fetchPage(node, domain, '/style.css')).status).toBe(200);
    });
  });

  it('account.list names them, with what they run and whether they are suspended', async () => {
    const { actions } = hosting;
    const row = { name, uid, php: '8.2', domains: [domain], isSuspended: false, isExpired: false };
    expect(expectDone(await actions.plan('account.list', {})).data).toMatchObject({
      accounts: [row, { name: NEIGHBOUR.name, uid: NEIGHBOUR.uid }],
    });
  });
});
