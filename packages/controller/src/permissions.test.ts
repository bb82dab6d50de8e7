import { randomBytes, randomUUID } from 'node:crypto';
import { sha256Hex } from '@hauban/link';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createControllerWorld, type ControllerWorld } from '../../../test/support/controller-world.ts';
import {
  hasPlaces,
  MATRIX_PLACES,
  MATRIX_ROLES,
  matrixCell,
  PARTIAL_ROLE,
  PARTIAL_RULES,
  type MatrixPlace,
  type MatrixRoute,
} from './authorization/permission-matrix.ts';

const LABELS = { inside: { tier: 'web' }, outside: { tier: 'db' } } as const;
let world: ControllerWorld;
const people = new Map<string, string>();

beforeAll(async () => {
  world = await createControllerWorld();
  await world.call('PUT', '/api/roles/web-operator', { session: world.owner, body: { rules: PARTIAL_RULES } });
  for (const [index, role] of MATRIX_ROLES.entries()) {
    const id = randomUUID();
    people.set(role, id);
    const stored = role === PARTIAL_ROLE ? 'web-operator' : role;
    await world.fixture
      .sql`INSERT INTO person (id, name, role, created_at) VALUES (${id}, ${`matrix${index}`}, ${stored}, 0)`;
  }
});
afterAll(() => world.stop());

/** A session of its own for each cell, so that signing out or a changed role spoils no other. */
async function sessionFor(role: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const now = Date.now();
  await world.fixture
    .sql`INSERT INTO session (token_hash, person_id, created_at, last_used_at, expires_at, address, user_agent)
    VALUES (${sha256Hex(token)}, ${people.get(role) ?? ''}, ${now}, ${now}, ${now + 3_600_000}, '', '')`;
  return token;
}

interface Place {
  readonly nodeId: string;
  readonly runId: string;
  readonly sessionId: string;
  readonly poolId: string;
  readonly banListId: string;
}

/** A node, a run on it and a shell of that person on it: the request is well-formed and its targets exist. */
async function placeAt(place: MatrixPlace, role: string): Promise<Place> {
  const nodeId = await world.addNode(LABELS[place]);
  const [runId, sessionId, personId] = [randomUUID(), randomUUID(), people.get(role) ?? ''];
  const [poolId, banListId] = [randomUUID(), randomUUID()];
  await world.fixture
    .sql`INSERT INTO run (id, action, action_version, mode, args, requester_id, requester, via, request_hash, created_at, expires_at, finished_at, open_targets)
    VALUES (${runId}, 'node.ping', 1, 'plan', '{}', 'x', 'x', 'api', 'x', 0, 1, 1, 0)`;
  await world.fixture.sql`INSERT INTO run_target (order_id, run_id, node_id, state, expires_at, finished_at)
    VALUES (${randomUUID()}, ${runId}, ${nodeId}, 'expired', 1, 1)`;
  await world.fixture
    .sql`INSERT INTO shell_session (id, order_id, node_id, login, opened_by_id, opened_by, state, requested_at)
    VALUES (${sessionId}, ${randomUUID()}, ${nodeId}, 'root', ${personId}, 'x', 'open', 0)`;
  await world.fixture.sql`INSERT INTO pool (id, name, nodes, repair, budget, compare_minutes, created_at, created_by)
    VALUES (${poolId}, ${`p-${poolId}`}, ${world.fixture.sql.json([nodeId])}, 'show', 0, 60, 0, 'x')`;
  await world.fixture.sql`INSERT INTO ban_list (id, name, created_at, created_by)
    VALUES (${banListId}, ${`l-${banListId}`}, 0, 'x')`;
  await world.fixture.sql`INSERT INTO ban_list_pool (list_id, pool_id) VALUES (${banListId}, ${poolId})`;
  return { nodeId, runId, sessionId, poolId, banListId };
}

function bodyOf({ method, url }: MatrixRoute, { nodeId }: Place, place: MatrixPlace): unknown {
  if (method === 'GET' || method === 'DELETE') return undefined;
  if (url === '/api/runs') return { action: 'node.ping', args: {}, nodes: [nodeId], mode: 'plan' };
  if (url === '/api/schedules') {
    const [name, cron] = [`s-${randomUUID()}`, '0 3 * * *'];
    return { name, cron, zone: 'UTC', action: 'node.ping', args: {}, nodes: [nodeId], mode: 'plan' };
  }
  if (/:poolId\/(?:items|runs)$/.test(url)) return { action: 'node.ping', args: {} };
  if (/:banListId\/(?:entries|removals)$/.test(url)) return { targets: ['192.0.2.7'], plan: true };
  if (url === '/api/ban-lists') return { name: `l-${randomUUID()}`.slice(0, 40) };
  if (url.endsWith('/work')) return { kind: 'compare' };
  if (url.endsWith('/adopt')) return { nodeId, itemId: nodeId, hash: '0'.repeat(64) };
  if (url.endsWith('/shells')) return { columns: 80, rows: 24, user: 'root' };
  if (method === 'PATCH' && url.includes(':nodeId')) return { labels: LABELS[place] };
  return {};
}

const pathOf = (url: string, at: Place): string =>
  url
    .replace(':nodeId', at.nodeId)
    .replace(':runId', at.runId)
    .replace(':poolId', at.poolId)
    .replace(':banListId', at.banListId)
    .replace(':sessionId', at.sessionId)
    .replace(':seq', '1')
    .replace(/\/:itemId$/, '/00000000-0000-4000-8000-000000000000?how=forget')
    .replace(/\/metrics$/, '/metrics?series=cpu.busy&from=0&to=1')
    .replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000');

describe('the permission matrix', () => {
  it('holds in every cell of every route', async () => {
    const wrong: string[] = [];
    let cells = 0;
    const routes = world.controller.app.routes.filter(({ method }) => method !== 'HEAD');
    for (const route of routes) {
      for (const place of hasPlaces(route) ? MATRIX_PLACES : (['inside'] as const)) {
        for (const role of MATRIX_ROLES) {
          const at = await placeAt(place, role);
          const body = bodyOf(route, at, place);
          const session = await sessionFor(role);
          const reply = await world.call(route.method, pathOf(route.url, at), {
            session,
            ...(body === undefined ? {} : { body }),
          });
          const isRefused = reply.statusCode === 403 && reply.json<{ code?: string }>().code === 'FORBIDDEN';
          cells += 1;
          if (isRefused !== (matrixCell(route, role, place) === 'no'))
            wrong.push(
              `${route.method} ${route.url} ${role} ${place}: ${reply.statusCode} ${reply.body.slice(0, 120)}`,
            );
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(routes.length).toBeGreaterThan(50);
    expect(cells).toBeGreaterThan(250);
  }, 300_000);

  it('holds for every WebSocket', async () => {
    const wrong: string[] = [];
    for (const route of world.controller.upgrades.routes) {
      if (route.access === 'public') continue;
      const facts = { method: 'WebSocket', url: route.path, access: route.access, needs: route.needs };
      for (const place of hasPlaces(facts) ? MATRIX_PLACES : (['inside'] as const)) {
        for (const role of MATRIX_ROLES) {
          const at = await placeAt(place, role);
          const session = await sessionFor(role);
          const made = await world.call('POST', '/api/socket-tickets', { session, body: {} });
          const url = `ws://127.0.0.1:${world.port}${pathOf(route.path, at)}?ticket=${made.json<{ ticket: string }>().ticket}`;
          const socket = new WebSocket(url, { headers: { origin: world.origin } });
          socket.on('error', () => undefined);
          const status = await new Promise<number>((done) => {
            socket.once('open', () => done(101));
            socket.once('unexpected-response', (_request, response) => done(response.statusCode ?? 0));
          });
          socket.terminate();
          if ((status === 403) !== (matrixCell(facts, role, place) === 'no'))
            wrong.push(`${route.path} ${role} ${place}: ${status}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});
