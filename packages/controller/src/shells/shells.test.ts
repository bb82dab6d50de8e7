import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKeyPair, keyThumbprint, orderHash, pinnedKeys, signOrder, systemClock, verifyOrder } from '@hauban/link';
import type { SessionPage, ShellRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import {
  encodeAttach,
  encodeOutput,
  SHELL_OPS,
  type NodeId,
  type Receipt,
  type ShellFrame,
  type ShellOrder,
} from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { builtInGrant } from '../authorization/index.ts';
import { mayAttach } from '../compose-targets.ts';
import { createDatabase, type Database } from '../db/index.ts';
import {
  allowedOrigins,
  buildApp,
  createSessionCookie,
  createSocketTickets,
  createUpgrades,
  type App,
  type Caller,
} from '../http/index.ts';
import { createLog } from '../runtime/index.ts';
import { createShellsRepository } from './shells.repository.ts';
import { shellRoutes } from './shells.routes.ts';
import { ShellsService, type ShellRequester } from './shells.service.ts';
import { createShellSockets } from './shells.socket.ts';

const clock = new FakeClock(Date.now());
const authority = createKeyPair();
const kid = keyThumbprint(authority.publicText) ?? '';
const node = randomUUID() as NodeId;
const controllerId = randomUUID();
const request: ShellRequest = { columns: 80, rows: 24, user: 'root' };
const olga: ShellRequester = { id: 'p-olga', name: 'olga', via: 'page', address: '192.0.2.1' };
const link = { nodeId: node, session: 'link-1' };
const POLICY = 'version = 1\n# [shell]\n# users = ["commented"]\n[shell]\nusers = [\n  "deploy", "root"]\n';

let fixture: TestDatabase;
let database: Database;
let shells: ShellsService;
let isOnline: boolean;
let signer: 'up' | 'away' | 'refuses';
let frames: ShellFrame[];
/** Called when an order reaches the node; what it does is the node's answer. */
let onOrder: (order: ShellOrder, jws: string) => void;

const statesOf = async (): Promise<readonly string[]> =>
  (await fixture.sql`SELECT state FROM shell_session ORDER BY requested_at, id`).map((row) => row['state'] as string);
const auditOf = async (session: string): Promise<readonly string[]> =>
  (await fixture.sql`SELECT code FROM audit_entry WHERE detail::text LIKE ${`%${session}%`} ORDER BY seq`).map(
    (row) => row['code'] as string,
  );

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const { transaction } = database;
  await fixture.sql`INSERT INTO join_token VALUES (${node}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${node}, 'web1', 'k', 'k', ${node}, '{}', '{}', 0, '', '')`;
  shells = new ShellsService({
    repository: createShellsRepository(database),
    audit: createAuditService({ repository: createAuditRepository(database), transaction, clock }),
    transaction,
    clock,
    log: createLog('silent'),
    controllerId,
    signer: {
      sign: async (order) => {
        if (signer === 'away') throw new HaubanError('UNAVAILABLE', 'The signer does not answer.');
        if (signer === 'refuses')
          throw new HaubanError('ORDER_MALFORMED', 'The shell ends later than the signer allows.');
        return await signOrder(order, authority, kid);
      },
    },
    approvals: {
      neededFor: () => ({ count: 0, waitMs: 0 }),
      shellsOf: async () => [],
      ask: () => expect.fail('nothing needs approval here'),
      use: async () => false,
    },
    findNode: async (id) => (id === node ? { hostName: 'web1', revokedAt: null } : null),
    policyText: async () => POLICY,
    hostNames: async () => new Map([[node, 'web1']]),
    findLink: (id) =>
      id === node && isOnline
        ? {
            session: link.session,
            sendOrder: (jws) => {
              const payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ShellOrder;
              onOrder(payload, jws);
              return 'sent';
            },
            sendShell: (frame) => {
              frames.push(frame);
              return 'sent';
            },
            onceDrained: (callback) => callback(),
          }
        : null,
  });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(async () => {
  await fixture.sql`DELETE FROM shell_session`;
  isOnline = true;
  signer = 'up';
  frames = [];
  onOrder = ({ session }) => void shells.opened(link, session);
});

describe('opening a shell', () => {
  it('stores request, permit and audit entries before the permit is sent, and opens when the node says so', async () => {
    let seen: readonly string[] = [];
    let permit = '';
    onOrder = (order, jws) => {
      permit = jws;
      void (async () => {
        seen = await auditOf(order.session);
        await shells.opened(link, order.session);
      })();
    };
    const { sessionId } = await shells.open(node, { ...request, reason: 'look at the disk' }, olga);
    expect(seen).toEqual(['A4000I', 'A3001I']);
    expect(await auditOf(sessionId)).toEqual(['A4000I', 'A3001I', 'A4001I']);
    const verified = await verifyOrder(permit, pinnedKeys([{ kid, key: authority.publicText }]));
    if (!verified.ok) throw new Error(verified.detail);
    expect(verified.value).toMatchObject({
      kind: 'shell',
      aud: node,
      session: sessionId,
      user: 'root',
      reason: 'look at the disk',
    });
    expect(verified.value.exp - verified.value.iat).toBe(60_000);
    expect(await shells.find(sessionId)).toMatchObject({
      state: 'open',
      permitHash: orderHash(permit),
      openedBy: 'olga',
    });
  });

  it('takes the first user of the policy when none is named', async () => {
    const users: string[] = [];
    onOrder = ({ user, session }) => {
      users.push(user);
      void shells.opened(link, session);
    };
    await shells.open(node, { columns: 80, rows: 24 }, olga);
    expect(users).toEqual(['deploy']);
  });

  it('a node that is unknown or away, and a signer that refuses or is away, give their codes and no shell', async () => {
    await expect(shells.open(randomUUID(), request, olga)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    isOnline = false;
    await expect(shells.open(node, request, olga)).rejects.toMatchObject({ code: 'NODE_OFFLINE' });
    expect(await statesOf()).toEqual([]);
    isOnline = true;
    onOrder = () => expect.fail('an unsigned permit was sent');
    signer = 'refuses';
    await expect(shells.open(node, request, olga)).rejects.toMatchObject({ code: 'ORDER_MALFORMED' });
    signer = 'away';
    await expect(shells.open(node, request, olga)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await statesOf()).toEqual(['refused', 'refused']);
  });

  it('says why the node refused', async () => {
    onOrder = ({ session }) =>
      void shells.refused(link, { session, code: 'POLICY_DENIED', detail: 'no shell as root' });
    await expect(shells.open(node, request, olga)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      detail: 'no shell as root',
    });
    expect(await statesOf()).toEqual(['refused']);
  });

  it('gives up after 10 s; an answer after that still counts', async () => {
    let session = '';
    onOrder = (order) => {
      session = order.session;
      queueMicrotask(() => clock.advance(10_000));
    };
    await expect(shells.open(node, request, olga)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await statesOf()).toEqual(['requested']);
    await shells.opened(link, session);
    expect(await statesOf()).toEqual(['open']);
  });

  it('another node cannot open, refuse or end it', async () => {
    const { sessionId } = await shells.open(node, request, olga);
    const other = { nodeId: randomUUID() as NodeId, session: 'link-9' };
    await shells.refused(other, { session: sessionId, code: 'SHELL_GONE', detail: '' });
    await shells.opened(other, sessionId);
    shells.frame(other, { op: SHELL_OPS.exit, session: sessionId, body: Buffer.from('{}') });
    await shells.nodeStatus(other, { shells: [], actions: [1] });
    // What is true of our own node comes later and is done: the other's word had no effect before it.
    const own = await shells.open(node, request, olga);
    shells.frame(link, { op: SHELL_OPS.exit, session: own.sessionId, body: Buffer.from('{}') });
    await expect.poll(() => shells.find(own.sessionId), { interval: 10 }).toMatchObject({ state: 'ended' });
    expect(await shells.find(sessionId)).toMatchObject({ state: 'open' });
  });
});

describe('the end of a shell', () => {
  it('is told by its exit frame', async () => {
    const { sessionId } = await shells.open(node, request, olga);
    const exit = { ending: 'exited', status: 3, signal: null, leftOver: 0, detail: 'The shell has ended.' };
    shells.frame(link, { op: SHELL_OPS.exit, session: sessionId, body: Buffer.from(JSON.stringify(exit)) });
    await expect.poll(statesOf, { interval: 10 }).toEqual(['ended']);
    expect((await auditOf(sessionId)).at(-1)).toBe('A4003I');
    await shells.recordingEnded(sessionId, 'exited', 5);
    expect((await auditOf(sessionId)).filter((code) => code === 'A4003I')).toHaveLength(1);
  });

  it('is told by the last chunk of its recording when the machine died', async () => {
    const { sessionId } = await shells.open(node, request, olga);
    await shells.recordingEnded(sessionId, 'crashed', 42);
    expect(await shells.find(sessionId)).toMatchObject({
      state: 'ended',
      endedAt: 42,
      detail: 'The shell was ended from outside.',
    });
  });

  it('is found out when the node no longer names it, but not while its executor is silent, nor at once', async () => {
    const first = (await shells.open(node, request, olga)).sessionId;
    const second = (await shells.open(node, request, olga)).sessionId;
    const status = (...open: readonly string[]): Promise<void> =>
      shells.nodeStatus(link, { shells: open, actions: [1] });
    await shells.nodeStatus(link, { shells: [], actions: [] });
    await status(first, second);
    clock.advance(300_000);
    shells.start();
    try {
      await status(second);
      clock.advance(45_000);
      await status();
      clock.advance(30_000);
      await expect.poll(() => shells.find(first), { interval: 10 }).toMatchObject({ state: 'ended' });
      expect(await shells.find(second)).toMatchObject({ state: 'open' });
      clock.advance(60_000);
      await expect.poll(() => shells.find(second), { interval: 10 }).toMatchObject({ state: 'ended' });
    } finally {
      shells.stop();
    }
  });

  it('a request that the node never answered is settled', async () => {
    onOrder = () => queueMicrotask(() => clock.advance(10_000));
    await expect(shells.open(node, request, olga)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    shells.start();
    clock.advance(120_000);
    await expect.poll(statesOf, { interval: 10 }).toEqual(['refused']);
    shells.stop();
  });

  it('SHELL1 the receipt of a permit is kept; one about another content is not believed', async () => {
    let permit = '';
    let order: ShellOrder | null = null;
    onOrder = (sent, jws) => {
      permit = jws;
      order = sent;
      void shells.opened(link, sent.session);
    };
    const { sessionId } = await shells.open(node, request, olga);
    const receipt = {
      order: (order as ShellOrder | null)?.id,
      orderHash: orderHash(permit),
      outcome: 'succeeded',
    } as Receipt;
    expect(await shells.receipt(node, { ...receipt, orderHash: 'a'.repeat(64) }, 'forged', () => true)).toBe(false);
    expect(await shells.receipt(randomUUID(), receipt, 'forged', () => true)).toBe(false);
    expect(await shells.receipt(node, { ...receipt, order: randomUUID() }, 'forged', () => true)).toBe(false);
    expect(await shells.receipt(node, receipt, 'signed', () => true)).toBe(true);
    expect(await shells.receipt(node, receipt, 'again', () => true)).toBe(true);
    expect(await shells.find(sessionId)).toMatchObject({ receipt: 'signed', state: 'open' });
  });
});

const callers: Readonly<Record<string, Caller>> = Object.fromEntries(
  (['viewer', 'operator', 'owner'] as const).map((role) => [
    role.padEnd(20, '_'),
    {
      personId: `p-${role}`,
      name: role,
      role,
      grant: builtInGrant(role, `p-${role}`),
      via: 'api',
      credential: { kind: 'token', id: role },
    } satisfies Caller,
  ]),
);
const bearer = (role: string): { authorization: string } => ({ authorization: `Bearer ${role.padEnd(20, '_')}` });
const targets = {
  ofNodes: async (ids: readonly string[]) => ids.map((id) => ({ kind: 'node' as const, id, labels: {}, roles: [] })),
  ofRun: async () => null,
  ofSelector: async () => [],
  actionsOfRun: async () => [],
  ofPool: async () => null,
  actionsOfPool: async () => [],
  ofSession: async (id: string) => {
    const found = await shells.find(id);
    const target = { kind: 'node' as const, id: node, labels: {}, roles: [] };
    return found === null ? null : { target, user: found.login, openedBy: found.openedById };
  },
};
const authenticator = {
  bySession: async () => null,
  byToken: async (secret: string) => callers[secret] ?? null,
  isValid: async () => true,
};

describe('routes', () => {
  const publicUrl = new URL('http://localhost:7460');
  let app: App;
  beforeAll(async () => {
    app = await buildApp({
      log: pino({ level: 'silent' }),
      publicUrl,
      tls: null,
      uiDir: null,
      trustedProxies: [],
      cookie: createSessionCookie(publicUrl),
      origins: allowedOrigins(publicUrl),
      authenticator,
      targets,
      nowMs: () => clock.nowMs(),
      onForbidden: () => undefined,
      system: { version: '0', ping: async () => undefined },
      routes: [(server) => shellRoutes(server, { shells })],
    });
  });
  afterAll(() => app.server.close());

  const post = async (
    role: string | null,
    body: object,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => {
    const reply = await app.server.inject({
      method: 'POST',
      url: `/api/nodes/${node}/shells`,
      headers: { 'content-type': 'application/json', ...(role === null ? {} : bearer(role)) },
      payload: JSON.stringify(body),
    });
    return { status: reply.statusCode, body: JSON.parse(reply.body) as Record<string, unknown> };
  };

  it('an operator opens a shell; a viewer, and somebody without an account, do not', async () => {
    expect((await post(null, request)).status).toBe(401);
    expect((await post('viewer', request)).status).toBe(403);
    expect(await statesOf()).toEqual([]);
    expect(await post('operator', request)).toMatchObject({ status: 200, body: { sessionId: expect.any(String) } });
    expect((await post('owner', request)).status).toBe(200);
  });

  it('writes down by which role and rule a shell was allowed', async () => {
    const { body } = await post('operator', request);
    const [row] = await fixture.sql`SELECT detail FROM audit_entry
      WHERE code = 'A4000I' AND detail LIKE ${`%${String(body['sessionId'])}%`}`;
    expect(JSON.parse(String(row?.['detail']))).toMatchObject({ role: 'operator', rule: 'operator' });
  });

  it.each([
    ['a user with shell metacharacters', { user: 'root;id' }],
    ['a user that begins with a dash', { user: '-froot' }],
    ['no columns', { columns: 0 }],
    ['a field too many', { uid: 0 }],
  ])('refuses %s', async (_attack, change) => {
    expect((await post('operator', { ...request, ...change })).status).toBe(400);
    expect(await statesOf()).toEqual([]);
  });

  it('lists sessions page by page, open ones alone when asked', async () => {
    for (let i = 0; i < 5; i += 1) {
      const { sessionId } = await shells.open(node, request, olga);
      if (i < 2) await shells.recordingEnded(sessionId, 'exited', 5);
      clock.advance(1000);
    }
    const get = async (query: string): Promise<SessionPage> =>
      JSON.parse(
        (await app.server.inject({ url: `/api/shells?${query}`, headers: bearer('viewer') })).body,
      ) as SessionPage;
    expect((await get('open=true')).sessions).toHaveLength(3);
    expect((await get('openedBy=somebody')).sessions).toHaveLength(0);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: SessionPage = await get(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.sessions.map(({ id }) => id));
      ({ cursor } = page);
    }
    expect(new Set(seen).size).toBe(5);
    expect((await get('limit=1')).sessions[0]).toMatchObject({
      hostName: 'web1',
      user: 'root',
      recording: 'none',
      openedBy: 'olga',
    });
    expect((await app.server.inject({ url: '/api/shells' })).statusCode).toBe(401);
  });
});

describe('the socket', () => {
  let server: Server;
  let base = '';
  let stop: () => void;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    server = createServer();
    const shellSockets = createShellSockets(
      shells,
      { clock: systemClock, log: createLog('silent') },
      mayAttach(targets, clock),
    );
    const upgrades = createUpgrades({
      routes: [shellSockets.route],
      origins: new Set(),
      cookieName: 'c',
      authenticator,
      tickets: createSocketTickets(systemClock, { bytes: (n) => new Uint8Array(n), unit: () => 0 }),
      clock: systemClock,
      log: createLog('silent'),
    });
    upgrades.attach(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    stop = () => {
      upgrades.close();
      shellSockets.stop();
    };
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.terminate()));
  afterAll(async () => {
    stop();
    await new Promise((resolve) => server.close(resolve));
  });

  const dial = async (
    session: string,
    role: string,
  ): Promise<{ readonly status: number; readonly socket: WebSocket }> => {
    const socket = new WebSocket(`${base}/api/shells/${session}/socket`, {
      headers: bearer(role),
      perMessageDeflate: false,
    });
    sockets.push(socket);
    return await new Promise((resolve) => {
      socket.on('open', () => resolve({ status: 101, socket }));
      socket.on('unexpected-response', (_request, response) => resolve({ status: response.statusCode ?? 0, socket }));
      socket.on('error', () => undefined);
    });
  };

  it('lets in who opened the shell and an owner, nobody else; knowing the id is no right', async () => {
    const { sessionId } = await shells.open(node, request, { ...olga, id: 'p-operator' });
    const foreign = (await shells.open(node, request, olga)).sessionId;
    expect((await dial(sessionId, 'operator')).status).toBe(101);
    expect((await dial(sessionId, 'owner')).status).toBe(101);
    expect((await dial(sessionId, 'viewer')).status).toBe(403);
    expect((await dial(foreign, 'operator')).status).toBe(403);
    expect((await dial(randomUUID(), 'owner')).status).toBe(404);
    expect((await dial("x';--", 'owner')).status).toBe(404);
    expect((await dial(sessionId, 'nobody')).status).toBe(401);
    await shells.recordingEnded(foreign, 'exited', 5);
    expect((await dial(foreign, 'owner')).status).toBe(410);
  });

  it('carries bytes both ways and closes on what is no message', async () => {
    const { sessionId } = await shells.open(node, request, { ...olga, id: 'p-operator' });
    const { socket } = await dial(sessionId, 'operator');
    const got: Buffer[] = [];
    socket.on('message', (data: Buffer) => got.push(data));
    socket.send(Buffer.concat([Buffer.from([SHELL_OPS.attach]), encodeAttach(0)]));
    socket.send(Buffer.concat([Buffer.from([SHELL_OPS.input]), Buffer.from('ls\r')]));
    await expect.poll(() => frames.map(({ op }) => op), { interval: 5 }).toEqual([SHELL_OPS.attach, SHELL_OPS.input]);
    const output = (offset: number, text: string): void =>
      shells.frame(link, { op: SHELL_OPS.output, session: sessionId, body: encodeOutput(offset, Buffer.from(text)) });
    output(0, '');
    output(0, 'file');
    await expect.poll(() => got.length, { interval: 5 }).toBe(2);
    expect(got[1]?.subarray(9).toString()).toBe('file');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.send('text is not spoken here');
    expect(await closed).toBe(4400);
    await expect.poll(() => frames.at(-1)?.op, { interval: 5 }).toBe(SHELL_OPS.detach);
  });
});
