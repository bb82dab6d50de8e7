import { randomUUID } from 'node:crypto';
import type { AccessRule, InviteMade, PersonRow, SignInRow, TokenCreated } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createControllerWorld, sessionOf, type ControllerWorld } from '../../../../test/support/controller-world.ts';

const PASSWORD = 'another horse battery';
let world: ControllerWorld;
let webNode: string;
let dbNode: string;
beforeAll(async () => {
  world = await createControllerWorld();
  webNode = await world.addNode({ tier: 'web' });
  dbNode = await world.addNode({ tier: 'db' });
});
afterAll(() => world.stop());

const asOwner = (method: string, url: string, body?: unknown) =>
  world.call(method, url, { session: world.owner, body });
const codeOf = (reply: { json(): unknown }): unknown => (reply.json() as { code?: string }).code;
const invite = async (name: string, role = 'viewer'): Promise<string> => {
  const made = (await asOwner('POST', '/api/people', { name, role })).json<InviteMade>();
  return new URL(made.url).searchParams.get('token') ?? '';
};
const webRule = (what: readonly string[], more: Partial<AccessRule['how']> = {}): AccessRule => ({
  name: 'web only',
  what: [...what],
  where: { labels: { tier: 'web' } },
  how: { runAs: ['deploy'], needsApproval: false, window: null, ...more },
});
const makeRole = async (name: string, rules: AccessRule[]): Promise<void> => {
  expect((await asOwner('PUT', `/api/roles/${name}`, { rules })).statusCode).toBe(200);
};

describe('an invitation', () => {
  it('lets one person in, once, with the role that the owner chose', async () => {
    const token = await invite('ivan', 'operator');
    expect((await world.call('POST', '/api/invite', { body: { token } })).json()).toMatchObject({ name: 'ivan' });
    const both = await Promise.all(
      [1, 2].map(() => world.call('POST', '/api/invite/accept', { body: { token, password: PASSWORD } })),
    );
    expect(both.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 403]);
    const list = (await asOwner('GET', '/api/people')).json<PersonRow[]>();
    expect(list.find(({ name }) => name === 'ivan')).toMatchObject({ role: 'operator', state: 'active', sessions: 1 });
    expect(JSON.stringify(await world.fixture.sql`SELECT * FROM invite`)).not.toContain(token);
  });

  it('that was replaced by another, or is made up, is refused', async () => {
    const first = await invite('nina');
    const id = await world.personId('nina');
    await asOwner('POST', `/api/people/${id}/invite`, {});
    for (const token of [first, 'x'.repeat(43)])
      expect(codeOf(await world.call('POST', '/api/invite/accept', { body: { token, password: PASSWORD } }))).toBe(
        'SETUP_TOKEN_REFUSED',
      );
  });

  it('is refused for a name that is taken and a role that does not exist', async () => {
    expect(codeOf(await asOwner('POST', '/api/people', { name: 'olga', role: 'viewer' }))).toBe('CONFLICT');
    expect(codeOf(await asOwner('POST', '/api/people', { name: 'kim', role: 'king' }))).toBe('NOT_FOUND');
    expect(codeOf(await asOwner('POST', '/api/people', { name: 'kim', role: '"><script>' }))).toBe('BAD_REQUEST');
  });

  it('cannot be made with an API token, stolen or not', async () => {
    const made = (await asOwner('POST', '/api/tokens', { name: 't' })).json<TokenCreated>();
    const with_ = { token: made.secret };
    expect(codeOf(await world.call('POST', '/api/people', { ...with_, body: { name: 'eve', role: 'owner' } }))).toBe(
      'FORBIDDEN',
    );
    const id = await world.personId('olga');
    expect(codeOf(await world.call('POST', `/api/people/${id}/invite`, { ...with_, body: {} }))).toBe('FORBIDDEN');
    expect(codeOf(await world.call('PATCH', `/api/people/${id}`, { ...with_, body: { role: 'viewer' } }))).toBe(
      'FORBIDDEN',
    );
    expect(
      codeOf(await world.call('PUT', '/api/roles/evil', { ...with_, body: { rules: [webRule(['admin'])] } })),
    ).toBe('FORBIDDEN');
    expect(codeOf(await world.call('POST', '/api/me/passkeys/options', { ...with_, body: {} }))).toBe('FORBIDDEN');
  });
});

describe('a role', () => {
  it('that is taken away counts at once, for requests and for open sockets', async () => {
    const session = await world.addPerson('rita', 'operator');
    const { ticket } = (await world.call('POST', '/api/socket-tickets', { session, body: {} })).json<{
      ticket: string;
    }>();
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/api/live?ticket=${ticket}`, {
      headers: { origin: world.origin },
    });
    await new Promise((done) => socket.once('open', done));
    const closed = new Promise<number>((done) => void socket.once('close', done));
    const patch = { labels: { tier: 'db' } };
    expect((await world.call('PATCH', `/api/nodes/${dbNode}`, { session, body: patch })).statusCode).toBe(200);
    await asOwner('PATCH', `/api/people/${await world.personId('rita')}`, { role: 'viewer' });
    expect(await closed).toBe(4401);
    expect(codeOf(await world.call('PATCH', `/api/nodes/${dbNode}`, { session, body: patch }))).toBe('FORBIDDEN');
  });

  it('of the last owner stays, also when two owners take it from each other at the same time', async () => {
    const olga = await world.personId('olga');
    expect(codeOf(await asOwner('PATCH', `/api/people/${olga}`, { role: 'viewer' }))).toBe('CONFLICT');
    const session = await world.addPerson('otto', 'owner');
    const otto = await world.personId('otto');
    const replies = await Promise.all([
      asOwner('PATCH', `/api/people/${otto}`, { role: 'viewer' }),
      world.call('PATCH', `/api/people/${olga}`, { session, body: { role: 'viewer' } }),
    ]);
    expect(replies.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    expect(await world.fixture.sql`SELECT count(*)::int AS n FROM person WHERE role = 'owner'`).toEqual([{ n: 1 }]);
    await world.fixture
      .sql`UPDATE person SET role = CASE name WHEN 'olga' THEN 'owner' ELSE 'viewer' END WHERE name IN ('olga', 'otto')`;
    await expect.poll(async () => (await asOwner('GET', '/api/people')).statusCode, { timeout: 10_000 }).toBe(200);
  });

  it('that is built in cannot be changed, one in use cannot be deleted, bad rules are refused', async () => {
    expect(codeOf(await asOwner('PUT', '/api/roles/owner', { rules: [webRule(['read'])] }))).toBe('CONFLICT');
    await makeRole('helpdesk', [webRule(['read'])]);
    await world.addPerson('hana', 'helpdesk');
    expect(codeOf(await asOwner('DELETE', '/api/roles/helpdesk'))).toBe('CONFLICT');
    for (const rules of [
      [],
      [{ ...webRule(['read']), what: ['everything'] }],
      [{ ...webRule(['read']), where: {} }],
      [{ ...webRule(['read']), where: { dc: 'x' } }],
    ])
      expect(codeOf(await asOwner('PUT', '/api/roles/odd', { rules }))).toBe('BAD_REQUEST');
  });

  it('whose stored rules were damaged gives nothing', async () => {
    await makeRole('brittle', [webRule(['read'])]);
    const session = await world.addPerson('bert', 'brittle');
    expect((await world.call('GET', '/api/me', { session })).statusCode).toBe(200);
    await world.fixture.sql`UPDATE role SET rules = '[{"what":["admin"],"where":"everywhere"}]' WHERE name = 'brittle'`;
    await makeRole('other', [webRule(['read'])]);
    expect(codeOf(await world.call('GET', '/api/people', { session }))).toBe('FORBIDDEN');
    expect(codeOf(await world.call('GET', '/api/nodes', { session }))).toBe('FORBIDDEN');
  });
});

describe('somebody who may act on a part of the fleet', () => {
  let session: string;
  beforeAll(async () => {
    await makeRole('web-team', [webRule(['read', 'action:node.*', 'shell', 'edit-node'])]);
    session = await world.addPerson('wanda', 'web-team');
  });
  const mine = (method: string, url: string, body?: unknown) => world.call(method, url, { session, body });

  it('sees those nodes and no other', async () => {
    expect((await mine('GET', '/api/nodes')).json()).toMatchObject({ total: 1, nodes: [{ id: webNode }] });
    for (const path of ['', '/inventory', '/inventory/changes', '/series', '/metrics?series=a&from=0&to=1']) {
      expect((await mine('GET', `/api/nodes/${webNode}${path}`)).statusCode).toBe(200);
      expect(codeOf(await mine('GET', `/api/nodes/${dbNode}${path}`))).toBe('FORBIDDEN');
    }
    // Of the log they read their own part (audit-sight.test.ts); a whole copy of it is not for them.
    expect(codeOf(await mine('GET', '/api/audit/export'))).toBe('FORBIDDEN');
    expect(codeOf(await mine('GET', `/api/nodes/${randomUUID()}`))).toBe('FORBIDDEN');
  });

  it('runs nothing elsewhere, not even beside what is allowed, nor another action', async () => {
    const run = (nodes: string[], action = 'node.ping') =>
      mine('POST', '/api/runs', { action, args: {}, nodes, mode: 'plan' });
    for (const reply of [
      await run([dbNode]),
      await run([webNode, dbNode]),
      await run([webNode, randomUUID()]),
      await run([webNode], 'php.switch-version'),
    ])
      expect(codeOf(reply)).toBe('FORBIDDEN');
    expect(codeOf(await run([]))).toBe('BAD_REQUEST');
  });

  it('cannot move a node out of the own reach, nor pull one in', async () => {
    expect(codeOf(await mine('PATCH', `/api/nodes/${webNode}`, { labels: { tier: 'db' } }))).toBe('FORBIDDEN');
    expect(codeOf(await mine('PATCH', `/api/nodes/${dbNode}`, { labels: { tier: 'web' } }))).toBe('FORBIDDEN');
    expect((await mine('PATCH', `/api/nodes/${webNode}`, { labels: { tier: 'web', rack: '1' } })).statusCode).toBe(200);
  });

  it('opens no shell elsewhere, nor as a user that the role does not name', async () => {
    const shell = (node: string, user?: string) =>
      mine('POST', `/api/nodes/${node}/shells`, { columns: 80, rows: 24, ...(user === undefined ? {} : { user }) });
    expect(codeOf(await shell(dbNode, 'deploy'))).toBe('FORBIDDEN');
    expect(codeOf(await shell(webNode, 'root'))).toBe('FORBIDDEN');
    expect(codeOf(await shell(webNode))).toBe('FORBIDDEN');
    expect(codeOf(await shell(webNode, 'deploy'))).not.toBe('FORBIDDEN');
  });

  it('hears nothing of other nodes over the live socket', async () => {
    const { ticket } = (await mine('POST', '/api/socket-tickets', {})).json<{ ticket: string }>();
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/api/live?ticket=${ticket}`, {
      headers: { origin: world.origin },
    });
    const said: unknown[] = [];
    socket.on('message', (text: Buffer) => said.push(JSON.parse(text.toString())));
    await new Promise((done) => socket.once('open', done));
    socket.send(JSON.stringify({ t: 'watch-node', nodeId: dbNode, series: [] }));
    socket.send(JSON.stringify({ t: 'watch-run', runId: randomUUID() }));
    await expect.poll(() => said).toMatchObject([{ code: 'FORBIDDEN' }, { code: 'FORBIDDEN' }]);
    socket.send(JSON.stringify({ t: 'watch-fleet' }));
    socket.send(JSON.stringify({ t: 'watch-node', nodeId: webNode, series: [] }));
    await asOwner('PATCH', `/api/nodes/${dbNode}`, { labels: { tier: 'db', rack: '2' } });
    await asOwner('PATCH', `/api/nodes/${webNode}`, { labels: { tier: 'web', rack: '3' } });
    await expect.poll(() => said.length).toBeGreaterThan(2);
    expect(JSON.stringify(said)).not.toContain(dbNode);
    socket.terminate();
  });
});

describe("an API token's scope", () => {
  it('lets through what it names and nothing else, and is shown in the list', async () => {
    const scope = [webRule(['read'])];
    const made = (await asOwner('POST', '/api/tokens', { name: 'reader', scope })).json<TokenCreated>();
    const by = (method: string, url: string, body?: unknown) => world.call(method, url, { token: made.secret, body });
    expect((await by('GET', `/api/nodes/${webNode}`)).statusCode).toBe(200);
    expect(codeOf(await by('GET', `/api/nodes/${dbNode}`))).toBe('FORBIDDEN');
    expect(codeOf(await by('GET', '/api/people'))).toBe('FORBIDDEN');
    expect(
      codeOf(await by('POST', '/api/runs', { action: 'node.ping', args: {}, nodes: [webNode], mode: 'plan' })),
    ).toBe('FORBIDDEN');
    expect((await asOwner('GET', '/api/tokens')).json<unknown[]>()).toContainEqual(
      expect.objectContaining({ id: made.id, scope }),
    );
  });
});

describe('sessions', () => {
  it('are listed and ended, by their person and by an owner, and by nobody else', async () => {
    const one = await world.addPerson('sam', 'viewer');
    const two = sessionOf(
      await world.call('POST', '/api/sign-in', { body: { name: 'sam', password: 'correct horse battery' } }),
    );
    const rows = (await world.call('GET', '/api/me/sessions', { session: one })).json<SignInRow[]>();
    expect(rows.filter(({ isThis }) => isThis)).toHaveLength(1);
    expect(rows).toHaveLength(2);
    const other = rows.find(({ isThis }) => !isThis)?.id ?? '';
    const stranger = await world.addPerson('sue', 'viewer');
    expect(codeOf(await world.call('DELETE', `/api/me/sessions/${other}`, { session: stranger }))).toBe('NOT_FOUND');
    expect((await world.call('DELETE', `/api/me/sessions/${other}`, { session: one })).statusCode).toBe(200);
    expect(codeOf(await world.call('GET', '/api/me', { session: two }))).toBe('NOT_SIGNED_IN');
    const id = await world.personId('sam');
    const [last] = (await asOwner('GET', `/api/people/${id}/sessions`)).json<SignInRow[]>();
    expect((await asOwner('DELETE', `/api/people/${id}/sessions/${last?.id}`)).statusCode).toBe(200);
    expect(codeOf(await world.call('GET', '/api/me', { session: one }))).toBe('NOT_SIGNED_IN');
    // The id of a session is no key.
    expect(codeOf(await world.call('GET', '/api/me', { session: last?.id ?? '' }))).toBe('NOT_SIGNED_IN');
  });
});

describe('offboarding', () => {
  it('ends every way in at once, cancels what waits, and says so', async () => {
    const session = await world.addPerson('lea', 'operator');
    const id = await world.personId('lea');
    const token = (await world.call('POST', '/api/tokens', { session, body: { name: 'script' } })).json<TokenCreated>();
    const run = { action: 'node.ping', args: {}, nodes: [webNode, dbNode], mode: 'apply', startWithinMs: 600_000 };
    expect((await world.call('POST', '/api/runs', { session, body: run })).statusCode).toBe(200);
    const reply = await asOwner('POST', `/api/people/${id}/offboard`, {});
    expect(reply.json()).toMatchObject({
      name: 'lea',
      sessions: 1,
      tokens: 1,
      ordersCancelled: 2,
      ordersUnderWay: 0,
      shells: [],
    });
    expect(codeOf(await world.call('GET', '/api/me', { session }))).toBe('NOT_SIGNED_IN');
    expect(codeOf(await world.call('GET', '/api/me', { token: token.secret }))).toBe('NOT_SIGNED_IN');
    const again = { name: 'lea', password: 'correct horse battery' };
    expect(codeOf(await world.call('POST', '/api/sign-in', { body: again }))).toBe('SIGN_IN_REFUSED');
    expect(await world.fixture.sql`SELECT DISTINCT state FROM run_target`).toEqual([{ state: 'cancelled' }]);
    expect(await world.fixture.sql`SELECT open_targets FROM run`).toEqual([{ open_targets: 0 }]);
    expect(codeOf(await asOwner('POST', `/api/people/${id}/invite`, {}))).toBe('NOT_FOUND');
    expect(codeOf(await asOwner('POST', `/api/people/${id}/offboard`, {}))).toBe('NOT_FOUND');
    // Nobody else becomes lea.
    expect(codeOf(await asOwner('POST', '/api/people', { name: 'lea', role: 'viewer' }))).toBe('CONFLICT');
    const { rows } = await world.controller.services.audit.list({ code: 'A1048I' });
    expect(rows).toMatchObject([{ who: 'olga', detail: { name: 'lea', sessions: 1, ordersCancelled: 2 } }]);
  });

  it('of the last owner is refused, and ends nothing', async () => {
    const id = await world.personId('olga');
    expect(codeOf(await asOwner('POST', `/api/people/${id}/offboard`, {}))).toBe('CONFLICT');
    expect((await asOwner('GET', '/api/me')).statusCode).toBe(200);
  });

  it('takes back approvals that were given, and denies those that were asked for', async () => {
    const session = await world.addPerson('ada', 'operator');
    const id = await world.personId('ada');
    const [asked, given] = [randomUUID(), randomUUID()];
    await world.fixture
      .sql`INSERT INTO approval_request (id, kind, state, statement, needed, requester_id, requester, asked_at, expires_at)
      VALUES (${asked}, 'run', 'waiting', '{}', 1, ${id}, 'ada', 0, 9), (${given}, 'run', 'approved', '{}', 1, 'x', 'x', 0, 9)`;
    await world.fixture
      .sql`INSERT INTO approval (subject, operator, name, assertion, given_at) VALUES (${given}, ${id}, 'ada', '{}', 0)`;
    expect(session).not.toBe('');
    expect((await asOwner('POST', `/api/people/${id}/offboard`, {})).json()).toMatchObject({ approvals: 2 });
    expect(await world.fixture.sql`SELECT state FROM approval_request WHERE id = ${asked}`).toEqual([
      { state: 'denied' },
    ]);
    expect(await world.fixture.sql`SELECT state FROM approval_request WHERE id = ${given}`).toEqual([
      { state: 'waiting' },
    ]);
    expect(await world.fixture.sql`SELECT * FROM approval`).toEqual([]);
  });

  it('an approved run of which nothing is signed yet waits again', async () => {
    await world.addPerson('eda', 'operator');
    const id = await world.personId('eda');
    const run = randomUUID();
    const soon = Date.now() + 600_000;
    const given = JSON.stringify({ targets: [webNode], approvals: [{ operator: id }] });
    await world.fixture
      .sql`INSERT INTO run (id, action, action_version, mode, args, requester_id, requester, via, request_hash, created_at, expires_at, open_targets, needs_approval, approval)
      VALUES (${run}, 'node.ping', 1, 'apply', '{}', 'x', 'x', 'page', ${run}, 0, ${soon}, 1, true, ${given}::text::jsonb)`;
    await world.fixture.sql`INSERT INTO run_target (order_id, run_id, node_id, state, expires_at, detail, verification)
      VALUES (${randomUUID()}, ${run}, ${webNode}, 'queued', ${soon}, '', '[]')`;
    await world.fixture
      .sql`INSERT INTO approval_request (id, kind, state, statement, needed, requester_id, requester, asked_at, expires_at)
      VALUES (${run}, 'run', 'used', '{}', 1, 'x', 'x', 0, ${soon})`;
    await world.fixture
      .sql`INSERT INTO approval (subject, operator, name, assertion, given_at) VALUES (${run}, ${id}, 'eda', '{}', 0)`;
    expect((await asOwner('POST', `/api/people/${id}/offboard`, {})).json()).toMatchObject({ approvals: 1, trust: [] });
    expect(
      await world.fixture
        .sql`SELECT r.approval, q.state FROM run r JOIN approval_request q ON q.id = r.id WHERE r.id = ${run}`,
    ).toEqual([{ approval: null, state: 'waiting' }]);
  });
});
