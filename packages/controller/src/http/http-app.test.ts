import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'node:net';
import { pino } from 'pino';
import Type from 'typebox';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInGrant } from '../authorization/index.ts';
import type { Caller } from './caller.ts';
import type { HttpApp } from './fastify-types.ts';
import { buildApp, listen, type App, type AppOptions } from './http-app.ts';
import { allowedOrigins } from './origin.ts';
import { createSessionCookie } from './session-cookie.ts';

const publicUrl = new URL('http://localhost:7460');
const viewer: Caller = {
  personId: 'p',
  name: 'vera',
  role: 'viewer',
  grant: builtInGrant('viewer', 'p'),
  via: 'page',
  credential: { kind: 'session', id: 's' },
};
const forbidden: string[] = [];
let uiDir: string;
const lines: string[] = [];
let open: App[] = [];

const config = { access: 'public' } as const;
const Reply = Type.Object({ ok: Type.Boolean() });

function testRoutes(app: HttpApp): void {
  app.get('/api/open', { config, schema: { response: { 200: Reply } } }, async () => ({ ok: true }));
  app.get(
    '/api/mine',
    { config: { access: 'signed-in', needs: 'none' }, schema: { response: { 200: Reply } } },
    async () => ({
      ok: true,
    }),
  );
  app.post(
    '/api/act',
    {
      config: { access: 'operator', needs: { right: 'edit-node', on: 'fleet' } },
      schema: { response: { 200: Reply } },
    },
    async () => ({
      ok: true,
    }),
  );
  app.get('/api/bug', { config, schema: { response: { 200: Reply } } }, async () => {
    throw new TypeError('secret inside: hunter2');
  });
  app.get(
    '/api/few',
    { config: { ...config, rateLimit: { max: 2, timeWindow: 60_000 } }, schema: { response: { 200: Reply } } },
    async () => ({ ok: true }),
  );
  app.post(
    '/api/body',
    {
      config,
      schema: {
        body: Type.Object({ name: Type.String({ pattern: '^[a-z]+$' }) }, { additionalProperties: false }),
        querystring: Type.Object({ n: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
        response: { 200: Reply },
      },
    },
    async (request) => ({ ok: typeof (request.query.n ?? 1) === 'number' }),
  );
}

async function start(more: Partial<AppOptions> = {}): Promise<App> {
  const app = await buildApp({
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    publicUrl,
    tls: null,
    uiDir,
    trustedProxies: [],
    cookie: createSessionCookie(publicUrl),
    origins: allowedOrigins(publicUrl),
    authenticator: {
      bySession: async (token) => (token === 'good' ? viewer : null),
      byToken: async (secret) =>
        secret === 'good-token-good-token'
          ? { ...viewer, role: 'operator', grant: builtInGrant('operator', 'p'), via: 'api' }
          : null,
      isValid: async () => true,
    },
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
    nowMs: () => 0,
    onForbidden: (caller, request) => void forbidden.push(`${caller.name} ${request.method} ${request.url}`),
    system: { version: '1.2.3', ping: async () => undefined },
    routes: [testRoutes],
    ...more,
  });
  open.push(app);
  return app;
}

beforeAll(async () => {
  uiDir = await mkdtemp(join(tmpdir(), 'hauban-ui-'));
  await mkdir(join(uiDir, 'assets'));
  await writeFile(join(uiDir, 'index.html'), '<!doctype html><title>page</title><meta nonce="__STYLE_NONCE__">');
  await writeFile(join(uiDir, 'assets', 'main-1234.js'), 'export {};');
  await writeFile(join(uiDir, '.secret'), 'hidden');
});
afterEach(async () => {
  for (const app of open) await app.server.close();
  open = [];
});
afterAll(() => rm(uiDir, { recursive: true }));

const cookies = { 'hauban-session': 'good' };

describe('a route that nobody decided about stops the boot', () => {
  it('without an access level', async () => {
    const routes = [
      (app: HttpApp) =>
        void app.get('/api/forgotten', { schema: { response: { 200: Reply } } }, async () => ({ ok: true })),
    ];
    await expect(start({ routes })).rejects.toThrow('route GET /api/forgotten has no access level');
  });
  it('with an access level that does not exist', async () => {
    const routes = [
      (app: HttpApp) =>
        void app.get(
          '/api/odd',
          { config: { access: 'everyone' as never }, schema: { response: { 200: Reply } } },
          async () => ({ ok: true }),
        ),
    ];
    await expect(start({ routes })).rejects.toThrow('no access level');
  });
  it.each([
    ['/api/nodes/:nodeId/odd', 'none'],
    ['/api/nodes/:nodeId/odd', { right: 'read', on: 'fleet' }],
    ['/api/runs/:runId/odd', { right: 'read', on: 'node' }],
    ['/api/shells/:sessionId/odd', { right: 'read', on: 'list' }],
  ] as const)('that names a target and does not judge it: %s with %j', async (url, needs) => {
    const level = { access: 'signed-in', needs } as const;
    const routes = [
      (app: HttpApp) =>
        void app.get(url, { config: level, schema: { response: { 200: Reply } } }, async () => ({ ok: true })),
    ];
    await expect(start({ routes })).rejects.toThrow(/names a (node|run|session)/);
  });
  it('without a response schema', async () => {
    const routes = [(app: HttpApp) => void app.get('/api/loose', { config }, async () => ({ ok: true }))];
    await expect(start({ routes })).rejects.toThrow('route GET /api/loose has no response schema');
  });
});

describe('a route that acts and does not say where', () => {
  it('is not for a role that reaches a part of the fleet, however high', async () => {
    const how = { runAs: ['*'], needsApproval: false, window: null };
    const rules = [{ name: 'part', what: ['admin', 'action:*', 'edit-node'], where: { labels: { tier: 'web' } }, how }];
    const part: Caller = { ...viewer, grant: { personId: 'p', role: 'part', rules, scope: null } };
    const whole: Caller = { ...viewer, grant: builtInGrant('owner') };
    const ok = { schema: { response: { 200: Reply } } };
    const routes = [
      (app: HttpApp) => {
        app.post('/api/acts', { config: { access: 'operator' }, ...ok }, async () => ({ ok: true }));
        app.post('/api/decides', { config: { access: 'owner' }, ...ok }, async () => ({ ok: true }));
      },
    ];
    const authenticator = {
      bySession: async (token: string) => (token === 'part' ? part : whole),
      byToken: async () => null,
      isValid: async () => true,
    };
    const { server } = await start({ routes, authenticator });
    const post = async (url: string, session: string): Promise<number> => {
      const headers = { origin: publicUrl.origin };
      return (await server.inject({ method: 'POST', url, headers, cookies: { 'hauban-session': session } })).statusCode;
    };
    expect([await post('/api/acts', 'whole'), await post('/api/decides', 'whole')]).toEqual([200, 200]);
    expect([await post('/api/acts', 'part'), await post('/api/decides', 'part')]).toEqual([403, 403]);
    expect(forbidden.splice(0)).toHaveLength(2);
  });
});

describe('who may call', () => {
  it('tells apart nobody, a wrong cookie, a role that is too low, and a good token', async () => {
    const { server } = await start();
    const get = (url: string, headers = {}) => server.inject({ url, headers });
    expect((await get('/api/mine')).json()).toMatchObject({ code: 'NOT_SIGNED_IN' });
    expect((await server.inject({ url: '/api/mine', cookies: { 'hauban-session': 'bad' } })).statusCode).toBe(401);
    expect((await server.inject({ url: '/api/mine', cookies })).statusCode).toBe(200);
    const low = await server.inject({
      method: 'POST',
      url: '/api/act',
      cookies,
      headers: { origin: publicUrl.origin },
      payload: {},
    });
    expect(low.statusCode).toBe(403);
    expect(low.json()).toMatchObject({ code: 'FORBIDDEN', retryable: false, requestId: low.headers['x-request-id'] });
    expect(forbidden).toEqual(['vera POST /api/act']);
    const token = { authorization: 'Bearer good-token-good-token' };
    expect((await server.inject({ method: 'POST', url: '/api/act', headers: token })).statusCode).toBe(200);
    // A bad token is not rescued by a good cookie.
    const both = await server.inject({
      url: '/api/mine',
      cookies,
      headers: { authorization: 'Bearer bad-token-bad-token-bad' },
    });
    expect(both.statusCode).toBe(401);
  });
});

describe('a request from another site', () => {
  it.each([
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['the null origin of a sandboxed frame', { origin: 'null' }, 403],
    ['our host on another port', { origin: 'http://localhost:7461' }, 403],
    ['no origin but our cookie', {}, 403],
    ['a browser that says cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['our own page', { origin: 'http://localhost:7460' }, 403],
    ['our own page by the loopback address', { origin: 'http://127.0.0.1:7460' }, 403],
  ])('%s', async (name, headers, status) => {
    const { server } = await start();
    const reply = await server.inject({ method: 'POST', url: '/api/act', cookies, headers, payload: {} });
    expect(reply.statusCode).toBe(status);
    // 403 both ways: only the code says whether the origin or the role was refused.
    expect(reply.json()).toMatchObject({ code: name.startsWith('our own page') ? 'FORBIDDEN' : 'ORIGIN_REFUSED' });
  });
  it('may not even sign in or log out by a form: the public routes check it too', async () => {
    const { server } = await start();
    const attack = {
      method: 'POST' as const,
      url: '/api/body',
      headers: { origin: 'https://evil.example' },
      payload: { name: 'a' },
    };
    expect((await server.inject(attack)).json()).toMatchObject({ code: 'ORIGIN_REFUSED' });
    expect((await server.inject({ ...attack, headers: {} })).statusCode).toBe(200);
  });
});

describe('errors', () => {
  it('say what is wrong and where, and nothing of our inside', async () => {
    const { server } = await start();
    const post = (payload: unknown, type = 'application/json') =>
      server.inject({
        method: 'POST',
        url: '/api/body',
        headers: { 'content-type': type },
        payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      });
    expect((await post({ name: 'A1' })).json()).toMatchObject({
      code: 'BAD_REQUEST',
      detail: expect.stringContaining('body.name') as unknown,
    });
    expect((await post({ name: 'a', extra: 1 })).json()).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await post({ name: 5 })).json()).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await post('{"name":')).json()).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await post('name=a', 'application/x-www-form-urlencoded')).json()).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await post({ name: 'a'.repeat(1024 * 1024) })).json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    const bug = await server.inject('/api/bug');
    expect(bug.statusCode).toBe(500);
    expect(bug.body).not.toContain('hunter2');
    expect(bug.body).not.toContain('.ts');
    expect((await server.inject('/api/nothing')).json()).toMatchObject({ code: 'NOT_FOUND' });
    expect((await server.inject({ method: 'POST', url: '/anything' })).statusCode).toBe(404);
    const numbers = await server.inject({ method: 'POST', url: '/api/body?n=5', payload: { name: 'a' } });
    expect(numbers.json()).toEqual({ ok: true });
    expect((await server.inject({ method: 'POST', url: '/api/body?n=x', payload: { name: 'a' } })).statusCode).toBe(
      400,
    );
  });
  it('answers UNAVAILABLE while the database is away', async () => {
    const { server } = await start({ system: { version: '1', ping: async () => Promise.reject(new Error('away')) } });
    const reply = await server.inject('/api/health');
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });
});

describe('limits', () => {
  it('refuses an address that asks too often', async () => {
    const { server } = await start();
    const codes = [];
    for (let n = 0; n < 4; n += 1) codes.push((await server.inject('/api/few')).statusCode);
    expect(codes).toEqual([200, 200, 429, 429]);
    expect((await server.inject('/api/few')).json()).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
  });
  it('refuses a person who asks too often, by page and API token together, and nobody else', async () => {
    const other: Caller = { ...viewer, personId: 'q', name: 'otto' };
    const bySession = async (token: string) => (token === 'good' ? viewer : token === 'other' ? other : null);
    const byToken = async () => ({ ...viewer, via: 'api' as const });
    const authenticator = { bySession, byToken, isValid: async () => true };
    const { server } = await start({ requestsPerMinute: 4, authenticator });
    const ask = (headers: Record<string, string>, session = 'good', remoteAddress = '192.0.2.7') =>
      server.inject({ url: '/api/mine', headers, cookies: { 'hauban-session': session }, remoteAddress });
    const token = { authorization: 'Bearer good-token-good-token' };
    const codes = [];
    for (let n = 0; n < 3; n += 1)
      codes.push((await ask({})).statusCode, (await ask(token, '', `192.0.2.${n}`)).statusCode);
    expect(codes).toEqual([200, 200, 200, 200, 429, 429]);
    expect((await ask({})).json()).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    expect((await ask({}, 'other')).statusCode).toBe(200);
    expect((await server.inject('/api/open')).statusCode).toBe(200);
  });
  it('does not believe a forged X-Forwarded-For', async () => {
    const { server } = await start();
    for (let n = 0; n < 2; n += 1) await server.inject('/api/few');
    const forged = await server.inject({ url: '/api/few', headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect(forged.statusCode).toBe(429);
  });
});

describe('the page', () => {
  it('is served for paths of the page, its files as they are, and nothing else', async () => {
    const { server } = await start();
    for (const path of ['/', '/nodes/1', '/setup?token=x']) {
      const reply = await server.inject(path);
      expect(reply.headers['content-type']).toContain('text/html');
      expect(reply.headers['cache-control']).toBe('no-store');
    }
    const asset = await server.inject('/assets/main-1234.js');
    expect(asset.headers['content-type']).toContain('javascript');
    expect(asset.headers['cache-control']).toContain('immutable');
    for (const path of [
      '/assets/gone.js',
      '/.secret',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/..%2f..%2fetc%2fpasswd',
      '/etc/passwd.txt',
      '/api/nodes/../../x',
    ]) {
      const reply = await server.inject(path);
      expect(reply.body).not.toContain('root:');
      expect(reply.body).not.toContain('hidden');
      if (reply.statusCode !== 404) expect(reply.body).toContain('<title>page</title>');
    }
  });
  it('is served to a browser for a path that only looks like a file, a missing file never', async () => {
    const { server } = await start();
    const asked = async (url: string, accept: string): Promise<number> =>
      (await server.inject({ url, headers: { accept } })).statusCode;
    expect(await asked('/run/firewall.ban', 'text/html,application/xhtml+xml,*/*;q=0.8')).toBe(200);
    expect(await asked('/run/firewall.ban', '*/*')).toBe(404);
    expect(await asked('/assets/gone.js', '*/*')).toBe(404);
    expect(await asked('/api/gone.json', 'text/html')).toBe(404);
  });
  /** Of the markup and of the policy. */
  const noncesOf = async (server: App['server'], url: string, headers = {}) => {
    const reply = await server.inject({ url, headers });
    const policy = String(reply.headers['content-security-policy']);
    return { reply, markup: /nonce="([^"]*)"/.exec(reply.body)?.[1], policy: /'nonce-([^']*)'/.exec(policy)?.[1] };
  };
  it('has the nonce of its own load in markup and policy: one that was seen before is worth nothing', async () => {
    const { server } = await start();
    const seen = new Set<string>();
    for (const url of ['/', '/', '/nodes/1', '/index.html']) {
      const { reply, markup, policy } = await noncesOf(server, url, { 'if-none-match': '*' });
      expect([reply.statusCode, reply.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(reply.headers.etag).toBeUndefined();
      expect(markup).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(policy).toBe(markup);
      seen.add(markup ?? '');
    }
    expect(seen.size).toBe(4);
  });
  it('lets no style apply that is not ours: no inline, no nonce outside the page', async () => {
    const { server } = await start();
    const { reply, policy } = await noncesOf(server, '/');
    expect(reply.headers['content-security-policy']).toContain(`style-src 'self' 'nonce-${policy ?? ''}';`);
    for (const url of ['/', '/assets/main-1234.js', '/assets/gone.js', '/api/mine', '/api/health']) {
      const { headers } = await server.inject({ url, cookies });
      expect(headers['content-security-policy']).not.toMatch(/unsafe-inline|unsafe-hashes|strict-dynamic/);
      if (url !== '/') expect(headers['content-security-policy']).toContain("style-src 'self';");
    }
  });
  it('stops the boot when it has no place for the nonce', async () => {
    const old = await mkdtemp(join(tmpdir(), 'hauban-ui-'));
    await writeFile(join(old, 'index.html'), '<!doctype html><title>page</title>');
    await expect(start({ uiDir: old })).rejects.toThrow(/has no place for the nonce of its styles/);
    await rm(old, { recursive: true });
  });
  it('carries a policy that runs no inline script and talks to nobody else', async () => {
    const { server } = await start();
    const { headers } = await server.inject('/');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("'unsafe-eval'");
    expect(policy).not.toContain('upgrade-insecure-requests');
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['strict-transport-security']).toBeUndefined();
  });
});

describe('the API describes itself', () => {
  it('as OpenAPI 3.1 with the schemas of the routes', async () => {
    const { server, routes } = await start();
    const reply = await server.inject('/api/openapi.json');
    const spec = reply.json<{ openapi: string; paths: Record<string, Record<string, { responses: object }>> }>();
    expect(spec.openapi).toBe('3.1.0');
    for (const route of routes.filter(({ method }) => method !== 'HEAD')) {
      expect(Object.keys(spec.paths[route.url]?.[route.method.toLowerCase()]?.responses ?? {})).toContain('200');
    }
    expect(reply.headers['cache-control']).toBe('no-store');
  });
});

describe('the log', () => {
  it('has neither a query nor a secret header', async () => {
    lines.length = 0;
    const { server } = await start();
    await server.inject({
      url: '/api/mine?ticket=SECRET1',
      cookies: { 'hauban-session': 'SECRET2' },
      headers: { authorization: 'Bearer SECRET3SECRET3SECRET3' },
    });
    expect(lines.join('')).toContain('/api/mine');
    expect(lines.join('')).not.toContain('SECRET');
  });
});

describe('listen', () => {
  it('says in one sentence that the port is in use', async () => {
    const first = await start();
    const { port } = await listen(first, '127.0.0.1', 0);
    await expect(listen(await start(), '127.0.0.1', port)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });
  it('serves others while a client sends its request slowly, and gives that one 10 s for the headers and 30 s in all', async () => {
    const app = await start();
    const { port } = await listen(app, '127.0.0.1', 0);
    const slow = createConnection(port, '127.0.0.1');
    slow.write('GET /api/open HTTP/1.1\r\nHost: x\r\n');
    const reply = await fetch(`http://127.0.0.1:${port}/api/open`);
    expect(reply.status).toBe(200);
    await reply.text();
    expect(app.server.server).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000 });
    slow.destroy();
  });
});
