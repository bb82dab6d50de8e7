import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyRequest } from 'fastify';
import { pino } from 'pino';
import Type from 'typebox';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { builtInGrant } from '../authorization/index.ts';
import type { Authenticator } from './authenticate.ts';
import { callerOf, type Caller, type Credential } from './caller.ts';
import type { HttpApp } from './fastify-types.ts';
import { buildApp, type App } from './http-app.ts';
import { allowedOrigins, isFromUs } from './origin.ts';
import { decisionOf, readableOf, targetNodesOf } from './require-right.ts';
import { createSessionCookie } from './session-cookie.ts';
import { createSocketTickets, type SocketTickets } from './socket-tickets.ts';
import { serveUi } from './static-ui.ts';
import { createUpgrades, type UpgradeRoute, type Upgrades } from './upgrades.ts';

const log = pino({ level: 'silent' });
const publicUrl = new URL('http://localhost:7460');
const origins = allowedOrigins(publicUrl);
const schema = { response: { 200: Type.Object({ ok: Type.Boolean() }) } };
const callerWith = (role: string, id = 's'): Caller => ({
  personId: 'p',
  name: 'vera',
  role,
  grant: builtInGrant(role, 'p'),
  via: 'page',
  credential: { kind: 'session', id },
});

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

describe('a request', () => {
  const forbidden: string[] = [];
  const routes = (app: HttpApp): void => {
    const answer = async () => ({ ok: true });
    app.get('/api/decide', { config: { access: 'owner', needs: 'none' }, schema }, answer);
    app.get('/api/fault', { config: { access: 'public' }, schema }, async () => {
      throw Object.assign(new Error('secret inside: hunter2'), { statusCode: 418 });
    });
    const read = (on: 'run' | 'pool' | 'ban-list' | 'session') =>
      ({ access: 'signed-in', needs: { right: 'read', on } }) as const;
    app.get('/api/runs/:runId', { config: read('run'), schema }, answer);
    app.get('/api/pools/:poolId', { config: read('pool'), schema }, answer);
    app.get('/api/ban-lists/:banListId', { config: read('ban-list'), schema }, answer);
    app.get('/api/shells/:sessionId', { config: read('session'), schema }, answer);
  };
  async function start(): Promise<App> {
    const app = await buildApp({
      log,
      publicUrl,
      tls: null,
      uiDir: null,
      trustedProxies: [],
      cookie: createSessionCookie(publicUrl),
      origins,
      authenticator: {
        bySession: async (role) => callerWith(role),
        byToken: async () => null,
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
      onForbidden: (caller, { url }) => void forbidden.push(`${caller.role} ${url}`),
      system: { version: '1', ping: async () => undefined },
      routes: [routes],
    });
    cleanUps.push(() => app.server.close());
    return app;
  }
  const get = async (url: string, role = 'viewer') =>
    (await start()).server.inject({ url, cookies: { 'hauban-session': role } });

  it('for a route of a higher level is refused where nothing but the level guards it', async () => {
    const reply = await get('/api/decide');
    expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([403, 'FORBIDDEN']);
    expect(forbidden.splice(0)).toEqual(['viewer /api/decide']);
    expect((await get('/api/decide', 'owner')).statusCode).toBe(200);
  });

  it('about a run, a pool or a shell that does not exist is told so, and by nothing of our inside', async () => {
    for (const url of ['/api/runs/x', '/api/pools/x', '/api/ban-lists/x', '/api/shells/x'])
      expect((await get(url)).json()).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that meets a fault which looks like a refusal of a library is still our fault', async () => {
    const reply = await get('/api/fault');
    expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([500, 'INTERNAL']);
    expect(reply.body).not.toContain('hunter2');
  });

  it('from another site is not from us, even without a cookie and without an origin', () => {
    const rules = { origins, hasCookie: false };
    for (const site of ['cross-site', 'same-site']) expect(isFromUs({ 'sec-fetch-site': site }, rules)).toBe(false);
    for (const site of ['same-origin', 'none']) expect(isFromUs({ 'sec-fetch-site': site }, rules)).toBe(true);
    expect(isFromUs({}, { ...rules, hasCookie: true })).toBe(false);
  });

  it('that was not judged gives its handler neither a caller nor nodes, a list or a reason', () => {
    const request = (needs: unknown, more: object = {}): FastifyRequest =>
      ({
        caller: null,
        decision: null,
        targetNodes: null,
        readable: null,
        routeOptions: { config: { needs } },
        ...more,
      }) as unknown as FastifyRequest;
    const internal = expect.objectContaining({ code: 'INTERNAL' }) as Error;
    expect(() => callerOf(request('none'))).toThrow(internal);
    expect(() => decisionOf(request('none'))).toThrow(internal);
    const nodes = { targetNodes: ['n'] };
    for (const needs of [undefined, 'none', { right: 'read', on: 'list' }])
      expect(() => targetNodesOf(request(needs, nodes))).toThrow(internal);
    expect(() => targetNodesOf(request({ right: 'action', on: 'nodes' }))).toThrow(internal);
    for (const needs of [undefined, 'none', { right: 'action', on: 'nodes' }])
      expect(() => readableOf(request(needs))).toThrow(internal);
  });
});

describe('a page', () => {
  const PLACE = '__STYLE_NONCE__';
  it('with no place for the nonce of its styles, or with two, is not served at all', async () => {
    const uiDir = mkdtempSync(join(tmpdir(), 'hauban-ui-'));
    cleanUps.push(() => rmSync(uiDir, { recursive: true }));
    const serve = async (html: string): Promise<void> => {
      writeFileSync(join(uiDir, 'index.html'), html);
      const app = fastify();
      cleanUps.push(() => app.close());
      await serveUi(app, uiDir, publicUrl);
    };
    for (const html of ['<html>', `${PLACE} ${PLACE}`])
      await expect(serve(html)).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    await serve(`<style nonce="${PLACE}">`);
  });
});

describe('a socket', () => {
  const clock = new FakeClock();
  /** Credentials that have ended. */
  let ended: Set<string>;
  let closed: string[];
  let tickets: SocketTickets;
  let upgrades: Upgrades;
  let server: Server;

  const authenticator: Authenticator = {
    bySession: async () => null,
    byToken: async () => null,
    isValid: async ({ id }: Credential) => !ended.has(id),
  };
  const route: UpgradeRoute = {
    path: '/api/nodes/:nodeId/live',
    access: 'signed-in',
    needs: { right: 'read', on: 'node' },
    accept: ({ socket }, { credential }) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      cleanUps.push(() => socket.destroy());
      return { close: (code) => void closed.push(`${credential.kind} ${credential.id} ${code}`) };
    },
  };
  const create = (routes: readonly UpgradeRoute[]): Upgrades =>
    createUpgrades({ routes, origins, cookieName: 'hauban-session', authenticator, tickets, clock, log });

  beforeEach(async () => {
    ended = new Set();
    closed = [];
    tickets = createSocketTickets(clock, new SeededRandom(1));
    upgrades = create([route]);
    server = createServer();
    upgrades.attach(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanUps.push(
      () => new Promise((done) => void server.close(done)),
      () => upgrades.close(),
    );
  });

  /** The status that the upgrade is answered with. */
  async function open(ticket: string): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    cleanUps.push(() => socket.destroy());
    socket.on('error', (error) => void error);
    socket.write(
      `GET /api/nodes/n/live?ticket=${ticket} HTTP/1.1\r\nHost: x\r\nOrigin: ${publicUrl.origin}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    const [line] = await new Promise<string[]>((done) =>
      socket.once('data', (data) => done(String(data).split('\r\n'))),
    );
    return line?.split(' ')[1] ?? '';
  }
  const ticketOf = (id: string): string => tickets.issue(callerWith('viewer', id));

  it('is opened once by a ticket, within half a minute, and not after the sign-in that it came from has ended', async () => {
    const used = ticketOf('a');
    expect([await open(used), await open(used)]).toEqual(['101', '401']);
    const old = ticketOf('a');
    clock.advance(30_000);
    expect(await open(old)).toBe('401');
    const late = ticketOf('b');
    ended.add('b');
    expect(await open(late)).toBe('401');
  });

  it('ends when the sign-in that it was opened by has ended elsewhere, and no other', async () => {
    await open(ticketOf('a'));
    await open(ticketOf('b'));
    ended.add('a');
    clock.advance(30_000);
    await vi.waitFor(() => expect(closed).toContain('session a 4401'));
    expect(closed).not.toContain('session b 4401');
  });

  it('ends by the revocation of its own credential, and of no other of the same number', async () => {
    await open(ticketOf('a'));
    await open(ticketOf('b'));
    upgrades.revoke({ kind: 'token', id: 'a' });
    expect(closed).toEqual([]);
    upgrades.revoke({ kind: 'session', id: 'a' });
    expect(closed).toEqual(['session a 4401']);
  });

  it('for a node is not even listed without the right that it takes there', () => {
    const careless = { ...route, needs: { right: 'read', on: 'fleet' } } as const;
    expect(() => create([careless])).toThrow('names a node and does not say');
  });
});
