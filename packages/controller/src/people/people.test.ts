import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserPasskey } from '../../../../test/support/browser-passkey.ts';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService, type AuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { allowedOrigins, buildApp, createSessionCookie, createSocketTickets, type App } from '../http/index.ts';
import { createAuthenticator } from './authenticator.service.ts';
import { createChallenges } from './challenges.service.ts';
import { createCliSignInService } from './cli-sign-in.service.ts';
import { passkeySite } from './passkeys.ts';
import { createPeopleRepository } from './people.repository.ts';
import { peopleRoutes } from './people.routes.ts';
import { createPeopleService } from './people.service.ts';
import { createRolesRepository } from './roles.repository.ts';
import { createRolesService } from './roles.service.ts';
import { createSessionsRepository } from './sessions.repository.ts';
import { createSetupRepository } from './setup.repository.ts';
import { createSetupService, type SetupService } from './setup.service.ts';
import { createSignInService, lockTimeMs } from './sign-in.service.ts';
import { createTokensRepository } from './tokens.repository.ts';
import { tokenRoutes } from './tokens.routes.ts';
import { createTokensService } from './tokens.service.ts';

const publicUrl = new URL('http://localhost:7460');
const origin = publicUrl.origin;
const PASSWORD = 'correct horse battery';
const SESSION_COOKIE = 'hauban-session';
let seed = 1;

type LightReply = Awaited<ReturnType<App['server']['inject']>>;

interface Bench {
  readonly fixture: TestDatabase;
  readonly database: Database;
  readonly clock: FakeClock;
  readonly audit: AuditService;
  readonly setup: SetupService;
  readonly app: App;
  readonly ended: string[];
  readonly post: (url: string, payload: object, cookie?: string, address?: string) => Promise<LightReply>;
  readonly close: () => Promise<void>;
}

async function makeBench(): Promise<Bench> {
  const fixture = await createTestDatabase();
  const database = createDatabase({ url: fixture.url });
  const clock = new FakeClock();
  // Seeded for repeatability; each bench has its own secrets.
  const random = new SeededRandom((seed += 1));
  const { transaction } = database;
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  const origins = allowedOrigins(publicUrl);
  const site = passkeySite(publicUrl, origins);
  const shared = { audit, transaction, clock, random };
  const repository = createPeopleRepository(database);
  const setupRepository = createSetupRepository(database);
  const roles = createRolesService({ ...shared, repository: createRolesRepository(database) });
  const people = createPeopleService({ ...shared, repository, sessions: createSessionsRepository(database), roles });
  const challenges = createChallenges(setupRepository, site, clock);
  const setup = createSetupService({
    ...shared,
    repository: setupRepository,
    peopleRepository: repository,
    people,
    challenges,
    arePasskeysOffered: site !== null,
  });
  const signIn = createSignInService({
    ...shared,
    repository,
    people,
    challenges,
    secondFactor: { take: async () => null },
  });
  const tokensRepository = createTokensRepository(database);
  const tokens = createTokensService({ ...shared, repository: tokensRepository });
  const cliSignIn = createCliSignInService({ ...shared, repository: tokensRepository, tokens, publicUrl });
  const authenticator = createAuthenticator(people, tokens, roles, clock);
  const cookie = createSessionCookie(publicUrl);
  const ended: string[] = [];
  const revoke = (kind: 'session' | 'token', id: string): void => {
    authenticator.forget({ kind, id });
    ended.push(id);
  };
  const app = await buildApp({
    log: pino({ level: 'silent' }),
    publicUrl,
    tls: null,
    uiDir: null,
    trustedProxies: ['127.0.0.1'],
    cookie,
    origins,
    authenticator,
    targets: {
      ofNodes: async () => [],
      ofRun: async () => null,
      ofSelector: async () => [],
      actionsOfRun: async () => [],
      ofPool: async () => null,
      ofBanList: async () => null,
      actionsOfPool: async () => [],
      ofSession: async () => null,
    },
    nowMs: () => clock.nowMs(),
    onForbidden: () => undefined,
    system: { version: '0', ping: async () => undefined },
    routes: [
      (server) =>
        peopleRoutes(server, {
          people,
          setup,
          signIn,
          cookie,
          tickets: createSocketTickets(clock, random),
          attemptsPerMinute: 20,
          onSignedOut: (hash) => revoke('session', hash),
        }),
      (server) =>
        tokenRoutes(server, { tokens, cliSignIn, attemptsPerMinute: 20, onTokenDeleted: (id) => revoke('token', id) }),
    ],
  });
  let address = 0;
  const post: Bench['post'] = (url, payload, session, from) => {
    address += 1;
    const headers = { origin, 'x-forwarded-for': from ?? `192.0.2.${address % 250}` };
    return app.server.inject({
      method: 'POST',
      url,
      payload,
      headers,
      ...(session === undefined ? {} : { cookies: { [SESSION_COOKIE]: session } }),
    });
  };
  const close = async (): Promise<void> => {
    await app.server.close();
    await database.close();
    await fixture.drop();
  };
  return { fixture, database, clock, audit, setup, app, ended, post, close };
}

type Reply = LightReply;
const sessionOf = (reply: Reply): string => reply.cookies.find(({ name }) => name === SESSION_COOKIE)?.value ?? '';

async function setUp(bench: Bench, name = 'olga'): Promise<string> {
  const token = await bench.setup.makeToken();
  const reply = await bench.post('/api/setup', { token, name, password: PASSWORD });
  expect(reply.statusCode).toBe(200);
  return sessionOf(reply);
}

describe('set-up', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await makeBench();
    return () => bench.close();
  });

  it('makes the owner once, by a one-time link that is stored as a hash only', async () => {
    expect((await bench.app.server.inject('/api/setup')).json()).toEqual({ needed: true, passkeys: true });
    const token = await bench.setup.makeToken();
    const other = await bench.setup.makeToken();
    const stored = JSON.stringify(await bench.fixture.sql`SELECT * FROM setup_token`);
    expect(stored).not.toContain(token);
    const reply = await bench.post('/api/setup', { token, name: 'olga', password: PASSWORD });
    expect(reply.json()).toMatchObject({ name: 'olga', role: 'owner', hasPasskey: false });
    expect(reply.headers['set-cookie']).toMatch(/^hauban-session=[\w-]{43}; .*HttpOnly.*SameSite=Strict/i);
    const me = await bench.app.server.inject({ url: '/api/me', cookies: { [SESSION_COOKIE]: sessionOf(reply) } });
    expect(me.json()).toMatchObject({ name: 'olga' });
    expect((await bench.app.server.inject('/api/setup')).json()).toMatchObject({ needed: false });
    // The same link again, and another one made before: both are worth nothing now.
    for (const again of [token, other]) {
      expect((await bench.post('/api/setup', { token: again, name: 'eve', password: PASSWORD })).json()).toMatchObject({
        code: 'SETUP_DONE',
      });
    }
    await expect(bench.setup.makeToken()).rejects.toMatchObject({ code: 'SETUP_DONE' });
    const rows = (await bench.audit.list({})).rows.map(({ code, who }) => `${code} ${who}`);
    expect(rows).toEqual(['A1001W eve', 'A1001W eve', 'A1000I olga']);
  });

  it('gives the account to exactly one of two who use the same link at the same time', async () => {
    const token = await bench.setup.makeToken();
    const replies = await Promise.all(
      ['ann', 'bob'].map((name) => bench.post('/api/setup', { token, name, password: PASSWORD })),
    );
    expect(replies.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect(await bench.fixture.sql`SELECT count(*)::int AS n FROM person`).toEqual([{ n: 1 }]);
  });

  it.each([
    ['a wrong link', { token: 'x'.repeat(43), name: 'eve', password: PASSWORD }, 'SETUP_TOKEN_REFUSED'],
    ['neither password nor passkey', { name: 'eve' }, 'BAD_REQUEST'],
    ['both password and passkey', { name: 'eve', password: PASSWORD, passkey: {} }, 'BAD_REQUEST'],
    ['a short password', { name: 'eve', password: 'short' }, 'BAD_REQUEST'],
    ['a name with script in it', { name: '<script>', password: PASSWORD }, 'BAD_REQUEST'],
    ['a role that nobody offered', { name: 'eve', password: PASSWORD, role: 'owner' }, 'BAD_REQUEST'],
    [
      'a passkey that is nonsense',
      { name: 'eve', passkey: { id: 1, response: { clientDataJSON: '!!' } } },
      'SETUP_TOKEN_REFUSED',
    ],
  ])('refuses %s', async (_name, body, code) => {
    const token = await bench.setup.makeToken();
    expect((await bench.post('/api/setup', { token, ...body })).json()).toMatchObject({ code });
    expect(await bench.fixture.sql`SELECT count(*)::int AS n FROM person`).toEqual([{ n: 0 }]);
    // The good link is still good.
    expect((await bench.post('/api/setup', { token, name: 'olga', password: PASSWORD })).statusCode).toBe(200);
  });

  it('refuses a link that is too old', async () => {
    const token = await bench.setup.makeToken();
    bench.clock.advance(25 * 3_600_000);
    expect((await bench.post('/api/setup', { token, name: 'eve', password: PASSWORD })).json()).toMatchObject({
      code: 'SETUP_TOKEN_REFUSED',
    });
  });
});

describe('signing in with a password', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await makeBench();
    await setUp(bench);
  });
  afterAll(() => bench.close());
  const signIn = (password: string, name = 'olga'): Promise<Reply> => bench.post('/api/sign-in', { name, password });

  it('opens a session that ends with sign-out, and tells who held sockets by it', async () => {
    const reply = await signIn(PASSWORD);
    const session = sessionOf(reply);
    const me = (): Promise<Reply> =>
      bench.app.server.inject({ url: '/api/me', cookies: { [SESSION_COOKIE]: session } });
    expect((await me()).statusCode).toBe(200);
    expect(JSON.stringify(await bench.fixture.sql`SELECT * FROM session`)).not.toContain(session);
    expect((await bench.post('/api/sign-out', {}, session)).statusCode).toBe(200);
    expect(bench.ended).toEqual([createHash('sha256').update(session).digest('hex')]);
    expect((await me()).statusCode).toBe(401);
  });

  it('ends a session that is not used for 12 hours, and any after 7 days', async () => {
    const session = sessionOf(await signIn(PASSWORD));
    const status = async (): Promise<number> =>
      (await bench.app.server.inject({ url: '/api/me', cookies: { [SESSION_COOKIE]: session } })).statusCode;
    for (let hours = 0; hours < 160; hours += 10) {
      bench.clock.advance(10 * 3_600_000);
      expect(await status()).toBe(200);
    }
    bench.clock.advance(9 * 3_600_000);
    expect(await status()).toBe(401);
    const idle = sessionOf(await signIn(PASSWORD));
    bench.clock.advance(13 * 3_600_000);
    expect((await bench.app.server.inject({ url: '/api/me', cookies: { [SESSION_COOKIE]: idle } })).statusCode).toBe(
      401,
    );
  });

  it('gives an unknown name and a wrong password the same answer after the same work', async () => {
    const unknown = await signIn('wrong password here', 'stranger');
    const wrong = await signIn('wrong password here');
    const { requestId: _a, ...first } = unknown.json<Record<string, unknown>>();
    const { requestId: _b, ...second } = wrong.json<Record<string, unknown>>();
    expect(first).toEqual(second);
    expect(first).toMatchObject({ code: 'SIGN_IN_REFUSED' });
    expect((await signIn(PASSWORD)).statusCode).toBe(200);
  });

  it('locks the account for a while after many wrong passwords, even for the right one, from whatever address', async () => {
    for (let n = 0; n < 8; n += 1) await signIn('wrong password here');
    expect((await signIn(PASSWORD)).json()).toMatchObject({ code: 'SIGN_IN_REFUSED' });
    bench.clock.advance(lockTimeMs(8) + 1);
    expect((await signIn(PASSWORD)).statusCode).toBe(200);
    expect([5, 6, 7, 100].map(lockTimeMs)).toEqual([0, 2000, 4000, 900_000]);
  });

  it('cannot be guessed by many at once: each attempt is counted before the password is looked at', async () => {
    const guesses = Array.from({ length: 15 }, () => signIn('wrong password here'));
    await Promise.all(guesses);
    const [row] = await bench.fixture.sql`SELECT failed_sign_ins AS n FROM person`;
    // Six were looked at, the sixth locked the account, the others were not looked at.
    expect(row?.['n']).toBe(6);
    bench.clock.advance(3_600_000);
    expect((await signIn(PASSWORD)).statusCode).toBe(200);
  });

  it('refuses an address that tries too often, whatever the account', async () => {
    const codes = [];
    for (let n = 0; n < 22; n += 1) {
      const reply = await bench.post('/api/sign-in', { name: `someone${n}`, password: 'x' }, undefined, '198.51.100.9');
      codes.push(reply.json<{ code: string }>().code);
    }
    expect(codes.slice(0, 20)).toEqual(Array(20).fill('SIGN_IN_REFUSED'));
    expect(codes.slice(20)).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
  });
});

describe('API tokens and the command line', () => {
  let bench: Bench;
  let session: string;
  beforeAll(async () => {
    bench = await makeBench();
    session = await setUp(bench);
  });
  afterAll(() => bench.close());
  const withToken = (secret: string): Promise<Reply> =>
    bench.app.server.inject({ url: '/api/me', headers: { authorization: `Bearer ${secret}` } });

  it('are shown once, stored as a hash, expire, and can be deleted', async () => {
    const made = (await bench.post('/api/tokens', { name: 'billing', expiresInDays: 1 }, session)).json<{
      id: string;
      secret: string;
    }>();
    expect((await withToken(made.secret)).json()).toMatchObject({ name: 'olga' });
    const list = (await bench.app.server.inject({ url: '/api/tokens', cookies: { [SESSION_COOKIE]: session } })).body;
    expect(list).toContain('billing');
    expect(list).not.toContain(made.secret);
    expect(JSON.stringify(await bench.fixture.sql`SELECT * FROM api_token`)).not.toContain(made.secret);
    const gone = await bench.app.server.inject({
      method: 'DELETE',
      url: `/api/tokens/${made.id}`,
      cookies: { [SESSION_COOKIE]: session },
      headers: { origin },
    });
    expect(gone.statusCode).toBe(200);
    expect(bench.ended).toContain(made.id);
    expect((await withToken(made.secret)).statusCode).toBe(401);
    const short = (await bench.post('/api/tokens', { name: 'short', expiresInDays: 1 }, session)).json<{
      secret: string;
    }>();
    bench.clock.advance(11 * 3_600_000);
    await bench.app.server.inject({ url: '/api/me', cookies: { [SESSION_COOKIE]: session } });
    bench.clock.advance(11 * 3_600_000);
    await bench.app.server.inject({ url: '/api/me', cookies: { [SESSION_COOKIE]: session } });
    bench.clock.advance(3 * 3_600_000);
    expect((await withToken(short.secret)).statusCode).toBe(401);
  });

  it('make no further tokens and approve no sign-in: a leaked one cannot outlive its deletion', async () => {
    const { secret } = (await bench.post('/api/tokens', { name: 'leaked' }, session)).json<{ secret: string }>();
    for (const [url, payload] of [
      ['/api/tokens', { name: 'child' }],
      ['/api/cli-sign-in/approve', { userCode: 'BBBB-BBBB' }],
    ] as const) {
      const reply = await bench.app.server.inject({
        method: 'POST',
        url,
        payload,
        headers: { authorization: `Bearer ${secret}` },
      });
      expect(reply.json()).toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  it('sign a command line in after a person approved its code, once', async () => {
    const program = (url: string, payload: object): Promise<Reply> =>
      bench.app.server.inject({ method: 'POST', url, payload });
    const started = (await program('/api/cli-sign-in', {})).json<{
      deviceCode: string;
      userCode: string;
      verifyUrl: string;
    }>();
    expect(started.verifyUrl).toBe(`${origin}/cli?code=${started.userCode}`);
    const poll = (): Promise<Reply> => program('/api/cli-sign-in/poll', { deviceCode: started.deviceCode });
    expect((await poll()).json()).toEqual({ state: 'pending' });
    expect((await bench.post('/api/cli-sign-in/approve', { userCode: 'BBBB-CCCC' }, session)).json()).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(
      (await bench.post('/api/cli-sign-in/approve', { userCode: started.userCode.toLowerCase() }, session)).statusCode,
    ).toBe(200);
    const polls = await Promise.all([poll(), poll()]);
    expect(polls.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 401]);
    const approved = polls.find(({ statusCode }) => statusCode === 200)?.json<{ token: string; name: string }>();
    expect(approved).toMatchObject({ state: 'approved', name: 'olga' });
    expect((await withToken(approved?.token ?? '')).statusCode).toBe(200);
    expect((await poll()).json()).toMatchObject({ code: 'SIGN_IN_REFUSED' });
  });
});

describe('passkeys', () => {
  let bench: Bench;
  const passkey = createBrowserPasskey();
  const options = async (of: Bench): Promise<object> => ({ token: await of.setup.makeToken(), name: 'olga' });
  beforeAll(async () => {
    bench = await makeBench();
    const asked = await options(bench);
    const made = passkey.create(await challengeOf('/api/setup/passkey-options', asked), 'localhost', origin);
    expect((await bench.post('/api/setup', { ...asked, passkey: made })).statusCode).toBe(200);
    const first = passkey.get(await challengeOf('/api/sign-in/passkey-options', {}), 'localhost', origin, 3);
    expect((await signIn(first)).statusCode).toBe(200);
  });
  afterAll(() => bench.close());

  const challengeOf = async (url: string, body: object, of = bench): Promise<string> => {
    const reply = await of.post(url, body);
    expect(reply.statusCode).toBe(200);
    return reply.json<{ challenge: string }>().challenge;
  };
  const signIn = (answer: object): Promise<Reply> => bench.post('/api/sign-in/passkey', { passkey: answer });

  it('make the first account without a password', async () => {
    const empty = await makeBench();
    const asked = await options(empty);
    const answerAt = async (where: string): Promise<object> =>
      passkey.create(await challengeOf('/api/setup/passkey-options', asked, empty), 'localhost', where);
    const setUp = async (body: object): Promise<unknown> =>
      (await empty.post('/api/setup', { ...asked, ...body })).json();
    const refused = { code: 'SETUP_TOKEN_REFUSED' };
    expect(await setUp({ passkey: await answerAt('https://evil.example') })).toMatchObject(refused);
    expect(await setUp({ name: 'eve', passkey: await answerAt(origin) })).toMatchObject(refused);
    expect(await setUp({ passkey: await answerAt(origin) })).toMatchObject({ name: 'olga', hasPasskey: true });
    await empty.close();
  });

  it('sign in, each answer once', async () => {
    const challenge = await challengeOf('/api/sign-in/passkey-options', {});
    const answer = passkey.get(challenge, 'localhost', origin, 4);
    const reply = await signIn(answer);
    expect(reply.json()).toMatchObject({ name: 'olga', role: 'owner', hasPasskey: true });
    expect(sessionOf(reply)).not.toBe('');
    // Replayed: the challenge is used up.
    expect((await signIn(answer)).json()).toMatchObject({ code: 'SIGN_IN_REFUSED' });
  });

  it.each([
    [
      'an answer made for another site',
      async () =>
        passkey.get(await challengeOf('/api/sign-in/passkey-options', {}), 'localhost', 'https://evil.example', 5),
    ],
    [
      'an answer for another site name',
      async () => passkey.get(await challengeOf('/api/sign-in/passkey-options', {}), 'evil.example', origin, 5),
    ],
    [
      'a challenge that we did not give',
      async () => passkey.get(Buffer.alloc(32).toString('base64url'), 'localhost', origin, 5),
    ],
    [
      'a counter that went back: a cloned key',
      async () => passkey.get(await challengeOf('/api/sign-in/passkey-options', {}), 'localhost', origin, 1),
    ],
    [
      'another key under the same id',
      async () =>
        createBrowserPasskey().get(await challengeOf('/api/sign-in/passkey-options', {}), 'localhost', origin, 5),
    ],
    ['nonsense', async () => ({ id: 'x', response: null })],
  ])('refuse %s', async (_name, attack) => {
    expect((await signIn(await attack())).json()).toMatchObject({ code: 'SIGN_IN_REFUSED' });
  });

  it('are not offered where browsers do not give them', () => {
    const site = (url: string) => passkeySite(new URL(url), new Set());
    expect(site('http://192.0.2.1:7460')).toBeNull();
    expect(site('http://controller.example')).toBeNull();
    expect(site('https://[2001:db8::1]')).toBeNull();
    expect(site('https://hauban.example')?.rpId).toBe('hauban.example');
  });
});
