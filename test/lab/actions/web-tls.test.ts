import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestHttp } from '../http-request.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, fetchPage, putPage, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const DOMAIN = ACCOUNT.domain;
const INCOMING = `/etc/hosting/tls/incoming/${DOMAIN}`;

describe.skipIf(!lab.ok)('certificates and limits on a real node', () => {
  let hosting: HostingNode;
  const openssl = (...args: string[]): Promise<unknown> => hosting.node.mustRun('/usr/bin/openssl', args);
  const install = () => hosting.actions.apply('tls.install', { domain: DOMAIN });
  const undo = async (changes: readonly unknown[]): Promise<void> => {
    const answer = await hosting.actions.call({ mode: 'undo', changes: changes as never });
    expect(expectDone(answer).problems).toEqual([]);
  };
  /** A certificate in the incoming folder, signed by the lab's own authority unless it is said otherwise. */
  const drop = async (more: { names?: string; days?: string; key?: string[]; self?: true } = {}): Promise<void> => {
    const { names = DOMAIN, days = '90', key = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], self } = more;
    const san = names
      .split(' ')
      .map((name) => `DNS:${name}`)
      .join(',');
    const [chain, secret] = [`${INCOMING}/fullchain.pem`, `${INCOMING}/privkey.pem`];
    await openssl(
      ...['req', '-x509', '-newkey', ...key, '-nodes', '-days', days, '-subj', `/CN=${names.split(' ')[0] ?? ''}`],
      ...['-addext', `subjectAltName=${san}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
      ...(self === true ? [] : ['-CA', '/etc/lab-ca/ca.pem', '-CAkey', '/etc/lab-ca/ca.key']),
      ...['-keyout', secret, '-out', chain],
    );
    if (self !== true)
      await hosting.node.writeFile(
        chain,
        (await hosting.node.readFile(chain)) + (await hosting.node.readFile('/etc/lab-ca/ca.pem')),
      );
    await hosting.node.mustRun('/usr/bin/chmod', ['0600', secret, chain]);
  };

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'certificates' });
    const { node, actions } = hosting;
    expectDone(await actions.apply('account.create', ACCOUNT));
    await node.mustRun('/usr/bin/mkdir', ['-p', '-m', '0700', INCOMING, '/etc/lab-ca']);
    await node.mustRun('/usr/bin/chmod', ['0755', '/etc/hosting', '/etc/hosting/tls']);
    await openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '300', '-subj', '/CN=Lab authority'],
      ...['-keyout', '/etc/lab-ca/ca.key', '-out', '/etc/lab-ca/ca.pem'],
    );
  });
  afterAll(() => hosting.node.destroy());

  it('is installed, served, renewed and taken back; its key is in no plan', async () => {
    const { node, actions } = hosting;
    const site = { account: ACCOUNT.name, domain: DOMAIN };
    expect(await actions.plan('site.update', { ...site, https: 'both' })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('has no certificate on this node'),
    });
    await drop();
    const before = await snapshotNode(node);
    const first = expectDone(await install());
    const secret = (await node.readFile(`${INCOMING}/privkey.pem`)).split('\n')[1] ?? '';
    expect(secret.length).toBeGreaterThan(20);
    expect(JSON.stringify(first)).not.toContain(secret);
    expect(expectDone(await install()).changes).toEqual([]);
    await undo(first.changes);
    expect(await snapshotNode(node)).toBe(before);
    expectDone(await install());
    expectDone(await actions.apply('site.update', { ...site, https: 'redirect' }));
    const secure = await requestHttp(node, { url: 'https://127.0.0.1/', host: DOMAIN });
    expect(secure).toMatchObject({ status: 200 });
    expect((await fetchPage(node, DOMAIN, '/x')).status).toBe(301);
    await drop();
    const between = await snapshotNode(node);
    const second = expectDone(await install());
    expect(second.verified.map(({ name }) => name)).toContain('Served on port 443');
    expect(expectDone(await actions.plan('certificate.scan', {})).data).toMatchObject({
      certificates: [{ domain: DOMAIN, daysLeft: 89, isServed: true, problem: null }],
    });
    await undo(second.changes);
    expect(await snapshotNode(node)).toBe(between);
    // The link is back and so is what is served.
    expect(expectDone(await actions.plan('certificate.scan', {})).data).toMatchObject({
      certificates: [{ isServed: true, problem: null }],
    });
  });

  it.each<[string, () => Promise<void>, RegExp]>([
    ['for another name', () => drop({ names: 'evil.example.org' }), /does not cover a\.example\.net/],
    ['that has nearly expired', () => drop({ days: '1' }), /expires within a day/],
    ['with a weak key', () => drop({ key: ['rsa:1024'] }), /too weak \(rsa 1024\)/],
    ['signed by itself', () => drop({ self: true }), /signed by itself, and the one in use is valid/],
    [
      'that does not belong to its key',
      async () => {
        await drop();
        await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${INCOMING}/privkey.pem`);
      },
      /private key does not belong to the certificate/,
    ],
    [
      'whose key others can read',
      async () => {
        await drop();
        await hosting.node.mustRun('/usr/bin/chmod', ['0644', `${INCOMING}/privkey.pem`]);
      },
      /can be read by others/,
    ],
    [
      'whose chain is out of order',
      async () => {
        await drop();
        const ca = await hosting.node.readFile('/etc/lab-ca/ca.pem');
        const own = (await hosting.node.readFile(`${INCOMING}/fullchain.pem`)).split(ca)[0] ?? '';
        await hosting.node.writeFile(`${INCOMING}/fullchain.pem`, own + own);
      },
      /chain is not in order/,
    ],
    [
      'that is a link to somebody else’s file',
      async () => {
        await drop();
        await hosting.node.mustRun('/usr/bin/ln', ['-sf', '/etc/shadow', `${INCOMING}/fullchain.pem`]);
      },
      /is no plain file/,
    ],
  ])('a certificate %s is refused, and the one in use goes on', async (_, arrange, wanted) => {
    const { node } = hosting;
    await node.mustRun('/usr/bin/rm', ['-f', `${INCOMING}/fullchain.pem`, `${INCOMING}/privkey.pem`]);
    await arrange();
    const before = await snapshotNode(node);
    expect(await install()).toMatchObject({ ok: false, detail: expect.stringMatching(wanted) });
    expect(await snapshotNode(node)).toBe(before);
    expect(await requestHttp(node, { url: 'https://127.0.0.1/', host: DOMAIN })).toMatchObject({ status: 200 });
  });

  it('limits are set without a lost request, and undo brings the old ones back', async () => {
    const { node, actions } = hosting;
    await putPage(node, ACCOUNT, 'limit.php', '<?php ini_set("memory_limit", "2G"); echo ini_get("memory_limit");');
    await putPage(node, ACCOUNT, '.user.ini', 'memory_limit = 3G\n');
    const limit = async (): Promise<string> => {
      const reply = await requestHttp(node, { url: 'https://127.0.0.1/limit.php', host: DOMAIN });
      return reply.kind === 'response' ? reply.body : reply.kind;
    };
    const before = await snapshotNode(node);
    const header = `Host: ${DOMAIN}`;
    const load = await node.spawn('/usr/bin/ab', [
      ...['-q', '-l', '-c', '4', '-n', '10000000', '-H', header, 'http://127.0.0.1/.well-known/hauban-probe'],
    ]);
    const args = { account: ACCOUNT.name, memoryMiB: 96, uploadMiB: 20, postMiB: 24 };
    const done = expectDone(await actions.apply('php.set-limits', args));
    process.stderr.write(`lab: php.set-limits took ${Math.round(done.tookMs)} ms\n`);
    // Control: without a limit of ours the account's own file counts.
    expect(await limit()).toBe('96M');
    expect(expectDone(await actions.apply('php.set-limits', args)).changes).toEqual([]);
    await undo(done.changes);
    const report = (await load.stop('SIGINT')).stdout;
    expect(report).toMatch(/Failed requests:\s+0\n/);
    expect(report).not.toContain('Non-2xx responses');
    expect(await snapshotNode(node)).toBe(before);
    expect(await limit()).not.toBe('96M');
    const { changes } = expectDone(await actions.plan('php.set-limits', args));
    for (const dieAt of changes.keys()) {
      await expect(actions.apply('php.set-limits', args, { dieAt })).rejects.toThrow();
      await undo(changes);
      expect(await snapshotNode(node), `killed at ${dieAt}`).toBe(before);
    }
  });

  it.each([
    ['too much for its cache of code, so that it does not start', 'opcache.memory_consumption = 999999999\n'],
    ['no folder of extensions, which only the page of the customer needs', 'extension_dir = /gone\n'],
    ['a folder that no page lies in', 'open_basedir = /gone\n'],
  ])('PHP goes on as it was when a hand has set, for all accounts, %s', async (_, ini) => {
    const { node, actions } = hosting;
    const file = '/etc/php/8.2/fpm/conf.d/99-by-hand.ini';
    const before = await snapshotNode(node);
    const load = await node.spawn('/usr/bin/ab', [
      ...['-q', '-l', '-c', '2', '-n', '10000000', '-H', `Host: ${DOMAIN}`, 'https://127.0.0.1/index.php'],
    ]);
    await node.writeFile(file, ini);
    expect(await actions.apply('php.set-limits', { account: ACCOUNT.name, memoryMiB: 97 })).toMatchObject({
      ok: false,
      problems: [],
    });
    await node.mustRun('/usr/bin/rm', [file]);
    const report = (await load.stop('SIGINT')).stdout;
    expect(report).toMatch(/Failed requests:\s+0\n/);
    expect(report).not.toContain('Non-2xx responses');
    expect(await snapshotNode(node)).toBe(before);
  });

  it('a preflight says file, line and remedy, and shows nothing of what a link or a pipe leads to', async () => {
    const { node, actions } = hosting;
    const www = `/srv/vol1/${ACCOUNT.name}/var/www`;
    const text = 'php_value memory_limit 1G\nOptions +Indexes\n<Files "x">\nAddHandler application/x-httpd-php .html\n';
    await putPage(node, ACCOUNT, '.htaccess', text);
    await node.mustRun('/usr/bin/mkdir', [`${www}/a`, `${www}/b`, `${www}/c`]);
    await node.mustRun('/usr/bin/ln', ['-s', '/etc/shadow', `${www}/a/.htaccess`]);
    await node.mustRun('/usr/bin/mkfifo', [`${www}/b/.htaccess`]);
    await node.mustRun('/usr/bin/truncate', ['-s', '50M', `${www}/c/.htaccess`]);
    await node.mustRun('/usr/bin/chown', ['100010:100010', `${www}/b/.htaccess`, `${www}/c/.htaccess`]);
    const site = { account: ACCOUNT.name, domain: DOMAIN };
    const { data } = expectDone(await actions.plan('site.preflight', site)) as unknown as {
      data: { findings: { file: string; line: number | null; severity: string }[]; limits: string[] };
    };
    expect(data.findings.map(({ file, line, severity }) => `${file}:${line ?? '-'} ${severity}`)).toEqual([
      '.htaccess:1 ignored',
      '.htaccess:2 ignored',
      '.htaccess:3 breaks',
      '.htaccess:4 breaks',
      'a/.htaccess:- breaks',
      'b/.htaccess:- breaks',
    ]);
    expect(data.limits).toEqual(['c/.htaccess, which is larger than 256 KiB']);
    expect(JSON.stringify(data)).not.toContain('root:');
    expect((await fetchPage(node, DOMAIN, '/x')).status).toBeGreaterThanOrEqual(300);
    await node.mustRun('/usr/bin/rm', ['-r', `${www}/.htaccess`, `${www}/a`, `${www}/b`, `${www}/c`]);
  });

  it('Apache is restarted: another master, and sites answer', async () => {
    const { node, actions } = hosting;
    const before = await node.readFile('/run/apache2/apache2.pid');
    expectDone(await actions.apply('apache.restart', {}));
    expect(await node.readFile('/run/apache2/apache2.pid')).not.toBe(before);
    expect(await requestHttp(node, { url: 'https://127.0.0.1/', host: DOMAIN })).toMatchObject({ status: 200 });
  });
});
