import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, signOrder, systemClock } from '@hauban/link';
import type { RunDetail } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres-database.ts';
import { createMemoryRing } from '../../../test/support/memory-ring.ts';
import { createController, type Controller } from './app.ts';
import { createDatabase, type Database } from './db/index.ts';
import { createControllerIdentityRepository } from './enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from './enrolment/controller-identity.service.ts';
import { authorize, builtInGrant, type Access } from './authorization/index.ts';
import { createLog } from './runtime/index.ts';

const PASSWORD = 'correct horse battery';
const ROLES = ['owner', 'operator', 'viewer'] as const;
type PersonRole = (typeof ROLES)[number];
const mayEnter = (access: Access, role: PersonRole): boolean =>
  authorize(builtInGrant(role), { kind: 'enter', access }).allowed;
const publicUrl = new URL('http://localhost:7460');
const { origin } = publicUrl;

let fixture: TestDatabase;
let database: Database;
let controller: Controller;
let port: number;
const sessions = new Map<PersonRole, string>();
const nodeId = randomUUID();
const hostName = '"><script>alert(1)</script>';
const policyText = 'version = 1 # <img src=x onerror=alert(1)>\n';

type Injected = Awaited<ReturnType<Controller['app']['server']['inject']>>;
const cookieOf = (reply: Injected): string => reply.cookies.find(({ name }) => name === 'hauban-session')?.value ?? '';

async function addPeople(): Promise<void> {
  const { server } = controller.app;
  const token = await controller.services.setup.makeToken();
  const headers = { origin };
  const made = await server.inject({
    method: 'POST',
    url: '/api/setup',
    headers,
    payload: { token, name: 'owner', password: PASSWORD },
  });
  sessions.set('owner', cookieOf(made));
  for (const role of ['operator', 'viewer'] as const) {
    await fixture.sql`INSERT INTO person (id, name, role, password_hash, created_at)
      SELECT ${randomUUID()}, ${role}, ${role}, password_hash, 0 FROM person WHERE name = 'owner'`;
    const reply = await server.inject({
      method: 'POST',
      url: '/api/sign-in',
      headers,
      payload: { name: role, password: PASSWORD },
    });
    sessions.set(role, cookieOf(reply));
  }
}

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const identity = await loadControllerIdentity(
    createControllerIdentityRepository(database),
    createKeyPair(),
    systemClock,
  );
  const authority = createKeyPair();
  const kid = keyThumbprint(authority.publicText) ?? '';
  controller = await createController({
    webhooks: { ring: createMemoryRing() },
    database,
    identity,
    signer: {
      sign: (order) => signOrder(order, authority, kid),
      keys: async () => ({ authorityKeys: [{ kid, key: authority.publicText }], authoritySteps: [] }),
      signBundle: () => Promise.reject(new TypeError('no bundle is signed here')),
      bundle: async () => null,
      draftStep: () => Promise.reject(new TypeError('no step is drafted here')),
      signStep: () => Promise.reject(new TypeError('no step is signed here')),
      step: async () => null,
      leave: async () => undefined,
      signLinkStep: () => Promise.reject(new TypeError('no link key is signed for here')),
      close: () => undefined,
    },
    log: createLog('silent'),
    publicUrl,
    tls: null,
    uiDir: null,
    trustedProxies: [],
    version: '0.0.0',
    attemptsPerMinute: 1000,
  });
  await addPeople();
  const tokenId = randomUUID();
  await fixture.sql`INSERT INTO join_token VALUES (${tokenId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version, policy_text)
    VALUES (${nodeId}, ${hostName}, 'k', 'r', ${tokenId}, ${'{"owner":"<b>x</b>"}'}::text::jsonb, '{web}', 0, ${'<i>Debian</i>'}, '1', ${policyText})`;
  port = await controller.start('127.0.0.1', 0);
});
afterAll(async () => {
  await controller.stop();
  await database.close();
  await fixture.drop();
});

/** A request that reaches the decision about access; ids are well-formed and name nothing. */
const pathOf = (url: string): string => url.replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000');
const isDenied = (reply: Injected): boolean => {
  // An export is a text of many lines; a refusal is always one object.
  if (!String(reply.headers['content-type']).startsWith('application/json')) return false;
  const { code } = reply.json<{ code?: string }>();
  return code === 'FORBIDDEN' || code === 'NOT_SIGNED_IN';
};

describe('every route', () => {
  it('has a known access level, and there are as many as the API has', () => {
    expect(controller.app.routes.length).toBeGreaterThan(30);
    const open = controller.app.routes
      .filter(({ access, method }) => access === 'public' && method !== 'HEAD')
      .map(({ method, url }) => `${method} ${url}`);
    // Widening this list is a decision: each of these answers whoever can reach the controller.
    expect(open.toSorted()).toEqual([
      'GET /api/health',
      'GET /api/openapi.json',
      'GET /api/setup',
      'GET /api/sign-on',
      'GET /api/webhook-keys',
      'POST /api/cli-sign-in',
      'POST /api/cli-sign-in/poll',
      'POST /api/invite',
      'POST /api/invite/accept',
      'POST /api/invite/passkey-options',
      'POST /api/setup',
      'POST /api/setup/passkey-options',
      'POST /api/sign-in',
      'POST /api/sign-in/passkey',
      'POST /api/sign-in/passkey-options',
      'POST /api/sign-on/begin',
      'POST /api/sign-on/finish',
    ]);
  });

  it('refuses nobody, a forged cookie, a forged token and each role that is too low, and lets the others through', async () => {
    const { server, routes } = controller.app;
    const wrong: string[] = [];
    for (const { method, url, access } of routes.filter(
      (route) => route.method !== 'HEAD' && route.url !== '/api/sign-out',
    )) {
      const request = { method: method as 'GET', url: pathOf(url), ...(method === 'GET' ? {} : { payload: {} }) };
      const ask = async (name: string, isExpected: boolean, more: object): Promise<void> => {
        const reply = await server.inject({ ...request, headers: { origin }, ...more });
        if (isDenied(reply) === isExpected) wrong.push(`${method} ${url} (${access}): ${name} got ${reply.statusCode}`);
      };
      const isPublic = access === 'public';
      await ask('nobody', isPublic, {});
      await ask('a forged cookie', isPublic, { cookies: { 'hauban-session': 'x'.repeat(43) } });
      await ask('a forged token', isPublic, { headers: { authorization: `Bearer ${'x'.repeat(43)}` } });
      for (const role of ROLES) {
        await ask(role, mayEnter(access, role), {
          cookies: { 'hauban-session': sessions.get(role) ?? '' },
        });
      }
    }
    expect(wrong).toEqual([]);
  });

  it('that changes something refuses a request from another site, with every role', async () => {
    const { server, routes } = controller.app;
    const through: string[] = [];
    for (const { method, url } of routes.filter((route) => !['GET', 'HEAD'].includes(route.method))) {
      for (const headers of [{ origin: 'https://evil.example' }, {}]) {
        const reply = await server.inject({
          method: method as 'POST',
          url: pathOf(url),
          payload: {},
          headers,
          cookies: { 'hauban-session': sessions.get('owner') ?? '' },
        });
        if (reply.json<{ code?: string }>().code !== 'ORIGIN_REFUSED') through.push(`${method} ${url}`);
      }
    }
    expect(through).toEqual([]);
  });

  it('writes a refusal to a signed-in person into the audit log', async () => {
    await expect
      .poll(async () =>
        (await controller.services.audit.list({ code: 'A1030W', who: 'viewer', limit: 1000 })).rows.map(
          ({ detail }) => detail['route'],
        ),
      )
      .toContain('/api/runs');
  });
});

const get = async <T>(url: string, role: PersonRole = 'viewer'): Promise<T> => {
  const reply = await controller.app.server.inject({ url, cookies: { 'hauban-session': sessions.get(role) ?? '' } });
  expect(reply.headers['content-type']).toContain('application/json');
  expect(reply.statusCode).toBe(200);
  return reply.json<T>();
};

describe('what a hostile node says of itself', () => {
  it('is stored and returned verbatim, as JSON and never as a page', async () => {
    const page = await get<{ nodes: unknown[] }>('/api/nodes');
    expect(page.nodes).toMatchObject([{ id: nodeId, hostName, labels: { owner: '<b>x</b>' }, os: '<i>Debian</i>' }]);
    expect(await get(`/api/nodes/${nodeId}`)).toMatchObject({ hostName, policyText });
    const html = await controller.app.server.inject({
      url: '/api/nodes',
      cookies: { 'hauban-session': sessions.get('viewer') ?? '' },
      headers: { accept: 'text/html' },
    });
    expect(html.headers['content-type']).toContain('application/json');
    expect(html.headers['x-content-type-options']).toBe('nosniff');
  });

  it('is found by search as text, whatever characters it has', async () => {
    const total = async (query: string): Promise<number> => (await get<{ total: number }>(`/api/nodes?${query}`)).total;
    expect(await total(`search=${encodeURIComponent('<script>')}`)).toBe(1);
    expect(await total(`search=${encodeURIComponent('%')}`)).toBe(0);
    expect(await total(`label=${encodeURIComponent('owner=<b>x</b>')}`)).toBe(1);
    expect(await total('label=constructor')).toBe(0);
    expect(await total('role=web&state=never-seen')).toBe(1);
  });
});

describe('a node', () => {
  const patch = (payload: object, role: PersonRole = 'operator'): Promise<Injected> =>
    controller.app.server.inject({
      method: 'PATCH',
      url: `/api/nodes/${nodeId}`,
      payload,
      headers: { origin },
      cookies: { 'hauban-session': sessions.get(role) ?? '' },
    });

  it('takes labels and roles that fit, and says in the log what they were', async () => {
    expect((await patch({ labels: { rack: '12' }, roles: ['web', 'web', 'mail'] })).json()).toMatchObject({
      labels: { rack: '12' },
      roles: ['web', 'mail'],
    });
    expect((await patch({ labels: { 'Bad Name': 'x' } })).statusCode).toBe(400);
    expect((await patch({ roles: ['king'] })).statusCode).toBe(400);
    expect((await patch({ hostName: 'other' })).statusCode).toBe(400);
    const [row] = (await controller.services.audit.list({ code: 'A2030I' })).rows;
    expect(row).toMatchObject({ who: 'operator', nodeId, detail: { before: { roles: ['web'] } } });
  });

  it('can be asked to run, and the answer follows the run', async () => {
    const payload = { action: 'node.ping', args: {}, nodes: [nodeId], mode: 'apply', startWithinMs: 1000 };
    const reply = await controller.app.server.inject({
      method: 'POST',
      url: '/api/runs',
      payload,
      headers: { origin },
      cookies: { 'hauban-session': sessions.get('operator') ?? '' },
    });
    expect(reply.json()).toMatchObject({
      requester: 'operator',
      counts: { queued: 1 },
      targets: [{ hostName, state: 'queued' }],
    });
    const run = await get<RunDetail>(`/api/runs/${reply.json<RunDetail>().id}?waitMs=20000`);
    expect(run.targets).toMatchObject([{ state: 'expired', code: 'ORDER_EXPIRED' }]);
  });
});

describe('a WebSocket upgrade', () => {
  interface Opened {
    readonly status: number;
    readonly socket: WebSocket;
  }
  const dial = (path: string, headers: Record<string, string> = {}): Promise<Opened> =>
    new Promise((done) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
      socket.on('error', () => undefined);
      socket.once('open', () => done({ status: 101, socket }));
      socket.once('unexpected-response', (_request, response) => {
        done({ status: response.statusCode ?? 0, socket });
        socket.terminate();
      });
    });
  const ticket = async (role: PersonRole = 'viewer'): Promise<string> => {
    const reply = await controller.app.server.inject({
      method: 'POST',
      url: '/api/socket-tickets',
      payload: {},
      headers: { origin },
      cookies: { 'hauban-session': sessions.get(role) ?? '' },
    });
    return reply.json<{ ticket: string }>().ticket;
  };
  const withCookie = (): Record<string, string> => ({ cookie: `hauban-session=${sessions.get('viewer') ?? ''}` });

  it('takes a ticket once', async () => {
    const one = await ticket();
    const { status, socket } = await dial(`/api/live?ticket=${one}`, { origin });
    expect(status).toBe(101);
    expect((await dial(`/api/live?ticket=${one}`, { origin })).status).toBe(401);
    socket.terminate();
  });

  it.each<[string, () => Promise<Opened>, number]>([
    ['a cookie alone, from our own page', async () => dial('/api/live', { ...withCookie(), origin }), 401],
    [
      'a cookie from another site',
      async () => dial('/api/live', { ...withCookie(), origin: 'https://evil.example' }),
      403,
    ],
    ['a cookie without an origin', async () => dial('/api/live', withCookie()), 403],
    [
      'a good ticket from another site',
      async () => dial(`/api/live?ticket=${await ticket()}`, { origin: 'https://evil.example' }),
      403,
    ],
    ['nothing', async () => dial('/api/live'), 401],
    ['a forged token', async () => dial('/api/live', { authorization: `Bearer ${'x'.repeat(43)}` }), 401],
    ['a path that is not in the list', async () => dial('/api/nodes'), 404],
    ['a path that only begins like one', async () => dial('/api/live/../live/x'), 404],
  ])('refuses %s', async (_name, attack, status) => {
    expect((await attack()).status).toBe(status);
  });

  it('decides about every path by the same rights table', async () => {
    for (const route of controller.upgrades.routes.filter(({ access }) => access !== 'public')) {
      expect((await dial(pathOf(route.path))).status).toBe(401);
      for (const role of ROLES) {
        const { status, socket } = await dial(`${pathOf(route.path)}?ticket=${await ticket(role)}`, { origin });
        expect(status === 403).toBe(!mayEnter(route.access, role));
        socket.terminate();
      }
    }
    expect(controller.upgrades.routes.filter(({ access }) => access === 'public').map(({ path }) => path)).toEqual([
      '/link',
    ]);
  });

  it('ends with the sign-in that opened it', async () => {
    const reply = await controller.app.server.inject({
      method: 'POST',
      url: '/api/sign-in',
      headers: { origin },
      payload: { name: 'viewer', password: PASSWORD },
    });
    const cookies = { 'hauban-session': cookieOf(reply) };
    const made = await controller.app.server.inject({
      method: 'POST',
      url: '/api/socket-tickets',
      payload: {},
      headers: { origin },
      cookies,
    });
    const { status, socket } = await dial(`/api/live?ticket=${made.json<{ ticket: string }>().ticket}`, { origin });
    expect(status).toBe(101);
    const closed = new Promise<number>((done) => {
      socket.once('close', done);
    });
    await controller.app.server.inject({
      method: 'POST',
      url: '/api/sign-out',
      payload: {},
      headers: { origin },
      cookies,
    });
    expect(await closed).toBe(4401);
  });
});
