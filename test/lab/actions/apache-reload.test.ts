import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestHttp } from '../http-request.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, fetchPage, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const SITE = '/etc/apache2/sites-enabled/other.conf';

const tlsSite = (certificate: string, key: string): string => `<VirtualHost *:443>
  ServerName tls.example.net
  DocumentRoot /var/www/html
  SSLEngine on
  SSLCertificateFile /etc/ssl/lab/${certificate}.pem
  SSLCertificateKeyFile /etc/ssl/lab/${key}.key
</VirtualHost>
`;

/** Somebody else listens there. */
const TAKEN_PORT = 8099;
/** Each with a log of its own: more than `FILES` allows to be open. */
const manyLogs = Array.from(
  { length: 60 },
  (_, index) =>
    `<VirtualHost *:80>\n  ServerName x${index}.example.net\n  ErrorLog /var/log/apache2/x${index}.log\n</VirtualHost>\n`,
).join('');
const FILES = 64;

describe.skipIf(!lab.ok)('apache.reload on a real node', () => {
  let hosting: HostingNode;
  const serves = async (): Promise<number> => (await fetchPage(hosting.node, ACCOUNT.domain)).status;
  const reload = () => hosting.actions.apply('apache.reload', {});

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'reloads' });
    const { node } = hosting;
    await node.mustRun('/usr/bin/mkdir', ['-p', '/etc/ssl/lab']);
    for (const name of ['one', 'two'])
      await node.mustRun('/usr/bin/openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=tls.example.net', '-keyout', `/etc/ssl/lab/${name}.key`, '-out', `/etc/ssl/lab/${name}.pem`],
      ]);
    expectDone(await hosting.actions.apply('account.create', ACCOUNT));
    await node.spawn('/usr/bin/socat', [`TCP-LISTEN:${TAKEN_PORT},fork,reuseaddr`, 'EXEC:/usr/bin/cat']);
  });
  afterAll(() => hosting.node.destroy());

  it('loads what is on disk with the same master; the second time there is nothing to do', async () => {
    const { node, actions } = hosting;
    expect(expectDone(await actions.plan('apache.reload', {})).changes).toEqual([]);
    await node.writeFile(SITE, tlsSite('one', 'one'));
    const master = await node.readFile('/run/apache2/apache2.pid');
    const planned = expectDone(await actions.plan('apache.reload', {}));
    // The site, its certificate and its key.
    expect(planned.titles).toEqual(['Reload Apache: 3 things differ from what it has loaded']);
    expect(planned.notes).toContain(`${SITE} is new`);
    const before = await snapshotNode(node);
    const done = expectDone(await reload());
    process.stderr.write(`lab: apache.reload took ${Math.round(done.tookMs)} ms, two rehearsals included\n`);
    expect(await requestHttp(node, { url: 'https://127.0.0.1/', host: 'tls.example.net' })).toMatchObject({
      status: 200,
    });
    expect(await node.readFile('/run/apache2/apache2.pid')).toBe(master);
    expect(expectDone(await reload()).changes).toEqual([]);
    expect(await snapshotNode(node)).toBe(before);
    expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
    expect(await serves()).toBe(200);
  });

  it.each<[string, string, RegExp]>([
    [
      'a syntax error of another site',
      '<VirtualHost *:80>\n  ServerName x.example.net\n  NoSuchDirective on\n</VirtualHost>\n',
      /other\.conf line 3: Invalid command 'NoSuchDirective'/,
    ],
    [
      'a section that is not closed',
      '<VirtualHost *:80>\n  ServerName x.example.net\n',
      /other\.conf line \d: .*VirtualHost/,
    ],
    [
      'a certificate that does not match its key',
      tlsSite('one', 'two'),
      /other\.conf line 6: certificate \/etc\/ssl\/lab\/one\.pem does not belong to key \/etc\/ssl\/lab\/two\.key/,
    ],
    [
      'a key that is missing',
      tlsSite('one', 'gone'),
      /other\.conf line 6: .*\/etc\/ssl\/lab\/gone\.key.* does not exist/,
    ],
    [
      'a log folder that is missing',
      '<VirtualHost *:80>\n  ServerName x.example.net\n  ErrorLog /var/log/gone/x.log\n</VirtualHost>\n',
      /other\.conf line 1: .*\/var\/log\/gone/,
    ],
    [
      'a port that somebody else has',
      `\nListen ${TAKEN_PORT}\n`,
      /other\.conf line 2: port 8099 belongs to another program/,
    ],
    [
      'what shuts out the visitors of all sites',
      '<Location "/">\n  Require all denied\n</Location>\n',
      /a\.example\.net, which is not being changed, answers 200 now and 403/,
    ],
    ['a link to nothing', '', /other\.conf/],
  ])('refuses %s with file, line and reason; the old configuration goes on serving', async (name, content, wanted) => {
    const { node } = hosting;
    if (name === 'a link to nothing') {
      await node.mustRun('/usr/bin/rm', ['-f', SITE]);
      await node.writeFile('/etc/apache2/sites-enabled/links.conf', 'Include /etc/apache2/sites-enabled/other.conf\n');
    } else await node.writeFile(SITE, content);
    const [before, master] = [await snapshotNode(node), await node.readFile('/run/apache2/apache2.pid')];
    const answer = await reload();
    expect(answer).toMatchObject({ ok: false, detail: expect.stringMatching(wanted) });
    expect(await serves()).toBe(200);
    expect(await node.readFile('/run/apache2/apache2.pid')).toBe(master);
    expect(await snapshotNode(node)).toBe(before);
    await node.mustRun('/usr/bin/rm', ['-f', '/etc/apache2/sites-enabled/links.conf']);
  });

  it('refuses a new account while another site is broken, and makes nothing', async () => {
    const { node, actions } = hosting;
    await node.writeFile(SITE, tlsSite('two', 'one'));
    const before = await snapshotNode(node);
    const second = { ...ACCOUNT, name: 'w4a100012', uid: 100_012, domain: 'c.example.net' };
    expect(await actions.apply('account.create', second)).toMatchObject({
      ok: false,
      code: 'CONFIG_INVALID',
      detail: expect.stringContaining('other.conf line 6'),
    });
    expect(await snapshotNode(node)).toBe(before);
  });

  it('refuses a site in front of an account’s that takes its name, and one that is in its name only passes', async () => {
    const { node } = hosting;
    const first = '/etc/apache2/sites-enabled/aaa.conf';
    const host = (name: string): string => `<VirtualHost *:80>\n  ServerName ${name}\n</VirtualHost>\n`;
    await node.mustRun('/usr/bin/rm', ['-f', SITE]);
    const before = (await fetchPage(node, ACCOUNT.domain)).body;
    await node.writeFile(first, host(ACCOUNT.domain));
    expect(await reload()).toMatchObject({
      ok: false,
      code: 'CONFIG_INVALID',
      detail: expect.stringMatching(
        /aaa\.conf line 2: a\.example\.net is a site of .*hosting-w4a100010--a\.example\.net\.conf/,
      ),
    });
    expect((await fetchPage(node, ACCOUNT.domain)).body).toBe(before);
    // Control: Apache's own reload lets it answer for the account.
    await node.mustRun('/usr/sbin/apache2ctl', ['graceful']);
    await expect.poll(async () => (await fetchPage(node, ACCOUNT.domain)).body).not.toBe(before);
    await node.writeFile(first, host('another.example.net'));
    await node.mustRun('/usr/sbin/apache2ctl', ['graceful']);
    await expect.poll(async () => (await fetchPage(node, ACCOUNT.domain)).body).toBe(before);
    expectDone(await reload());
    await node.mustRun('/usr/bin/rm', [first]);
    expectDone(await reload());
  });

  it('refuses what opens more files than the Apache that runs may have open', async () => {
    const { node } = hosting;
    const master = (await node.readFile('/run/apache2/apache2.pid')).trim();
    await node.writeFile(SITE, manyLogs);
    await node.mustRun('/usr/bin/prlimit', ['--pid', master, `--nofile=${FILES}:${FILES}`]);
    expect(await reload()).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/this configuration opens \d+ files, and the Apache that runs may open 64/),
    });
    expect(await serves()).toBe(200);
  });

  // What would have happened: the reason for the rehearsal and the looks after it.
  it.each<[string, string]>([
    // The limit of the test before is still there.
    ['a configuration that opens too many files', manyLogs],
    ['a port that somebody else has', `Listen ${TAKEN_PORT}\n`],
    ['a certificate that does not match', tlsSite('one', 'two')],
  ])("control: Apache's own test passes %s, and a plain graceful ends every site", async (_, content) => {
    const { node } = hosting;
    await node.writeFile(SITE, content);
    const test = await node.mustRun('/usr/sbin/apache2ctl', ['configtest']);
    expect(test.stderr).toContain('Syntax OK');
    await node.run('/usr/sbin/apache2ctl', ['graceful']);
    await expect
      .poll(async () => (await requestHttp(node, { url: 'http://127.0.0.1/' })).kind, { timeout: 20_000 })
      .toBe('refused');
    await node.mustRun('/usr/bin/rm', [SITE]);
    await node.mustRun('/usr/sbin/apache2ctl', ['start']);
    await expect.poll(async () => (await requestHttp(node, { url: 'http://127.0.0.1/' })).kind).toBe('response');
  });
});
