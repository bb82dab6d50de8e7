import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadClientSecret } from '../config.ts';
import { attemptSecrets, ownPath } from './oidc-attempt.ts';
import { nameOf, roleOf } from './oidc-claims.ts';
import { parseSignOnSettings } from './oidc-settings.ts';

const good = {
  id: 'corp',
  name: 'Company',
  issuer: 'https://login.example.com/realms/hosting',
  clientId: 'hauban',
  clientSecretFile: '/etc/hauban/corp.secret',
};
const parse = (...providers: object[]) => parseSignOnSettings(JSON.stringify({ providers }), () => 'S');
const says = (text: RegExp) =>
  expect.objectContaining({ code: 'CONFIG_BAD', detail: expect.stringMatching(text) as string }) as Error;

describe('the file of providers', () => {
  it('needs five things of each; openid is always asked for, and nobody is made', () => {
    expect(parse(good)).toEqual([
      {
        id: 'corp',
        name: 'Company',
        issuer: good.issuer,
        clientId: 'hauban',
        clientSecret: 'S',
        scopes: ['openid', 'profile'],
        people: null,
      },
    ]);
    expect(parse({ ...good, scopes: ['groups'] })[0]?.scopes).toEqual(['openid', 'groups']);
  });

  it.each<[string, object, RegExp]>([
    ['an issuer in the clear', { issuer: 'http://login.example.com' }, /issuer of corp must be an https/],
    ['an issuer with a user name', { issuer: 'https://a:b@login.example.com' }, /must be an https/],
    ['an issuer with a query', { issuer: 'https://login.example.com/?x=1' }, /must be an https/],
    ['an issuer that is no address', { issuer: 'login' }, /must be an https/],
    ['a secret inline', { clientSecret: 'abc' }, /see docs\/sign-on\.md/],
    ['a relative path of the secret', { clientSecretFile: 'corp.secret' }, /see docs\/sign-on\.md/],
    ['an id that is no word', { id: '../x' }, /see docs\/sign-on\.md/],
    ['owners by a claim', { people: { roles: [{ claim: 'g', value: 'a', role: 'owner' }] } }, /nobody the role owner/],
    ['a rule without roles', { people: { roles: [] } }, /see docs\/sign-on\.md/],
  ])('refuses %s in one sentence', (_name, change, text) => {
    expect(() => parse({ ...good, ...change })).toThrow(says(text));
  });

  it('refuses two of one id, and what is no JSON', () => {
    expect(() => parse(good, good)).toThrow(says(/two providers have the id corp/));
    expect(() => parseSignOnSettings('{', () => '')).toThrow(says(/is not JSON/));
  });

  it('takes http on this machine', () => {
    expect(parse({ ...good, issuer: 'http://127.0.0.1:8080' })).toHaveLength(1);
  });
});

describe('the secret of a client', () => {
  it('is a file that not everybody may read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hauban-secret-'));
    const path = join(folder, 'corp.secret');
    await writeFile(path, 'long and random\n', { mode: 0o600 });
    expect(loadClientSecret(path)).toBe('long and random');
    await chmod(path, 0o644);
    expect(() => loadClientSecret(path)).toThrow(says(/everybody may read/));
    await writeFile(path, '\n');
    await chmod(path, 0o600);
    expect(() => loadClientSecret(path)).toThrow(says(/is empty/));
    expect(() => loadClientSecret(join(folder, 'gone'))).toThrow(says(/cannot be read \(ENOENT\)/));
    await rm(folder, { recursive: true });
  });
});

describe('claims', () => {
  const claims = (all: object) => ({ issuer: '', subject: '', methods: [], all: all as Record<string, unknown> });
  const rule = (nameClaim = 'preferred_username') => ({
    nameClaim,
    roles: [
      { claim: 'groups', value: 'a', role: 'operator' },
      { claim: 'hd', value: 'example.com', role: 'viewer' },
    ],
  });

  it('give the role of the first rule that fits, exactly', () => {
    expect(roleOf(claims({ groups: ['b', 'a'], hd: 'example.com' }), rule())).toBe('operator');
    expect(roleOf(claims({ groups: 'a' }), rule())).toBe('operator');
    expect(roleOf(claims({ hd: 'example.com' }), rule())).toBe('viewer');
    expect(roleOf(claims({ groups: ['ab'], hd: ['x'] }), rule())).toBeNull();
    expect(roleOf(claims({ groups: { a: true } }), rule())).toBeNull();
    expect(roleOf(claims({}), { ...rule(), roles: [{ claim: 'constructor', value: 'x', role: 'viewer' }] })).toBeNull();
  });

  it('give a login name that can be one; an address counts when it is verified', () => {
    expect(nameOf(claims({ preferred_username: 'Anna.Lind@example.com' }), rule())).toBe('anna.lind');
    expect(nameOf(claims({ preferred_username: '../x' }), rule())).toBeNull();
    expect(nameOf(claims({ preferred_username: 5 }), rule())).toBeNull();
    expect(nameOf(claims({ email: 'anna@example.com' }), rule('email'))).toBeNull();
    expect(nameOf(claims({ email: 'anna@example.com', email_verified: true }), rule('email'))).toBe('anna');
  });
});

describe('an attempt', () => {
  it('has three secrets, none of which tells another', () => {
    const { state, nonce, verifier } = attemptSecrets('x');
    expect(new Set([state, nonce, verifier, attemptSecrets('y').state]).size).toBe(4);
    expect(verifier).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it.each([
    ['/nodes/1?tab=a#b', '/nodes/1?tab=a#b'],
    ['/a/../b', '/b'],
    ['/..//evil.example', '/'],
    ['//evil.example', '/'],
    ['/\u0001/evil.example', '/'],
    ['https://evil.example', '/'],
    [undefined, '/'],
  ])('that asks to go back to %j goes to %j', (asked, path) => {
    expect(ownPath(asked)).toBe(path);
  });
});
