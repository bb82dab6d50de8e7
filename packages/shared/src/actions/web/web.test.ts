import { describe, expect, it } from 'vitest';
import { createFakeHost, type FakeHost, sweepCrashes } from '../../testing/index.ts';
import {
  ACTIONS,
  applyChanges,
  parseActionArguments,
  PLAIN_SITE,
  poolConfig,
  phpMasterOf,
  revertChanges,
  siteConfig,
  type CertificateFacts,
  type Change,
  type Planned,
} from '../index.ts';
import { coversName, judgeCertificate, judgeReplacement } from './certificate-rules.ts';
import { parseSite } from './site-settings.ts';

const ACCOUNT = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 };
const SITE = { account: ACCOUNT.name, domain: 'shop.example.org' };
const NOW = Date.UTC(2026, 0, 10);
const DAY_MS = 86_400_000;

const FACTS: CertificateFacts = {
  fingerprint: 'a'.repeat(64),
  serial: '01',
  names: ['a.example.net', '*.example.org'],
  notBefore: NOW - DAY_MS,
  notAfter: NOW + 60 * DAY_MS,
  issuer: 'An authority',
  isSelfSigned: false,
  key: 'ec prime256v1',
  isKeyStrong: true,
  keyMatches: true,
  isChainInOrder: true,
};

async function plan(host: FakeHost, name: string, args: unknown): Promise<Planned> {
  const action = ACTIONS.get(name)!;
  const parsed = parseActionArguments(action, args);
  if (!parsed.ok) return { ok: false, code: 'ACTION_ARGUMENTS', detail: parsed.problem };
  return action.plan(host, parsed.args);
}
async function changesOf(host: FakeHost, name: string, args: unknown): Promise<readonly Change[]> {
  const planned = await plan(host, name, args);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}
async function createNode(): Promise<FakeHost> {
  const host = createFakeHost();
  host.world.apache.modules.push('ssl');
  await applyChanges(host, await changesOf(host, 'account.create', ACCOUNT));
  const facts = { ...FACTS, notBefore: 0, notAfter: host.clock.nowMs() + 60 * DAY_MS };
  host.world.answers['tls.facts'] = () => ({ facts });
  host.world.answers['nginx.state'] = () => ({ isInstalled: true, pid: 7, workers: [8], fault: null });
  host.world.answers['tls.client'] = () => ({ client: 'certbot' });
  return host;
}

const CASES: readonly (readonly [string, object])[] = [
  ['site.create', { ...SITE, aliases: ['www.shop.example.org'], docroot: 'shop/public' }],
  ['site.create', { ...SITE, https: 'redirect' }],
  ['site.update', { account: ACCOUNT.name, domain: ACCOUNT.domain, docroot: 'other' }],
  ['site.remove', { account: ACCOUNT.name, domain: ACCOUNT.domain }],
  ['site.block-path', { account: ACCOUNT.name, domain: ACCOUNT.domain, path: 'xmlrpc.php', allow: ['192.0.2.0/24'] }],
  ['php.set-limits', { account: ACCOUNT.name, memoryMiB: 256, children: 20 }],
  ['tls.install', { domain: ACCOUNT.domain }],
];

describe.each(CASES)('%s %j', (name, args) => {
  it('is applied, found in place the second time, and undone', async () => {
    const host = await createNode();
    const before = host.snapshot();
    const changes = await changesOf(host, name, args);
    expect(changes.length).toBeGreaterThan(0);
    expect(host.snapshot()).toBe(before);
    await applyChanges(host, changes);
    expect(await changesOf(host, name, args)).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it('killed at any effect, undo brings the machine back', async () => {
    const scene = async () => {
      const host = await createNode();
      return { host, changes: () => changesOf(host, name, args) };
    };
    expect(await sweepCrashes(scene)).toEqual([]);
  });
});

describe('what is refused', () => {
  const broken = (more: Partial<CertificateFacts>) => (host: FakeHost) => {
    host.world.answers['tls.facts'] = () => ({
      facts: { ...FACTS, notBefore: 0, notAfter: host.clock.nowMs() + 60 * DAY_MS, ...more },
    });
  };
  it.each<[string, string, object, (host: FakeHost) => unknown, RegExp]>([
    ['a name of another site', 'site.create', { ...SITE, aliases: [ACCOUNT.domain] }, () => 0, /is a site already/],
    [
      'https without a certificate',
      'site.create',
      { ...SITE, https: 'both' },
      (host) => (host.world.answers['tls.facts'] = () => null),
      /has no certificate/,
    ],
    [
      'https with one for another name',
      'site.create',
      { ...SITE, https: 'both' },
      broken({ names: ['x.example'] }),
      /does not cover shop/,
    ],
    ['an account that is not there', 'site.create', { ...SITE, account: 'nobody1' }, () => 0, /does not exist/],
    ['a site that is not there', 'site.update', { ...SITE, docroot: '' }, () => 0, /has no site/],
    [
      'an upload larger than a request',
      'php.set-limits',
      { account: ACCOUNT.name, uploadMiB: 9, postMiB: 8 },
      () => 0,
      /does not fit/,
    ],
    ['no limit at all', 'php.set-limits', { account: ACCOUNT.name }, () => 0, /at least one/],
    [
      'a key of another certificate',
      'tls.install',
      { domain: ACCOUNT.domain },
      broken({ keyMatches: false }),
      /does not belong/,
    ],
    [
      'everybody as an exception',
      'site.block-path',
      { ...SITE, path: 'x.php', allow: ['0.0.0.0/0'] },
      () => 0,
      /is everybody/,
    ],
    [
      'nginx with a broken configuration',
      'nginx.reload',
      {},
      (host) =>
        (host.world.answers['nginx.state'] = () => ({
          isInstalled: true,
          pid: 7,
          workers: [],
          fault: 'unknown directive',
        })),
      /unknown directive/,
    ],
    [
      'nginx that is not there',
      'nginx.reload',
      {},
      (host) =>
        (host.world.answers['nginx.state'] = () => ({ isInstalled: false, pid: null, workers: [], fault: null })),
      /not installed/,
    ],
    [
      'a restart of nginx with a broken configuration',
      'nginx.restart',
      {},
      (host) =>
        (host.world.answers['nginx.state'] = () => ({
          isInstalled: true,
          pid: 7,
          workers: [],
          fault: 'port 80 belongs to another program',
        })),
      /port 80 belongs/,
    ],
    [
      'Apache with a broken configuration',
      'apache.restart',
      {},
      (host) =>
        host.world.files.set('/etc/apache2/sites-enabled/z.conf', {
          type: 'file',
          content: 'BrokenDirective',
          mode: 0o644,
          uid: 0,
          gid: 0,
        }),
      /BrokenDirective/,
    ],
  ])('%s', async (_, name, args, arrange, wanted) => {
    const host = await createNode();
    arrange(host);
    const planned = await plan(host, name, args);
    expect(planned.ok ? 'planned' : planned.detail).toMatch(wanted);
  });

  const HOSTILE = [
    '',
    'a b',
    '../x',
    '/etc/x',
    'a\nb',
    'a"b',
    '.git',
    'a/../b',
    'a//b',
    '-x',
    'x>',
    '${x}',
    'é',
    'a\u0000',
    'x'.repeat(300),
  ];
  it.each(HOSTILE)('%j is no file, folder, alias or exception', async (text) => {
    const host = await createNode();
    const site = { account: ACCOUNT.name, domain: ACCOUNT.domain };
    expect((await plan(host, 'site.block-path', { ...site, path: text })).ok).toBe(false);
    expect((await plan(host, 'site.create', { ...SITE, aliases: [text] })).ok).toBe(false);
    expect((await plan(host, 'site.block-path', { ...site, path: 'x.php', allow: [text] })).ok).toBe(false);
    expect((await plan(host, 'tls.install', { domain: text })).ok).toBe(false);
    if (text !== '') expect((await plan(host, 'site.create', { ...SITE, docroot: text })).ok).toBe(false);
  });
});

describe('certificates', () => {
  it.each<[string, Partial<CertificateFacts>, RegExp]>([
    ['expired', { notAfter: NOW - DAY_MS }, /expired 1 days ago/],
    ['not valid yet', { notBefore: NOW + 1 }, /not valid yet/],
    ['a weak key', { isKeyStrong: false, key: 'rsa 1024' }, /too weak/],
    ['a chain out of order', { isChainInOrder: false }, /not in order/],
    ['another name', { names: ['b.example.net'] }, /does not cover/],
  ])('%s is refused', (_, more, wanted) => {
    expect(judgeCertificate({ ...FACTS, ...more }, ['a.example.net'], NOW)).toMatch(wanted);
    expect(judgeCertificate(FACTS, ['a.example.net', 'x.example.org'], NOW)).toBeNull();
  });

  it('a wildcard stands for one label', () => {
    expect(coversName(['*.example.org'], 'a.example.org')).toBe(true);
    for (const name of ['example.org', 'a.b.example.org', 'evilexample.org'])
      expect(coversName(['*.example.org'], name)).toBe(false);
  });

  it('one signed by itself replaces a valid one never, an expired one it may', () => {
    const self = { ...FACTS, isSelfSigned: true };
    expect(judgeReplacement(FACTS, self, NOW)).toMatch(/signed by itself/);
    expect(judgeReplacement({ ...FACTS, notAfter: NOW - 1 }, self, NOW)).toBeNull();
    expect(judgeReplacement(self, self, NOW)).toBeNull();
  });

  it('is not renewed while it is good for long', async () => {
    const host = await createNode();
    expect(await changesOf(host, 'tls.renew', { domain: ACCOUNT.domain })).toEqual([]);
    host.world.answers['tls.facts'] = () => null;
    expect(await changesOf(host, 'tls.renew', { domain: ACCOUNT.domain })).toMatchObject([{ task: 'tls.renew' }]);
  });
});

describe('files that say themselves what they are', () => {
  const settings = {
    aliases: ['b.example.net'],
    docroot: 'x',
    https: 'both',
    blocked: [{ path: 'y.php', allow: [] }],
  } as const;
  it('a site of ours is read back; one that was touched is none', () => {
    const { name, domain } = ACCOUNT;
    for (const wanted of [PLAIN_SITE, settings])
      expect(parseSite(name, domain, siteConfig(name, domain, wanted))).toEqual(wanted);
    const content = siteConfig(name, domain, settings);
    for (const evil of [
      content.replace('DocumentRoot', 'Include /etc/x\n  DocumentRoot'),
      content.replace('"docroot":"x"', '"docroot":"../x"'),
      content.replace('{', '{{'),
      content.replace('y.php', 'z.php'),
    ])
      expect(parseSite(name, domain, evil)).toBeNull();
  });

  it('limits go along when the version is switched', async () => {
    const host = await createNode();
    await applyChanges(host, await changesOf(host, 'php.set-limits', { account: ACCOUNT.name, memoryMiB: 64 }));
    await applyChanges(host, await changesOf(host, 'php.switch-version', { account: ACCOUNT.name, version: '8.4' }));
    const master = phpMasterOf(ACCOUNT.name, ACCOUNT.uid, '8.4');
    expect(host.world.files.get(master.configFile)).toMatchObject({
      content: poolConfig(master, 33, { memoryMiB: 64 }),
    });
  });

  it('what a preflight finds is said before a switch', async () => {
    const host = await createNode();
    const finding = {
      file: '.htaccess',
      line: 3,
      severity: 'ignored',
      what: 'php_value',
      fix: 'Use .user.ini.',
    } as const;
    host.world.answers['site.scan'] = () => ({ findings: [finding], filesRead: 1, limits: [] });
    const planned = await plan(host, 'php.switch-version', { account: ACCOUNT.name, version: '8.4' });
    expect(planned).toMatchObject({
      ok: true,
      notes: expect.arrayContaining(['.htaccess line 3: php_value. Use .user.ini.']),
    });
    expect(await plan(host, 'site.preflight', { account: ACCOUNT.name, domain: ACCOUNT.domain })).toMatchObject({
      ok: true,
      data: { findings: [finding] },
    });
  });
});
