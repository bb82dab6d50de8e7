import type { AuditRow } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControllerWorld, sessionOf, type ControllerWorld } from '../../../test/support/controller-world.ts';
import { ROUTE_ROWS } from './audit/route-rows.ts';

let world: ControllerWorld;
beforeAll(async () => {
  world = await createControllerWorld();
});
afterAll(() => world.stop());

const NOWHERE = '00000000-0000-4000-8000-000000000000';
const isChange = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method);
const changes = () => world.controller.app.routes.filter(({ method }) => isChange(method));
const nameOf = ({ method, url }: { readonly method: string; readonly url: string }): string => `${method} ${url}`;
const allRows = async (): Promise<readonly AuditRow[]> =>
  (await world.controller.services.audit.list({ limit: 1000 })).rows;
const lastSeq = async (): Promise<number> => (await allRows())[0]?.seq ?? 0;
const rowsAfter = async (seq: number): Promise<AuditRow[]> => (await allRows()).filter((row) => row.seq > seq);
const tellsOf = (row: AuditRow, method: string, url: string): boolean =>
  row.detail['method'] === method && row.detail['route'] === url;

/** A session of its own, so that ending it ends nothing else. */
const freshSession = async (): Promise<string> =>
  sessionOf(await world.call('POST', '/api/sign-in', { body: { name: 'olga', password: 'correct horse battery' } }));
const idOf = async (url: string, body: object): Promise<string> =>
  (await world.call('POST', url, { session: world.owner, body })).json<{ id: string }>().id;

interface Example {
  readonly url: string;
  readonly body?: object;
  readonly session?: string;
}

/** A run in waves on nodes that are away: it waits for its canary. */
const waitingRun = async (...verbs: readonly ('pause' | 'cancel')[]): Promise<string> => {
  const nodes = [await world.addNode(), await world.addNode()];
  const id = await idOf('/api/runs', { action: 'node.ping', args: {}, nodes, mode: 'apply', strategy: {} });
  for (const verb of verbs) await world.call('POST', `/api/runs/${id}/${verb}`, { session: world.owner, body: {} });
  return id;
};

const scheduleOf = async (name: string): Promise<object> => ({
  ...{ name, cron: '@yearly', zone: 'UTC' },
  ...{ action: 'node.ping', args: {}, nodes: [await world.addNode()], mode: 'apply' },
});
const schedule = async (name: string): Promise<string> => idOf('/api/schedules', await scheduleOf(name));
/** Of nodes that nobody has: it holds none of the other requests. */
const windowOf = (name: string): object => ({
  ...{ name, kind: 'freeze', on: 'role=mail and role=web', cron: '@yearly', durationMinutes: 1 },
});

/** Its name has no address. */
const hookOf = (name: string): object => ({ name, url: 'https://receiver.invalid/', events: ['run.failed'] });
const hook = async (name: string): Promise<string> => idOf('/api/webhooks', hookOf(name));

/** A request that succeeds, for each route that is said to write entries of its own. */
const EXAMPLES: Readonly<Record<string, () => Promise<Example>>> = {
  'POST /api/sign-in': async () => ({ url: '/api/sign-in', body: { name: 'olga', password: 'correct horse battery' } }),
  'POST /api/sign-out': async () => ({ url: '/api/sign-out', body: {}, session: await freshSession() }),
  'POST /api/tokens': async () => ({ url: '/api/tokens', body: { name: 'one' } }),
  'DELETE /api/tokens/:id': async () => ({ url: `/api/tokens/${await idOf('/api/tokens', { name: 'two' })}` }),
  'POST /api/cli-sign-in/approve': async () => {
    const asked = await world.call('POST', '/api/cli-sign-in', { body: {} });
    return { url: '/api/cli-sign-in/approve', body: { userCode: asked.json<{ userCode: string }>().userCode } };
  },
  'POST /api/join-tokens': async () => ({ url: '/api/join-tokens', body: {} }),
  'DELETE /api/join-tokens/:id': async () => ({ url: `/api/join-tokens/${await idOf('/api/join-tokens', {})}` }),
  'PATCH /api/nodes/:nodeId': async () => ({ url: `/api/nodes/${await world.addNode()}`, body: { roles: ['mail'] } }),
  'DELETE /api/nodes/:nodeId': async () => ({ url: `/api/nodes/${await world.addNode()}` }),
  'POST /api/runs': async () => ({
    url: '/api/runs',
    body: { action: 'node.ping', args: {}, nodes: [await world.addNode()], mode: 'apply' },
  }),
  'POST /api/runs/:runId/cancel': async () => ({ url: `/api/runs/${await waitingRun()}/cancel`, body: {} }),
  'POST /api/runs/:runId/pause': async () => ({ url: `/api/runs/${await waitingRun()}/pause`, body: {} }),
  'POST /api/runs/:runId/resume': async () => ({ url: `/api/runs/${await waitingRun('pause')}/resume`, body: {} }),
  'POST /api/runs/:runId/undo': async () => ({ url: `/api/runs/${await waitingRun()}/undo`, body: {} }),
  'POST /api/runs/:runId/retry': async () => ({
    url: `/api/runs/${await waitingRun('cancel')}/retry`,
    body: { what: 'unfinished' },
  }),
  'POST /api/schedules': async () => ({ url: '/api/schedules', body: await scheduleOf('made') }),
  'POST /api/schedules/:scheduleId/pause': async () => ({
    url: `/api/schedules/${await schedule('going')}/pause`,
    body: {},
  }),
  'POST /api/schedules/:scheduleId/resume': async () => {
    const id = await schedule('resting');
    await world.call('POST', `/api/schedules/${id}/pause`, { session: world.owner, body: {} });
    return { url: `/api/schedules/${id}/resume`, body: {} };
  },
  'DELETE /api/schedules/:scheduleId': async () => ({ url: `/api/schedules/${await schedule('leaving')}` }),
  'POST /api/windows': async () => ({ url: '/api/windows', body: windowOf('made') }),
  'DELETE /api/windows/:windowId': async () => ({
    url: `/api/windows/${await idOf('/api/windows', windowOf('gone'))}`,
  }),
  'POST /api/webhooks': async () => ({ url: '/api/webhooks', body: hookOf('made') }),
  'DELETE /api/webhooks/:webhookId': async () => ({ url: `/api/webhooks/${await hook('gone')}` }),
  'POST /api/webhooks/:webhookId/test': async () => ({ url: `/api/webhooks/${await hook('tried')}/test`, body: {} }),
  'POST /api/webhooks/:webhookId/redeliver': async () => ({
    url: `/api/webhooks/${await hook('again')}/redeliver`,
    body: {},
  }),
};
/** Proven where they are: the first account and passkeys need parts of their own, a shell a node, a finding a witness, sign-ons a provider. */
const ELSEWHERE = [
  'POST /api/setup',
  'POST /api/sign-in/passkey',
  'POST /api/nodes/:nodeId/shells',
  'POST /api/audit/findings/:id/acknowledge',
  'POST /api/sign-on/finish',
  'POST /api/me/sign-ons',
  'POST /api/me/sign-ons/:id/remove',
];

describe('every route that changes something', () => {
  it('writes a row for a refusal, with the route and the code', async () => {
    const before = await lastSeq();
    for (const { method, url } of changes()) {
      const path = url.replaceAll(/:\w+/g, NOWHERE);
      const reply = await world.call(method, path, { body: { surprise: true } });
      expect(reply.statusCode).toBeGreaterThanOrEqual(400);
    }
    // They are written behind, some at a time.
    const silent = async (): Promise<string[]> => {
      const refused = (await rowsAfter(before)).filter(({ outcome }) => outcome !== 'ok');
      return changes()
        .filter(({ method, url }) => !refused.some((row) => tellsOf(row, method, url)))
        .map(nameOf);
    };
    await expect.poll(silent, { timeout: 10_000 }).toEqual([]);
  });

  it('writes its own rows when it succeeds, as the table says', async () => {
    const wrong: string[] = [];
    for (const [route, example] of Object.entries(EXAMPLES)) {
      const { url, body, session } = await example();
      const before = await lastSeq();
      const [method = ''] = route.split(' ');
      const reply = await world.call(method, url, { session: session ?? world.owner, ...(body && { body }) });
      const codes = (await rowsAfter(before)).map(({ code }) => code);
      const missing = (ROUTE_ROWS[route] ?? []).filter((code) => !codes.includes(code));
      if (reply.statusCode >= 300 || missing.length > 0) wrong.push(`${route}: ${reply.statusCode} ${codes.join(' ')}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is in the table with an example, or gets the general row', async () => {
    const known = new Set(changes().map(nameOf));
    expect(Object.keys(ROUTE_ROWS).filter((route) => !known.has(route))).toEqual([]);
    const own = Object.keys(ROUTE_ROWS).filter((route) => (ROUTE_ROWS[route]?.length ?? 0) > 0);
    expect(own.toSorted()).toEqual([...Object.keys(EXAMPLES), ...ELSEWHERE].toSorted());
    // Widening this list is a decision: nobody will ever see that these were called.
    expect(Object.keys(ROUTE_ROWS).filter((route) => ROUTE_ROWS[route]?.length === 0)).toEqual([
      'POST /api/runs/targets',
      'POST /api/socket-tickets',
      'POST /api/setup/passkey-options',
      'POST /api/sign-in/passkey-options',
      'POST /api/sign-on/begin',
      'POST /api/me/prove-options',
      'POST /api/cli-sign-in',
      'POST /api/cli-sign-in/poll',
    ]);
  });

  it('gets the general row when it is in no table', async () => {
    const { requestRows } = world.controller.services;
    const before = await lastSeq();
    const ended = { method: 'PUT', route: '/api/new', status: 200, code: null, who: 'olga', address: '192.0.2.1' };
    requestRows.ended(ended);
    requestRows.ended({ ...ended, method: 'GET' });
    await requestRows.stop();
    const rows = (await rowsAfter(before)).filter(({ detail }) => detail['route'] === '/api/new');
    expect(rows).toMatchObject([{ code: 'A1032I', who: 'olga', detail: { method: 'PUT' } }]);
  });

  it('fills one row, not the log, for an attacker who is refused a thousand times', async () => {
    const before = await lastSeq();
    const { requestRows } = world.controller.services;
    for (let n = 0; n < 1000; n += 1) {
      const route = n % 2 === 0 ? '/api/runs' : `/api/x${n}`;
      requestRows.ended({ method: 'POST', route, status: 401, code: 'NOT_SIGNED_IN', who: null, address: '192.0.2.9' });
    }
    await requestRows.stop();
    const rows = await rowsAfter(before);
    expect(rows.length).toBeLessThanOrEqual(101);
    expect(rows.some(({ detail }) => detail['count'] === 500)).toBe(true);
  });
});

describe('the page’s routes', () => {
  it('say why a run was allowed, from the signed order itself', async () => {
    const nodeId = await world.addNode();
    const body = { action: 'node.ping', args: {}, nodes: [nodeId], mode: 'apply', reason: 'to see' };
    const made = await world.call('POST', '/api/runs', { session: world.owner, body });
    expect(made.statusCode).toBe(200);
    const row = (await allRows()).find(({ code }) => code === 'A3001I');
    expect(row).toMatchObject({ nodeId, hostName: `n-${nodeId.slice(0, 8)}` });
    const why = await world.call('GET', `/api/audit/${row?.seq}/why`, { session: world.owner });
    expect(why.json()).toMatchObject({
      who: 'olga',
      runId: made.json<{ id: string }>().id,
      order: { isSigned: true, said: { requester: 'olga', reason: 'to see', approvals: 0 } },
      policy: { text: '' },
    });
    expect((await world.call('GET', '/api/audit/999999/why', { session: world.owner })).statusCode).toBe(404);
  });

  it('give the export to owners only, and the key that checks it to everybody', async () => {
    const viewer = await world.addPerson('vera', 'viewer');
    expect((await world.call('GET', '/api/audit/export', { session: viewer })).statusCode).toBe(403);
    const text = (await world.call('GET', '/api/audit/export', { session: world.owner })).body;
    expect(text.split('\n').at(-2)).toMatch(/^\{"t":"end",/);
    const state = (await world.call('GET', '/api/audit/state', { session: viewer })).json<{
      key: string;
      rows: number;
    }>();
    expect(state.key).toHaveLength(43);
    expect(state.rows).toBeGreaterThan(0);
  });
});
