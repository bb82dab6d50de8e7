import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import type { DriverAnswer } from './driver.ts';
import { expectDone } from './hosting-node.ts';

const lab = labRequirements();
const PID = '/run/haproxy.pid';
const CONFIG = `global
  stats socket /run/haproxy/admin.sock mode 600 level admin
  server-state-file /var/lib/haproxy/server-state
  pidfile ${PID}
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
  load-server-state-from-file global
frontend web
  bind 127.0.0.1:8080
  default_backend sites
backend sites
  option httpchk GET /
  default-server check inter 200ms fall 1 rise 1
  server web1 127.0.0.1:8101 weight 10
  server web2 127.0.0.1:8102 weight 10
backend lonely
  server only 127.0.0.1:8101
`;
/** Answers with its own number, on some paths late. */
const SITE = `import { createServer } from 'node:http';
const port = Number(process.argv[2]);
createServer((request, response) => {
  const delay = { '/slow': 1500, '/stuck': 8000 }[request.url] ?? 0;
  setTimeout(() => response.end(String(port)), delay);
}).listen(port, '127.0.0.1');
`;

describe.skipIf(!lab.ok)('HAProxy', () => {
  let node: DisposableNode;
  let actions: ActionNode;

  const ask = async (command: string): Promise<string> =>
    (await node.mustRun('/usr/bin/socat', ['-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], { input: `${command}\n` }))
      .stdout;
  const stateOf = async (server: string): Promise<string> => {
    const { servers } = expectDone(await actions.apply('balancer.list', {})).data as {
      servers: { backend: string; server: string; state: string; weight: number }[];
    };
    const found = servers.find((one) => `${one.backend}/${one.server}` === server);
    return `${found?.state} ${found?.weight}`;
  };
  const looked = (answer: DriverAnswer) => (answer.ok ? answer.verified : []);
  const get = async (path = '/'): Promise<string> =>
    (await node.mustRun('/usr/bin/curl', ['--silent', '--max-time', '20', `http://127.0.0.1:8080${path}`])).stdout;

  beforeAll(async () => {
    node = await createDisposableNode({ name: 'balancer' });
    await node.writeFile('/etc/haproxy/haproxy.cfg', CONFIG);
    await node.writeFile('/srv/site.mjs', SITE);
    await node.mustRun('/usr/bin/mkdir', ['-p', '/run/haproxy', '/var/lib/haproxy']);
    await node.spawn(process.execPath, ['/srv/site.mjs', '8101']);
    await node.spawn(process.execPath, ['/srv/site.mjs', '8102']);
    await node.spawn('/usr/sbin/haproxy', ['-W', '-db', '-f', '/etc/haproxy/haproxy.cfg']);
    actions = await putDriverInto(node);
    await waitUntil('HAProxy', async () => (await get().catch(() => '')) !== '');
  });
  afterAll(async () => {
    await node.destroy();
  });

  it('drains under load without a lost request, proves it, and gives traffic again', async () => {
    const load = await node.spawn('/usr/bin/ab', ['-q', '-l', '-c', '4', '-n', '10000000', 'http://127.0.0.1:8080/']);
    const slow = get('/slow');
    const planned = expectDone(await actions.plan('balancer.drain', { backend: 'sites', server: 'web1' }));
    expect(planned.titles).toEqual([
      'Change balancer server sites/web1',
      'Wait until sites/web1 serves nothing any more',
    ]);
    expect(await stateOf('sites/web1')).toBe('ready 10');
    expectDone(await actions.apply('balancer.drain', { backend: 'sites', server: 'web1' }));
    expect(await stateOf('sites/web1')).toBe('drain 10');
    expect(await slow).toMatch(/^810[12]$/);
    for (let at = 0; at < 20; at += 1) expect(await get()).toBe('8102');
    expect(expectDone(await actions.apply('balancer.drain', { backend: 'sites', server: 'web1' })).changes).toEqual([]);

    expectDone(await actions.apply('balancer.maint', { backend: 'sites', server: 'web1' }));
    expect(await stateOf('sites/web1')).toBe('maint 10');
    const ready = expectDone(await actions.apply('balancer.ready', { backend: 'sites', server: 'web1' }));
    expect(expectDone(await actions.apply('balancer.ready', { backend: 'sites', server: 'web1' })).changes).toEqual([]);
    expect(expectDone(await actions.call({ mode: 'undo', changes: ready.changes })).problems).toEqual([]);
    expect(await stateOf('sites/web1')).toBe('maint 10');
    expectDone(await actions.apply('balancer.ready', { backend: 'sites', server: 'web1' }));
    await waitUntil('the health check', async () => (await get()) === '8101');
    const report = (await load.stop('SIGINT')).stdout;
    process.stderr.write(
      `lab: ${/Complete requests:\s+(\d+)/.exec(report)?.[1]} requests over drain, maint, ready; failed ${/Failed requests:\s+(\d+)/.exec(report)?.[1]}\n`,
    );
    expect(report).toMatch(/Failed requests:\s+0\n/);
    expect(report).not.toContain('Non-2xx responses');
  });

  it('a drain that does not end is taken back', async () => {
    const stuck = [get('/stuck'), get('/stuck'), get('/stuck')];
    const busy = async (): Promise<boolean> =>
      (await ask('show stat')).split('\n').some((line) => line.startsWith('sites,web1,') && line.split(',')[4] !== '0');
    await waitUntil('the request in flight', busy);
    const answer = await actions.apply('balancer.drain', { backend: 'sites', server: 'web1', waitS: 1 });
    expect(answer).toMatchObject({ ok: false, code: 'ACTION_FAILED', problems: [] });
    expect(answer.ok ? '' : answer.detail).toMatch(/still serves \d request/);
    expect(await stateOf('sites/web1')).toBe('ready 10');
    expect((await Promise.all(stuck)).every((body) => /^810[12]$/.test(body))).toBe(true);
  });

  it('the state outlives a reload of HAProxy', async () => {
    await waitUntil('both up', async () => !(await ask('show stat')).includes('DOWN'));
    expectDone(await actions.apply('balancer.weight', { backend: 'sites', server: 'web2', weight: 77 }));
    expectDone(await actions.apply('balancer.maint', { backend: 'sites', server: 'web2' }));
    const worker = async (): Promise<string> => /Pid: (\d+)/.exec(await ask('show info'))?.[1] ?? '';
    const before = await worker();
    await node.mustRun('/usr/bin/pkill', ['-USR2', '--full', '--oldest', 'haproxy -W']);
    await waitUntil('the new worker', async () => ![before, ''].includes(await worker().catch(() => '')));
    expect(await stateOf('sites/web2')).toBe('maint 77');
    expectDone(await actions.apply('balancer.ready', { backend: 'sites', server: 'web2' }));
    expectDone(await actions.apply('balancer.weight', { backend: 'sites', server: 'web2', weight: 10 }));
  });

  it.each([
    [
      'the last server that is up',
      'balancer.maint',
      { backend: 'lonely', server: 'only' },
      /only 0 other servers are up in lonely/,
    ],
    [
      'the last one, by its weight',
      'balancer.weight',
      { backend: 'lonely', server: 'only', weight: 0 },
      /at least 1 must be/,
    ],
    [
      'more others than there are',
      'balancer.drain',
      { backend: 'sites', server: 'web1', atLeast: 2 },
      /at least 2 must be/,
    ],
    [
      'a server that is not there',
      'balancer.maint',
      { backend: 'sites', server: 'web9' },
      /has no server web9; it has web1, web2/,
    ],
    [
      'a backend that is not there',
      'balancer.maint',
      { backend: 'nowhere', server: 'web1' },
      /no backend nowhere; it has sites, lonely/,
    ],
  ])('refuses %s', async (_what, action, args, wanted) => {
    expect(await actions.plan(action, args)).toMatchObject({ ok: false, detail: expect.stringMatching(wanted) });
  });

  it('a name that holds a second command takes both servers out by the plain socket, and nothing by ours', async () => {
    const evil = 'web1 state maint; set server sites/web2';
    await ask(`set server sites/${evil} state maint`);
    expect([await stateOf('sites/web1'), await stateOf('sites/web2')]).toEqual(['maint 10', 'maint 10']);
    await ask('set server sites/web1 state ready; set server sites/web2 state ready');
    expect(await actions.apply('balancer.maint', { backend: 'sites', server: evil, atLeast: 0 })).toMatchObject({
      ok: false,
      code: 'ACTION_ARGUMENTS',
    });
    // Past the arguments, as a forged journal would have it: the driver looks again.
    const change = {
      kind: 'resource',
      resource: 'balancer.server',
      id: `sites/${evil}`,
      before: { state: 'maint', weight: 10 },
      after: null,
    } as const;
    expect(await actions.call({ mode: 'undo', changes: [change] })).toMatchObject({
      problems: [{ code: 'ACTION_REFUSED', detail: expect.stringContaining('no name of a server') }],
    });
    expect([await stateOf('sites/web1'), await stateOf('sites/web2')]).toEqual(['ready 10', 'ready 10']);
  });

  it('killed at each step, it is as before or as after, and undo brings it back', async () => {
    await waitUntil('both up', async () => !(await ask('show stat')).includes('DOWN'));
    for (const dieAt of [0, 1, 2]) {
      const planned = expectDone(await actions.plan('balancer.drain', { backend: 'sites', server: 'web1' }));
      await actions.apply('balancer.drain', { backend: 'sites', server: 'web1' }, { dieAt }).catch(() => 'killed');
      const [first] = expectDone(await actions.call({ mode: 'states', changes: planned.changes })).states;
      expect(['before', 'after']).toContain(first);
      expect(expectDone(await actions.call({ mode: 'undo', changes: planned.changes })).problems).toEqual([]);
      expect(await stateOf('sites/web1')).toBe('ready 10');
    }
  });

  it('a state that a crash kept out of the file of states is not taken for done', async () => {
    const args = { backend: 'sites', server: 'web2' };
    const planned = expectDone(await actions.plan('balancer.maint', args));
    await ask('set server sites/web2 state maint');
    const verify = () => actions.call({ mode: 'verify', action: 'balancer.maint', args, changes: planned.changes });
    const kept = async () => looked(await verify()).find(({ name }) => name === 'It outlives a reload')?.ok;
    expect(await kept()).toBe(false);
    expect(expectDone(await actions.call({ mode: 'undo', changes: planned.changes })).problems).toEqual([]);
    expectDone(await actions.apply('balancer.maint', args));
    expect(await kept()).toBe(true);
    expectDone(await actions.apply('balancer.ready', args));
  });

  it('says in one sentence that no HAProxy listens', async () => {
    await node.mustRun('/usr/bin/mv', ['/run/haproxy/admin.sock', '/run/haproxy/away.sock']);
    expect(await actions.plan('balancer.list', {})).toMatchObject({
      ok: false,
      code: 'PROGRAM_MISSING',
      detail: expect.stringContaining('no HAProxy listens'),
    });
    await node.mustRun('/usr/bin/mv', ['/run/haproxy/away.sock', '/run/haproxy/admin.sock']);
  });
});
