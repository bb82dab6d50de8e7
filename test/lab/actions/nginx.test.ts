import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDisposableNode, type DisposableNode } from '../disposable-node.ts';
import { requestHttp } from '../http-request.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import { expectDone } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const MAIN = '/etc/nginx/nginx.conf';
const SITE_NAME = 'x.example.net';
const SITE = '/etc/nginx/sites-enabled/by-hand';
const TAKEN_PORT = 8099;
/** Read before, and after, that one. */
const [BEFORE, AFTER] = ['/etc/nginx/sites-enabled/a-first', '/etc/nginx/sites-enabled/z-last'];

const site = (body: string, more = ''): string =>
  `server {\n  listen 80;\n  server_name ${SITE_NAME};\n  ${more}\n  location / { return 200 "${body}"; }\n}\n`;
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
  const workers = async (): Promise<readonly string[]> => {
    const master = (await node.readFile('/run/nginx.pid')).trim();
    return (await node.mustRun('/usr/bin/ps', ['-o', 'pid=', '--ppid', master])).stdout.trim().split(/\s+/);
  };
  /** Those of an earlier configuration leave when they like to. */
  const newSince = async (old: readonly string[]): Promise<readonly string[]> =>
    (await workers()).filter((pid) => !old.includes(pid));
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
    expect(await newSince(old)).not.toEqual([]);
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
    expect(await newSince(old)).toEqual([]);
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
    expect(await newSince(old)).toEqual([]);
    expect(await body()).toBe('second');
  });

  describe("a name of another's site", () => {
    const own = SITE_NAME;
    const answer = (place: string) => ({
      ok: false,
      code: 'CONFIG_INVALID',
      detail: expect.stringMatching(place),
    });
    const took = 'x\\.example\\.net on port 80 is a name of two sites';

    beforeAll(async () => {
      await node.writeFile(SITE, site('second'));
      expectDone(await reload());
    });

    afterEach(async () => {
      await node.mustRun('/usr/bin/rm', ['-f', BEFORE, AFTER]);
    });

    it.each<[string, string, string, string]>([
      ['that is read before it', BEFORE, site('taken'), `${took}, ${BEFORE}:3 and ${SITE}:3`],
      ['that is read after it, and would never be served', AFTER, site('taken'), `${took}, ${SITE}:3 and ${AFTER}:3`],
      ['in other letters', BEFORE, site('taken').replace(own, '"X.Example.NET"'), took],
      ['among many', BEFORE, site('taken').replace(own, `y.example.net\n${own} z.example.net`), `${BEFORE}:4`],
      ['with all below it', BEFORE, site('taken').replace(own, `.${own}`), took],
      ['in a snippet', BEFORE, 'server { listen 80; include /etc/nginx/snippet; }', '/etc/nginx/snippet:1 and'],
      [
        'under the name of a file that was there before',
        BEFORE,
        `# configuration file /etc/nginx/nginx.conf:\n${site('taken')}`,
        `${took}, ${BEFORE}:4`,
      ],
    ])('taken by a site %s is refused by a reload and a restart', async (_, path, content, where) => {
      await node.writeFile('/etc/nginx/snippet', `server_name ${own}; location / { return 200 "taken"; }`);
      await node.writeFile(path, content);
      const old = await workers();
      for (const action of ['nginx.reload', 'nginx.restart'])
        expect(await actions.apply(action, {})).toMatchObject(answer(where));
      expect([await newSince(old), await body()]).toEqual([[], 'second']);
    });

    it('by a change of the order is refused', async () => {
      await node.writeFile('/etc/nginx/before.conf', site('taken'));
      await node.mustRun('/usr/bin/sed', ['-i', 's|include .*sites-enabled.*|include before.conf; &|', MAIN]);
      expect(await reload()).toMatchObject(answer('/etc/nginx/before.conf:3'));
      await node.mustRun('/usr/bin/sed', ['-i', 's|include before.conf; ||', MAIN]);
      expectDone(await reload());
      expect(await body()).toBe('second');
    });

    it('on another port, or twice in one block, is none', async () => {
      await node.writeFile(BEFORE, site('other').replace('listen 80;', 'listen 8081;').replace(own, `${own} ${own}`));
      expectDone(await reload());
      expect(await body()).toBe('second');
    });

    it("control: nginx's own test and reload take it, and visitors get the other site; what is loaded is no reason", async () => {
      await node.writeFile(BEFORE, site('taken'));
      await node.mustRun('/usr/sbin/nginx', ['-t']);
      await node.mustRun('/usr/sbin/nginx', ['-s', 'reload']);
      await waitUntil('the other site', async () => (await body()) === 'taken');
      await expect.poll(() => reload(), { timeout: 60_000 }).toMatchObject({ ok: true });
      await node.mustRun('/usr/bin/sed', ['-i', '1i# what this says may change their order', MAIN]);
      expect(await reload()).toMatchObject(answer(took));
      await node.mustRun('/usr/sbin/nginx', ['-s', 'reload']);
      await expect.poll(() => reload(), { timeout: 60_000 }).toMatchObject({ ok: true });
      await node.writeFile(AFTER, site('third').replace(own, 'free.example.net'));
      expectDone(await reload());
      await expect.poll(() => body('free.example.net')).toBe('third');
      await node.writeFile(SITE, site('second', 'server_tokens off;'));
      expect(await reload()).toMatchObject(answer(took));
      await node.mustRun('/usr/bin/rm', [BEFORE, AFTER]);
      expectDone(await reload());
      await expect.poll(() => body()).toBe('second');
    });
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

  it('is restarted with another master, and not at all when it could not start again', async () => {
    const restart = () => actions.apply('nginx.restart', {});
    const master = await node.readFile('/run/nginx.pid');
    await node.writeFile(SITE, site('bad', 'no_such_directive on;'));
    expect(await restart()).toMatchObject({ ok: false, code: 'CONFIG_INVALID' });
    expect([await node.readFile('/run/nginx.pid'), await body()]).toEqual([master, 'third']);
    await node.writeFile(SITE, site('fourth'));
    const before = await snapshotNode(node);
    expect(expectDone(await restart()).titles).toContain('Restart nginx');
    expect(await node.readFile('/run/nginx.pid')).not.toBe(master);
    expect(await body()).toBe('fourth');
    expect(await snapshotNode(node)).toBe(before);
  });

  it('killed at any step of a restart, it runs after the undo', async () => {
    const { changes } = expectDone(await actions.plan('nginx.restart', {}));
    for (const dieAt of changes.keys()) {
      const apply = expectDone(await actions.plan('nginx.restart', {})).changes;
      await expect(actions.apply('nginx.restart', {}, { dieAt })).rejects.toThrow();
      expect(expectDone(await actions.call({ mode: 'undo', changes: apply })).problems).toEqual([]);
      expect(await body()).toBe('fourth');
    }
    await node.mustRun('/usr/sbin/nginx', ['-s', 'stop']);
    await waitUntil('the end of nginx', async () => (await body()) !== 'fourth');
    expect(expectDone(await actions.call({ mode: 'undo', changes })).problems).toEqual([]);
    expect(await body()).toBe('fourth');
    expect(await actions.apply('nginx.restart', {}, {})).toMatchObject({ ok: true });
  });
});
