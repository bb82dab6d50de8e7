import { createHmac, createPublicKey, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createControllerWorld, sessionOf, type ControllerWorld } from '../../../../test/support/controller-world.ts';
import { claimsOf, startIdentityProvider, type IdentityProvider } from '../../../../test/support/identity-provider.ts';
import type { ProviderSettings } from './oidc-settings.ts';

/** The controller as it is, against a real identity provider; browsers are cookie jars of their own. */
const PASSWORD = 'correct horse battery';
const ORIGIN = 'http://localhost:7460';
const ATTEMPT = 'hauban-sign-on';
const SESSION = 'hauban-session';
let corp: IdentityProvider;
let other: IdentityProvider;
let world: ControllerWorld;

const settingsOf = (
  id: string,
  provider: Pick<IdentityProvider, 'issuer' | 'clientId' | 'clientSecret'>,
  people: ProviderSettings['people'],
): ProviderSettings => ({ id, name: `Sign-on ${id}`, scopes: ['openid', 'profile'], ...pick(provider), people });
const pick = ({ issuer, clientId, clientSecret }: Pick<IdentityProvider, 'issuer' | 'clientId' | 'clientSecret'>) => ({
  issuer,
  clientId,
  clientSecret,
});

beforeAll(async () => {
  corp = await startIdentityProvider(`${ORIGIN}/sign-on/corp`);
  other = await startIdentityProvider(`${ORIGIN}/sign-on/other`);
  const roles = [
    { claim: 'groups', value: 'fleet-operators', role: 'operator' },
    { claim: 'groups', value: 'fleet-viewers', role: 'viewer' },
    { claim: 'groups', value: 'fleet-ghosts', role: 'no-such-role' },
  ];
  world = await createControllerWorld({
    signOnProviders: [
      settingsOf('corp', corp, { nameClaim: 'preferred_username', roles }),
      settingsOf('other', other, null),
      // Nothing listens there.
      settingsOf('gone', { ...other, issuer: 'http://127.0.0.1:1' }, null),
    ],
  });
});
afterEach(() => corp.tamper(null));
afterAll(async () => {
  await world.stop();
  await Promise.all([corp.stop(), other.stop()]);
});

type Reply = Awaited<ReturnType<ControllerWorld['call']>>;
const codeOf = (reply: Reply): string | undefined => reply.json<{ code?: string }>().code;
const sayOf = (reply: Reply): string | undefined => reply.json<{ detail?: string }>().detail;

/** A browser of a person: it keeps cookies and nothing else. */
function createBrowser(start: Readonly<Record<string, string>> = {}) {
  const cookies: Record<string, string> = { ...start };
  const post = async (url: string, payload: object): Promise<Reply> => {
    const headers = { origin: ORIGIN };
    const reply = await world.controller.app.server.inject({ method: 'POST', url, headers, cookies, payload });
    for (const { name, value } of reply.cookies) cookies[name] = value;
    return reply;
  };
  return {
    cookies,
    post,
    /** The provider's page that this browser is sent to. */
    begin: async (provider = 'corp', more: object = {}): Promise<string> => {
      const reply = await post('/api/sign-on/begin', { provider, ...more });
      expect(reply.statusCode, reply.body).toBe(200);
      return reply.json<{ url: string }>().url;
    },
    /** What this browser's page does when the provider has sent it back. */
    finish: (back: URL, provider = back.pathname.split('/')[2] ?? ''): Promise<Reply> =>
      post('/api/sign-on/finish', { provider, query: back.search.slice(1) }),
    me: async (): Promise<{ name?: string; role?: string; hasSignOn?: boolean }> =>
      (await world.call('GET', '/api/me', { session: cookies[SESSION] ?? '' })).json(),
  };
}

type VisitorBrowser = ReturnType<typeof createBrowser>;

async function signOn(account: string, browser: VisitorBrowser = createBrowser()): Promise<Reply> {
  return browser.finish(await corp.signIn(await browser.begin(), account));
}

async function invite(name: string, role = 'viewer'): Promise<string> {
  const reply = await world.call('POST', '/api/people', { session: world.owner, body: { name, role } });
  return new URL(reply.json<{ url: string }>().url).searchParams.get('token') ?? '';
}

/** An account that came in by an invitation and a sign-on. */
async function addLinked(name: string, role = 'viewer'): Promise<VisitorBrowser> {
  const browser = createBrowser();
  corp.accounts.set(`sub-${name}`, {});
  const url = await browser.begin('corp', { invite: await invite(name, role) });
  const reply = await browser.finish(await corp.signIn(url, `sub-${name}`));
  expect(reply.statusCode, reply.body).toBe(200);
  return browser;
}

async function lastRefusal(): Promise<unknown> {
  const [row] = await world.fixture.sql`SELECT detail FROM audit_entry WHERE code = 'A1062W' ORDER BY seq DESC LIMIT 1`;
  return (JSON.parse(String(row?.['detail'])) as { why?: unknown }).why;
}

const expectRefused = async (reply: Reply, why: string): Promise<void> => {
  expect([reply.statusCode, codeOf(reply)], reply.body).toEqual([403, 'SIGN_ON_REFUSED']);
  expect(sessionOf(reply)).toBe('');
  expect(await lastRefusal()).toBe(why);
};

describe('a sign-on', () => {
  it('makes a person by the rule of the operator, with the role of the first claim that fits', async () => {
    corp.accounts.set('s-anna', { preferred_username: 'anna', groups: ['x', 'fleet-viewers', 'fleet-operators'] });
    const browser = createBrowser();
    const reply = await signOn('s-anna', browser);
    expect(reply.json()).toEqual({ returnTo: '/' });
    expect(await browser.me()).toMatchObject({ name: 'anna', role: 'operator', hasSignOn: true, hasPasskey: false });
  });

  it('signs the same person in the second time, and says in the session how', async () => {
    const browser = createBrowser();
    await signOn('s-anna', browser);
    const sessions = await world.call('GET', '/api/me/sessions', { session: browser.cookies[SESSION] ?? '' });
    const rows = sessions.json<{ way: string; isThis: boolean; expiresAt: number; createdAt: number }[]>();
    expect(rows).toHaveLength(2);
    expect(rows.map(({ way }) => way)).toEqual(['oidc:corp', 'oidc:corp']);
    expect(rows.every(({ expiresAt, createdAt }) => expiresAt - createdAt === 12 * 3_600_000)).toBe(true);
  });

  it('is linked by an invitation, once', async () => {
    corp.accounts.set('s-ivan', {});
    const token = await invite('ivan', 'operator');
    const browser = createBrowser();
    await browser.finish(await corp.signIn(await browser.begin('corp', { invite: token }), 's-ivan'));
    expect(await browser.me()).toMatchObject({ name: 'ivan', role: 'operator' });
    const again = await createBrowser().post('/api/sign-on/begin', { provider: 'corp', invite: token });
    expect(codeOf(again)).toBe('SETUP_TOKEN_REFUSED');
    const second = createBrowser();
    expect((await signOn('s-ivan', second)).statusCode).toBe(200);
    expect(await second.me()).toMatchObject({ name: 'ivan' });
  });

  it('is linked and unlinked by a signed-in person who proves it again', async () => {
    const browser = createBrowser({ [SESSION]: await world.addPerson('lena', 'viewer') });
    corp.accounts.set('s-lena', { preferred_username: 'somebody.else' });
    const wrong = await browser.post('/api/me/sign-ons', { provider: 'corp', proof: { password: 'not the password' } });
    expect(codeOf(wrong)).toBe('SIGN_IN_REFUSED');
    const begun = await browser.post('/api/me/sign-ons', { provider: 'corp', proof: { password: PASSWORD } });
    const linked = await browser.finish(await corp.signIn(begun.json<{ url: string }>().url, 's-lena'));
    expect(linked.json()).toEqual({ returnTo: '/account' });
    const fresh = createBrowser();
    await signOn('s-lena', fresh);
    expect(await fresh.me()).toMatchObject({ name: 'lena', role: 'viewer' });
    const list = await world.call('GET', '/api/me/sign-ons', { session: browser.cookies[SESSION] ?? '' });
    const [row] = list.json<{ id: string; issuer: string; subject: string }[]>();
    expect(row).toMatchObject({ issuer: corp.issuer, subject: 's-lena', provider: 'corp' });
    const bare = await browser.post(`/api/me/sign-ons/${row?.id ?? ''}/remove`, {
      proof: { password: 'no, no, no, no' },
    });
    expect(codeOf(bare)).toBe('SIGN_IN_REFUSED');
    await browser.post(`/api/me/sign-ons/${row?.id ?? ''}/remove`, { proof: { password: PASSWORD } });
    await expectRefused(await signOn('s-lena'), 'no-role');
  });

  it('goes back to the page that was asked for', async () => {
    const browser = createBrowser();
    const back = await corp.signIn(await browser.begin('corp', { returnTo: '/cli?code=BCDF-GHJK' }), 's-anna');
    expect((await browser.finish(back)).json()).toEqual({ returnTo: '/cli?code=BCDF-GHJK' });
  });

  it('that the provider refuses says so', async () => {
    const browser = createBrowser();
    const url = new URL(await browser.begin());
    const back = new URL(`${ORIGIN}/sign-on/corp`);
    back.searchParams.set('error', 'access_denied');
    back.searchParams.set('state', url.searchParams.get('state') ?? '');
    back.searchParams.set('iss', corp.issuer);
    const reply = await browser.finish(back);
    expect(sayOf(reply)).toBe('Sign-on corp did not let you sign in.');
    await expectRefused(reply, 'answer');
  });
});

describe('a provider that is down', () => {
  it('says so in one sentence, and the others go on', async () => {
    const reply = await createBrowser().post('/api/sign-on/begin', { provider: 'gone' });
    expect([reply.statusCode, codeOf(reply)]).toEqual([503, 'SIGN_ON_DOWN']);
    expect(sayOf(reply)).toBe('Sign-on gone does not answer as it should; sign in another way, or try again later.');
    const password = await createBrowser().post('/api/sign-in', { name: 'olga', password: PASSWORD });
    expect(password.statusCode).toBe(200);
    expect((await signOn('s-anna')).statusCode).toBe(200);
  });
});

describe('roles by claims', () => {
  it('nobody comes in whom no rule fits', async () => {
    corp.accounts.set('s-nobody', { preferred_username: 'nobody', groups: ['staff'] });
    await expectRefused(await signOn('s-nobody'), 'no-role');
  });

  it('a group that vanishes takes the role, the sessions and the rights of tokens; a group that is back gives it again', async () => {
    corp.accounts.set('s-rita', { preferred_username: 'rita', groups: ['fleet-operators'] });
    const browser = createBrowser();
    await signOn('s-rita', browser);
    const made = await browser.post('/api/tokens', { name: 'ci' });
    const token = made.json<{ secret: string }>().secret;
    expect((await world.call('GET', '/api/nodes', { token })).statusCode).toBe(200);
    corp.accounts.set('s-rita', { preferred_username: 'rita', groups: ['staff'] });
    await expectRefused(await signOn('s-rita'), 'no-role');
    expect((await world.call('GET', '/api/me', { session: browser.cookies[SESSION] ?? '' })).statusCode).toBe(401);
    const denied = await world.call('POST', '/api/runs', {
      token,
      body: { action: 'node.ping', args: {}, nodes: [randomUUID()], mode: 'plan' },
    });
    expect(codeOf(denied)).toBe('FORBIDDEN');
    corp.accounts.set('s-rita', { preferred_username: 'rita', groups: ['fleet-viewers'] });
    const again = createBrowser();
    await signOn('s-rita', again);
    expect(await again.me()).toMatchObject({ name: 'rita', role: 'viewer' });
  });

  it('what a person decided about a role stays', async () => {
    corp.accounts.set('s-theo', { preferred_username: 'theo', groups: ['fleet-operators'] });
    await signOn('s-theo');
    const id = await world.personId('theo');
    await world.call('PATCH', `/api/people/${id}`, { session: world.owner, body: { role: 'viewer' } });
    const browser = createBrowser();
    await signOn('s-theo', browser);
    expect(await browser.me()).toMatchObject({ role: 'viewer' });
  });

  it('a role that does not exist lets nobody in', async () => {
    corp.accounts.set('s-ghost', { preferred_username: 'ghost', groups: ['fleet-ghosts'] });
    await expectRefused(await signOn('s-ghost'), 'no-role');
  });
});

describe('attacks on a sign-on', () => {
  it('login CSRF: an answer for the attacker, brought by the victim’s browser, is refused', async () => {
    const attacker = createBrowser();
    const back = await corp.signIn(await attacker.begin(), 's-anna');
    await expectRefused(await createBrowser().finish(back), 'attempt');
    const victim = createBrowser();
    await victim.begin();
    const asked = corp.tokenRequests();
    await expectRefused(await victim.finish(back), 'answer');
    expect(corp.tokenRequests(), 'a swapped state is found before the code is used').toBe(asked);
  });

  it('a code replayed, in the same browser and in another, is refused', async () => {
    const browser = createBrowser();
    const url = await browser.begin();
    const before = { ...browser.cookies };
    const back = await corp.signIn(url, 's-anna');
    expect((await browser.finish(back)).statusCode).toBe(200);
    await expectRefused(await createBrowser(before).finish(back), 'attempt');
    const second = createBrowser();
    const next = new URL(await second.begin());
    const mixed = new URL(back);
    mixed.searchParams.set('state', next.searchParams.get('state') ?? '');
    await expectRefused(await second.finish(mixed), 'answer');
  });

  it('a code that was stolen on its way is worth nothing without the verifier (PKCE)', async () => {
    const victim = createBrowser();
    const stolen = (await corp.signIn(await victim.begin(), 's-anna')).searchParams.get('code') ?? '';
    const thief = createBrowser();
    const mine = await corp.signIn(await thief.begin(), 's-anna');
    mine.searchParams.set('code', stolen);
    await expectRefused(await thief.finish(mine), 'answer');
  });

  it('an attempt that is too old is refused', async () => {
    const browser = createBrowser();
    const back = await corp.signIn(await browser.begin(), 's-anna');
    await world.fixture.sql`UPDATE sign_on SET expires_at = 1`;
    await expectRefused(await browser.finish(back), 'attempt');
  });

  it('mix-up: an answer of one issuer in an attempt at another is refused, and no code is carried to it', async () => {
    other.accounts.set('s-eve', {});
    const browser = createBrowser();
    const attempt = new URL(await browser.begin('corp'));
    const evil = await other.signIn(await createBrowser().begin('other'), 's-eve');
    evil.searchParams.set('state', attempt.searchParams.get('state') ?? '');
    const asked = corp.tokenRequests();
    // Sent to the page of the attempt: the answer names its issuer (RFC 9207).
    await expectRefused(await browser.finish(evil, 'corp'), 'answer');
    const second = createBrowser();
    await second.begin('corp');
    await expectRefused(await second.finish(evil, 'other'), 'provider');
    expect(corp.tokenRequests()).toBe(asked);
  });

  it('the same subject at another issuer is another identity', async () => {
    await addLinked('paula');
    other.accounts.set('sub-paula', {});
    const browser = createBrowser();
    const reply = await browser.finish(await other.signIn(await browser.begin('other'), 'sub-paula'));
    await expectRefused(reply, 'unknown-person');
  });

  const tampered: readonly (readonly [string, (token: string) => string])[] = [
    ['a nonce of another attempt', (token) => corp.signed({ ...claimsOf(token), nonce: 'other' })],
    ['no nonce', (token) => corp.signed({ ...claimsOf(token), nonce: undefined })],
    ['a wrong audience', (token) => corp.signed({ ...claimsOf(token), aud: 'another-client' })],
    ['a wrong authorized party', (token) => corp.signed({ ...claimsOf(token), aud: ['hauban', 'x'], azp: 'x' })],
    ['a wrong issuer', (token) => corp.signed({ ...claimsOf(token), iss: 'https://evil.example' })],
    ['an expired token', (token) => corp.signed({ ...claimsOf(token), exp: 1_000_000_000, iat: 999_999_000 })],
    ['no subject', (token) => corp.signed({ ...claimsOf(token), sub: '' })],
    ['alg none', (token) => `${header({ alg: 'none' })}.${token.split('.')[1] ?? ''}.`],
    ['HS256 with the public key', hmacByPublicKey],
    ['claims edited under the old signature', (token) => edit(token, { sub: 's-anna', groups: ['fleet-operators'] })],
    ['a key of nobody', (token) => other.signed(claimsOf(token))],
  ];
  it.each(tampered)('%s is refused', async (_name, change) => {
    corp.accounts.set('s-mallory', { preferred_username: 'mallory', groups: ['fleet-viewers'] });
    corp.tamper(change);
    await expectRefused(await signOn('s-mallory'), 'answer');
    corp.tamper((token) => token);
    // The same way without the change is let in, so the change is what was refused.
    expect((await signOn('s-mallory')).statusCode).toBe(200);
  });

  it('takeover: an address or a name that is somebody’s does not sign in as them', async () => {
    await world.addPerson('victor', 'operator');
    const claims = { preferred_username: 'victor', email: 'victor@example.com', email_verified: false };
    other.accounts.set('s-thief', { ...claims, groups: ['fleet-operators'] });
    const first = createBrowser();
    await expectRefused(
      await first.finish(await other.signIn(await first.begin('other'), 's-thief')),
      'unknown-person',
    );
    corp.accounts.set('s-thief', { ...claims, email_verified: true, groups: ['fleet-operators'] });
    await expectRefused(await signOn('s-thief'), 'name-taken');
  });

  it('an identity of one person is not linked to another', async () => {
    await addLinked('quinn');
    const browser = createBrowser({ [SESSION]: await world.addPerson('ruben', 'viewer') });
    const begun = await browser.post('/api/me/sign-ons', { provider: 'corp', proof: { password: PASSWORD } });
    const back = await corp.signIn(begun.json<{ url: string }>().url, 'sub-quinn');
    await expectRefused(await browser.finish(back), 'linked-already');
  });

  it('a link that was begun by one session is not ended by another', async () => {
    const browser = createBrowser({ [SESSION]: await world.addPerson('sonja', 'viewer') });
    corp.accounts.set('s-sonja', {});
    const begun = await browser.post('/api/me/sign-ons', { provider: 'corp', proof: { password: PASSWORD } });
    const back = await corp.signIn(begun.json<{ url: string }>().url, 's-sonja');
    const swapped = createBrowser({ ...browser.cookies, [SESSION]: world.owner });
    await expectRefused(await swapped.finish(back), 'session');
    const second = await browser.post('/api/me/sign-ons', { provider: 'corp', proof: { password: PASSWORD } });
    const again = await corp.signIn(second.json<{ url: string }>().url, 's-sonja');
    // The same person, signed in once more.
    const signedIn = await createBrowser().post('/api/sign-in', { name: 'sonja', password: PASSWORD });
    const elsewhere = createBrowser({ ...browser.cookies, [SESSION]: sessionOf(signedIn) });
    await expectRefused(await elsewhere.finish(again), 'session');
  });

  it('a stolen session links nothing: neither without a proof nor by an API token', async () => {
    const session = await world.addPerson('tessa', 'viewer');
    const browser = createBrowser({ [SESSION]: session });
    expect((await browser.post('/api/me/sign-ons', { provider: 'corp', proof: {} })).statusCode).toBe(400);
    const made = await browser.post('/api/tokens', { name: 'ci' });
    const token = made.json<{ secret: string }>().secret;
    const body = { provider: 'corp', proof: { password: PASSWORD } };
    expect((await world.call('POST', '/api/me/sign-ons', { token, body })).statusCode).toBe(403);
  });

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/\t/evil.example',
    '/..//evil.example',
    'javascript:alert(1)',
    String.raw`\\evil.example`,
    '',
  ])('open redirect: %j leads to the start page', async (returnTo) => {
    const browser = createBrowser();
    const back = await corp.signIn(await browser.begin('corp', { returnTo }), 's-anna');
    const end = (await browser.finish(back)).json<{ returnTo: string }>().returnTo;
    expect(new URL(end, ORIGIN).origin).toBe(ORIGIN);
    expect(end).not.toContain('//');
  });

  it('the address that the provider sends people back to is the exact one', async () => {
    const url = new URL(await createBrowser().begin());
    expect(url.searchParams.get('redirect_uri')).toBe(`${ORIGIN}/sign-on/corp`);
    expect(url.searchParams.get('code_challenge_method')).toBe('S256');
    expect(url.origin).toBe(corp.issuer);
  });

  it('somebody who was offboarded is refused, and not made anew by the rule', async () => {
    corp.accounts.set('s-leo', { preferred_username: 'leo', groups: ['fleet-operators'] });
    const browser = createBrowser();
    await signOn('s-leo', browser);
    const id = await world.personId('leo');
    const under = createBrowser();
    const back = await corp.signIn(await under.begin(), 's-leo');
    await world.call('POST', `/api/people/${id}/offboard`, { session: world.owner, body: {} });
    await expectRefused(await under.finish(back), 'left');
    corp.accounts.set('s-leo', { preferred_username: 'leo2', groups: ['fleet-operators'] });
    await expectRefused(await signOn('s-leo'), 'left');
    expect((await world.call('GET', '/api/me', { session: browser.cookies[SESSION] ?? '' })).statusCode).toBe(401);
  });

  it('session fixation: a session that was planted before is not the one that is signed in', async () => {
    const planted = 'x'.repeat(43);
    const browser = createBrowser({ [SESSION]: planted });
    await signOn('s-anna', browser);
    expect(browser.cookies[SESSION]).not.toBe(planted);
    expect((await world.call('GET', '/api/me', { session: planted })).statusCode).toBe(401);
  });

  it('another site can begin and end none', async () => {
    const headers = { origin: 'https://evil.example' };
    for (const url of ['/api/sign-on/begin', '/api/sign-on/finish']) {
      const payload = { provider: 'corp', query: '' };
      const reply = await world.controller.app.server.inject({ method: 'POST', url, headers, payload });
      expect(codeOf(reply)).toBe('ORIGIN_REFUSED');
    }
  });

  it('the cookie of an attempt is for the server only, short-lived, and gone afterwards', async () => {
    const reply = await createBrowser().post('/api/sign-on/begin', { provider: 'corp' });
    expect(reply.cookies.find(({ name }) => name === ATTEMPT)).toMatchObject({
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
      maxAge: 600,
    });
    const done = await signOn('s-anna');
    expect(done.cookies.find(({ name }) => name === ATTEMPT)?.value).toBe('');
  });

  it('a session of a provider adds no approval: only a passkey’s own assertion does', async () => {
    const browser = createBrowser();
    await signOn('s-anna', browser);
    const prove = await browser.post('/api/me/sign-ons', { provider: 'other', proof: { password: PASSWORD } });
    expect(codeOf(prove), 'a sign-on is no proof for linking another').toBe('SIGN_IN_REFUSED');
    const approve = await browser.post(`/api/approvals/${randomUUID()}/approve`, {});
    expect(approve.statusCode).toBeGreaterThanOrEqual(400);
  });

  it('nobody removes the only way in', async () => {
    const browser = await addLinked('ursula');
    const list = await world.call('GET', '/api/me/sign-ons', { session: browser.cookies[SESSION] ?? '' });
    const owner = { personId: await world.personId('ursula'), name: 'ursula', address: '' };
    const [row] = list.json<{ id: string }[]>();
    await expect(world.controller.services.links.remove(row?.id ?? '', owner)).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('the database holds no state, nonce, verifier or secret of an attempt', async () => {
    const browser = createBrowser();
    const url = new URL(await browser.begin());
    const rows = JSON.stringify(await world.fixture.sql`SELECT * FROM sign_on`);
    const secrets = [browser.cookies[ATTEMPT], url.searchParams.get('state'), url.searchParams.get('nonce')];
    for (const secret of secrets) expect(rows).not.toContain(secret ?? 'missing');
  });
});

function header(fields: object): string {
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

function edit(token: string, claims: object): string {
  const [head = '', , signature = ''] = token.split('.');
  return `${head}.${header({ ...claimsOf(token), ...claims })}.${signature}`;
}

/** The classic: what everybody may read, taken for a shared secret. */
function hmacByPublicKey(token: string): string {
  const pem = createPublicKey({ key: corp.publicKey as never, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
  const text = `${header({ alg: 'HS256', typ: 'JWT' })}.${token.split('.')[1] ?? ''}`;
  return `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
}
