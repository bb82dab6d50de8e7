import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDirectives } from './apache-directives.ts';
import { parseApacheFault } from './apache-fault.ts';
import { checkCertificates } from './certificate-check.ts';
import { checkNames } from './site-names.ts';
import { runRehearsal, type RehearsalTools } from './run-rehearsal.ts';

describe('parseApacheFault', () => {
  it.each([
    [
      "AH00526: Syntax error on line 12 of /etc/apache2/sites-enabled/x.conf:\nInvalid command 'Foo', perhaps misspelled or defined by a module not included in the server configuration\nAction 'configtest' failed.\nThe Apache error log may have more information.\n",
      { file: '/etc/apache2/sites-enabled/x.conf', line: 12, problem: expect.stringMatching(/^Invalid command 'Foo'/) },
    ],
    [
      'apache2: Syntax error on line 225 of /etc/apache2/apache2.conf: Syntax error on line 3 of /etc/apache2/sites-enabled/x.conf: Expected </Directory> but saw </VirtualHost>\n',
      { file: '/etc/apache2/sites-enabled/x.conf', line: 3, problem: 'Expected </Directory> but saw </VirtualHost>' },
    ],
    [
      "(2)No such file or directory: AH02291: Cannot access directory '/var/log/gone/' for error log of vhost defined at /etc/apache2/sites-enabled/x.conf:1\nAH00014: Configuration check failed\n",
      {
        file: '/etc/apache2/sites-enabled/x.conf',
        line: 1,
        problem: expect.stringContaining("Cannot access directory '/var/log/gone/'"),
      },
    ],
    [
      '[Sat Nov 22 05:00:00.1 2025] [ssl:emerg] [pid 9:tid 9] AH02565: Certificate and private key x.example:443:0 from /a/cert.pem and /a/key.pem do not match\nAH00016: Configuration Failed\n',
      {
        file: null,
        line: null,
        problem: 'Certificate and private key x.example:443:0 from /a/cert.pem and /a/key.pem do not match',
      },
    ],
    [
      "AH00558: apache2: Could not reliably determine the server's fully qualified domain name, using 127.0.1.1.\nAH00534: apache2: Configuration error: No MPM loaded.\n",
      { file: null, line: null, problem: 'Configuration error: No MPM loaded.' },
    ],
    ['', { file: null, line: null, problem: 'Apache ended without saying why' }],
  ])('%#', (text, wanted) => {
    expect(parseApacheFault(text)).toEqual(wanted);
  });
});

it('reads directives with their line and virtual host', () => {
  const text =
    '# c\nListen 80\n<VirtualHost *:443>\n  SSLCertificateFile "/a b/c.pem"\n  Header set X \\\n   "y \\"z\\""\n</VirtualHost>\nInclude x\n';
  expect(parseDirectives('/f', text)).toEqual([
    { file: '/f', line: 2, name: 'listen', args: ['80'], host: null },
    { file: '/f', line: 3, name: '<virtualhost', args: ['*:443'], host: 3 },
    { file: '/f', line: 4, name: 'sslcertificatefile', args: ['/a b/c.pem'], host: 3 },
    { file: '/f', line: 5, name: 'header', args: ['set', 'X', 'y "z"'], host: 3 },
    { file: '/f', line: 8, name: 'include', args: ['x'], host: null },
  ]);
});

describe('certificates', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hauban-cert-'));
    for (const name of ['one', 'two']) {
      const out = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)];
      execFileSync(
        '/usr/bin/openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-days',
          '2',
          '-subj',
          `/CN=${name}.example`,
          ...out,
        ],
        { stdio: 'ignore' },
      );
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const readText = (path: string): Promise<string | null> => {
    try {
      return Promise.resolve(readFileSync(path.replace('/tls', folder), 'utf8'));
    } catch {
      return Promise.resolve(null);
    }
  };
  const site = (certificate: string, key: string): string =>
    `<VirtualHost *:443>\n SSLCertificateFile /tls/${certificate}\n SSLCertificateKeyFile /tls/${key}\n</VirtualHost>\n`;
  const check = (text: string) => checkCertificates(parseDirectives('/s.conf', text), readText);

  it.each([
    ['a pair that matches', site('one.pem', 'one.key'), null],
    ['two sites, each with its own', site('one.pem', 'one.key') + site('two.pem', 'two.key'), null],
    ['a variable in the path', site('${X}.pem', 'one.key'), null],
    [
      'a key of another certificate',
      site('one.pem', 'one.key') + site('two.pem', 'one.key'),
      { file: '/s.conf', line: 7, problem: 'certificate /tls/two.pem does not belong to key /tls/one.key' },
    ],
    [
      'a key that is not there',
      site('one.pem', 'gone.key'),
      { file: '/s.conf', line: 3, problem: 'key /tls/gone.key does not exist' },
    ],
    [
      'a certificate that is not there',
      site('gone.pem', 'one.key'),
      { file: '/s.conf', line: 2, problem: 'certificate /tls/gone.pem does not exist' },
    ],
    [
      'a key in place of a certificate',
      site('one.key', 'one.key'),
      { file: '/s.conf', line: 2, problem: expect.stringContaining('is no certificate') },
    ],
    [
      'a certificate in place of a key',
      site('one.pem', 'one.pem'),
      { file: '/s.conf', line: 3, problem: expect.stringContaining('is no private key') },
    ],
  ])('%s', async (_, text, wanted) => {
    expect(await check(text)).toEqual(wanted);
  });
});

describe('names', () => {
  const hosted = '/etc/apache2/sites-enabled/hosting-w4a1--a.example.conf';
  const host = (address: string, ...lines: string[]): string =>
    `<VirtualHost ${address}>\n${lines.map((line) => `  ${line}\n`).join('')}</VirtualHost>\n`;
  const own = host('*:80', 'ServerName a.example', 'ServerAlias www.a.example') + host('*:443', 'ServerName a.example');
  const check = (first: string, file = '/etc/apache2/sites-enabled/0.conf') =>
    checkNames([...parseDirectives(file, first), ...parseDirectives(hosted, own)]);

  it.each([
    ['the name of an account’s site', host('*:80', 'ServerName A.example'), 2],
    ['its alias', host('*:80', 'ServerName x', 'ServerAlias y www.a.example'), 3],
    ['a pattern that fits', host('*:80', 'ServerName x', 'ServerAlias *.a.example'), 3],
    ['the name on its other port', host('*:443', 'ServerName a.example:443'), 2],
    ['the name on any port', host('*', 'ServerName a.example'), 2],
  ])('refuses a site in front that takes %s', (_, first, line) => {
    expect(check(first)).toEqual({
      file: '/etc/apache2/sites-enabled/0.conf',
      line,
      problem: expect.stringContaining(`is a site of ${hosted}`),
    });
  });

  it.each([
    ['another name', host('*:80', 'ServerName b.example', 'ServerAlias *.b.example')],
    ['the name on a port of its own', host('*:8080', 'ServerName a.example')],
    ['the name outside of any site', 'ServerName a.example\n'],
  ])('takes %s', (_, first) => {
    expect(check(first)).toBeNull();
  });

  it('takes what two files of others make of each other', () => {
    const twice = host('*:80', 'ServerName b.example');
    expect(checkNames([...parseDirectives('/1.conf', twice), ...parseDirectives('/2.conf', twice)])).toBeNull();
  });
});

describe('runRehearsal', () => {
  const job = { candidates: [], probes: [{ host: 'a.example', path: '/', port: 80 }], addresses: [] };
  const tools = (more: Partial<RehearsalTools>): RehearsalTools => ({
    prepare: () => Promise.resolve(),
    loadConfiguration: () =>
      Promise.resolve(new Map([['/s.conf', 'SSLCertificateKeyFile /a/${x}/key.pem\nFoo /a/key.pem\n']])),
    readText: () => Promise.resolve(null),
    configTest: () => Promise.resolve({ ok: true, said: 'Syntax OK' }),
    start: () => ({ outcome: Promise.resolve('serving') }),
    readLogs: () => Promise.resolve('[x:emerg] AH02565: key /a/key.pem does not match\n'),
    probe: () => Promise.resolve({ ok: true, status: 200, headers: {}, body: '' }),
    footprint: () => Promise.resolve({ listeners: [], openFiles: 1 }),
    monotonicMs: () => 0,
    ...more,
  });

  it('passes when it serves', async () => {
    expect(await runRehearsal(job, tools({}))).toMatchObject({ ok: true, probes: [{ status: 200 }] });
  });
  it('stops at the configuration test', async () => {
    const start = () => expect.fail('must not start');
    expect(
      await runRehearsal(
        job,
        tools({ configTest: () => Promise.resolve({ ok: false, said: 'Syntax error on line 3 of /x:\nbad' }), start }),
      ),
    ).toEqual({
      ok: false,
      stage: 'configtest',
      file: '/x',
      line: 3,
      problem: 'bad',
    });
  });
  it('gives a failed start the place of the directive that names the file', async () => {
    expect(await runRehearsal(job, tools({ start: () => ({ outcome: Promise.resolve('ended') }) }))).toEqual({
      ok: false,
      stage: 'start',
      file: '/s.conf',
      line: 2,
      problem: 'key /a/key.pem does not match',
    });
  });
});
