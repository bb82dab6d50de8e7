import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { requestHttp } from '../http-request.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import { expectDone } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const SITE = '/etc/nginx/sites-enabled/by-hand';
const TAKEN_PORT = 8099;

const site = (body: string, more = ''): string =>
  `server {\n  listen 80;\n  server_name x.example.net;\n  ${more}\n  location / { return 200 "${body}"; }\n}\n`;
const secure = (certificate: string, key: string): string =>
  site(
    'secure',
    `listen 443 ssl; ssl_certificate /etc/ssl/lab/${certificate}; ssl_certificate_key /etc/ssl/lab/${key};`,
  );

describe.skipIf(!lab.ok)('nginx on a real node', () => {
  let node: DisposableNode;
  let actions: ActionNode;
  const body = async (host = 'x.example.net'): Promise<string> => {
    const reply = await requestHttp(node, { url: 'http://127.0.0.1/', host });
    return reply.kind === 'response' ? reply.body : reply.kind;
  };
  const workers = async (): Promise<string> => {
    const master = (await node.readFile('/run/nginx.pid')).trim();
    return (await node.mustRun('/usr/bin/ps', ['-o', 'pid=', '--ppid', master])).stdout;
  };
  const reload = () => actions.apply('nginx.reload', {});

  beforeAll(async () => {
    node = await createDisposableNode({ name: 'nginx' });
    actions = await putDriverInto(node);
    await node.mustRun('/usr/bin/mkdir', ['-p', '/etc/ssl/lab']);
    for (const name of ['one', 'two'])
      await node.mustRun('/usr/bin/openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=x.example.net', '-keyout', `/etc/ssl/lab/${name}.key`, '-out', `/etc/ssl/lab/${name}.pem`],
      ]);
    await node.writeFile(SITE, site('first'));
  });
  afterAll(() => node.destroy());

  it('is refused while nginx does not run', async () => {
    expect(await reload()).toMatchObject({ ok: false, detail: expect.stringContaining('does not run') });
    await node.mustRun('/usr/sbin/nginx');
    await waitUntil('nginx', async () => (await body()) === 'first');
    await node.spawn('/usr/bin/socat', [`TCP-LISTEN:${TAKEN_PORT},fork,reuseaddr`, 'EXEC:/usr/bin/cat']);
  });

  it('loads what is on disk with the same master and new workers, and loses no request', async () => {
    const load = await node.spawn('/usr/bin/ab', [
      ...['-q', '-l', '-c', '4', '-n', '10000000', '-H', 'Host: x.example.net', 'http://127.0.0.1/'],
    ]);
    const [master, old] = [await node.readFile('/run/nginx.pid'), await workers()];
    await node.writeFile(SITE, site('second'));
    const before = await snapshotNode(node);
    const done = expectDone(await reload());
    expect(done.titles).toEqual(['Reload nginx']);
    await expect.poll(() => body()).toBe('second');
    expect(await node.readFile('/run/nginx.pid')).toBe(master);
    expect(await workers()).not.toBe(old);
    expect(await snapshotNode(node)).toBe(before);
    expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
    const report = (await load.stop('SIGINT')).stdout;
    expect(report).toMatch(/Failed requests:\s+0\n/);
    expect(report).not.toContain('Non-2xx responses');
  });

  it.each<[string, string, RegExp]>([
    [
      'an unknown directive',
      site('bad', 'no_such_directive on;'),
      /unknown directive "no_such_directive" in .*by-hand:4/,
    ],
    ['a section that is not closed', site('bad').slice(0, -2), /unexpected end of file.* in .*by-hand:6/],
    ['a certificate that does not belong to its key', secure('one.pem', 'two.key'), /key values mismatch/],
    ['a certificate that is not there', secure('gone.pem', 'one.key'), /gone\.pem/],
    ['a key in place of a certificate', secure('one.key', 'one.key'), /one\.key/],
    ['a log folder that is not there', site('bad', 'access_log /var/log/gone/x.log;'), /\/var\/log\/gone/],
    ['a file that is not there', 'include /etc/nginx/gone.conf;\n', /gone\.conf.* in .*by-hand:1/],
    ['a second default site', site('bad', 'listen 80 default_server;'), /duplicate/],
    [
      'a port that somebody else has',
      site('bad', `listen ${TAKEN_PORT};`),
      /port 8099 belongs to another program in .*by-hand:4/,
    ],
    [
      'that port by its address',
      site('bad', `listen 127.0.0.1:${TAKEN_PORT};`),
      /port 8099 belongs to another program/,
    ],
  ])('refuses %s with its reason; the old workers serve', async (_, content, wanted) => {
    await node.writeFile(SITE, content);
    const old = await workers();
    expect(await actions.plan('nginx.reload', {})).toMatchObject({
      ok: false,
      code: 'CONFIG_INVALID',
      detail: expect.stringMatching(wanted),
    });
    expect(await reload()).toMatchObject({ ok: false, code: 'CONFIG_INVALID' });
    expect(await workers()).toBe(old);
    expect(await body()).toBe('second');
  });

  it("control: nginx's own test and reload say that a port of somebody else is well, and nothing is loaded", async () => {
    await node.writeFile(SITE, site('bad', `listen ${TAKEN_PORT};`));
    const old = await workers();
    await node.mustRun('/usr/sbin/nginx', ['-t']);
    await node.mustRun('/usr/sbin/nginx', ['-s', 'reload']);
    await waitUntil('what its log says', async () =>
      (await node.readFile('/var/log/nginx/error.log')).includes('still could not bind()'),
    );
    expect(await workers()).toBe(old);
    expect(await body()).toBe('second');
  });

  it('killed at its step, it serves the old or the new configuration and can be ordered again', async () => {
    await node.writeFile(SITE, site('third'));
    const { changes } = expectDone(await actions.plan('nginx.reload', {}));
    for (const dieAt of changes.keys()) {
      await expect(actions.apply('nginx.reload', {}, { dieAt })).rejects.toThrow();
      expect(['second', 'third']).toContain(await body());
      expect(expectDone(await actions.call({ mode: 'undo', changes })).problems).toEqual([]);
    }
    expectDone(await reload());
    await expect.poll(() => body()).toBe('third');
  });
});
