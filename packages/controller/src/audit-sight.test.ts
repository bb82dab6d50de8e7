import { randomUUID } from 'node:crypto';
import type { AuditPage, AuditRow, AuditState, AuditWhy } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../test/support/controller-world.ts';
import { PARTIAL_RULES } from './authorization/permission-matrix.ts';

/** Sees nodes of tier=web; `viewer` sees the fleet. */
let world: ControllerWorld;
let [part, viewer, inside, outside] = ['', '', '', ''];
beforeAll(async () => {
  world = await createControllerWorld();
  await world.call('PUT', '/api/roles/web-operator', { session: world.owner, body: { rules: PARTIAL_RULES } });
  part = await world.addPerson('wilma', 'web-operator');
  viewer = await world.addPerson('victor', 'viewer');
  inside = await world.addNode({ tier: 'web' });
  outside = await world.addNode({ tier: 'db' });
  for (const nodeId of [inside, outside]) {
    const body = { action: 'node.ping', args: {}, nodes: [nodeId], mode: 'apply' };
    await world.call('POST', '/api/runs', { session: world.owner, body });
    await world.call('PATCH', `/api/nodes/${nodeId}`, { session: world.owner, body: { roles: ['mail'] } });
  }
});
afterAll(() => world.stop());

const list = async (session: string, query = ''): Promise<AuditPage> => {
  const reply = await world.call('GET', `/api/audit?limit=200${query}`, { session });
  expect(reply.statusCode).toBe(200);
  return reply.json<AuditPage>();
};
const rowsOf = async (session: string, query = ''): Promise<readonly AuditRow[]> => (await list(session, query)).rows;
const isTheirs = ({ nodeId, who }: AuditRow): boolean => nodeId === inside || who === 'wilma';
const seqsOf = (rows: readonly AuditRow[]): number[] => rows.map(({ seq }) => seq);
/** Refusals are written behind: without what came after the others were read. */
const upTo = (read: readonly AuditRow[], rows: readonly AuditRow[]): readonly AuditRow[] =>
  rows.filter(({ seq }) => seq <= (read[0]?.seq ?? 0));
const why = (session: string, seq: number) => world.call('GET', `/api/audit/${seq}/why`, { session });
const newest = async (code: string, nodeId?: string): Promise<AuditRow> => {
  const [row] = await rowsOf(world.owner, `&code=${code}${nodeId === undefined ? '' : `&nodeId=${nodeId}`}`);
  if (row === undefined) throw new Error(`no row ${code}`);
  return row;
};

describe('whoever may read a part of the fleet reads that part of the audit log', () => {
  it('the list has all rows about their nodes and all of their own, and no other', async () => {
    const all = await rowsOf(world.owner);
    const theirs = upTo(all, await rowsOf(part));
    expect(seqsOf(theirs)).toEqual(seqsOf(all.filter(isTheirs)));
    expect(theirs.some(({ nodeId }) => nodeId === inside)).toBe(true);
    expect(theirs.some(({ who, nodeId }) => who === 'wilma' && nodeId === null)).toBe(true);
    expect(all.some((row) => !isTheirs(row) && row.nodeId === outside)).toBe(true);
    expect(all.some((row) => !isTheirs(row) && row.nodeId === null)).toBe(true);
  });

  it.each([
    ['another node', () => `&nodeId=${outside}`],
    ['another person', () => '&who=olga&code=A1000I'],
    ['the controller', () => '&who=system&code=A5000I'],
    ['people and roles', () => '&code=A1040I'],
  ])('a filter for %s finds nothing', async (_what, query) => {
    expect((await rowsOf(world.owner, query())).length).toBeGreaterThan(0);
    expect(await rowsOf(part, query())).toEqual([]);
  });

  it('pages are full and their cursors lead through their rows only', async () => {
    const expected = seqsOf(await rowsOf(part));
    const seen: number[] = [];
    let cursor = '';
    for (;;) {
      const reply = await world.call('GET', `/api/audit?limit=2${cursor}`, { session: part });
      const page = reply.json<AuditPage>();
      seen.push(...seqsOf(page.rows));
      if (page.cursor === null) break;
      expect(page.rows).toHaveLength(2);
      cursor = `&cursor=${page.cursor}`;
    }
    expect(seen).toEqual(expected);
  });

  it('who follows the log gets new rows about their nodes and none about others', async () => {
    const before = seqsOf(await rowsOf(part))[0] ?? 0;
    for (const nodeId of [outside, inside, outside])
      await world.call('PATCH', `/api/nodes/${nodeId}`, { session: world.owner, body: { roles: ['web'] } });
    const fresh = (await rowsOf(part)).filter(({ seq }) => seq > before);
    expect(fresh.map(({ nodeId }) => nodeId)).toEqual([inside]);
  });

  it('why is answered for their rows, and there is no such row for others', async () => {
    const [near, far] = [await newest('A3001I', inside), await newest('A3001I', outside)];
    expect((await why(part, near.seq)).json<AuditWhy>()).toMatchObject({ seq: near.seq, who: 'olga', policy: {} });
    const hidden = await why(part, far.seq);
    const absent = await why(part, 999_999);
    expect([hidden.statusCode, absent.statusCode]).toEqual([404, 404]);
    const [said, ofNone] = [hidden, absent].map((reply) => reply.json<{ code: string; detail: string }>());
    expect(said?.code).toBe(ofNone?.code);
    expect(said?.detail.replace(String(far.seq), 'N')).toBe(ofNone?.detail.replace('999999', 'N'));
  });

  it('a node that left their part takes its rows along; of their own rows there its policy is not shown', async () => {
    const moved = await world.addNode({ tier: 'web' });
    const body = { action: 'node.ping', args: {}, nodes: [moved], mode: 'apply' };
    expect((await world.call('POST', '/api/runs', { session: part, body })).statusCode).toBe(200);
    await world.call('PATCH', `/api/nodes/${moved}`, { session: world.owner, body: { labels: { tier: 'db' } } });
    const rows = await rowsOf(part, `&nodeId=${moved}`);
    expect(new Set(rows.map(({ who }) => who))).toEqual(new Set(['wilma']));
    expect((await why(part, rows[0]?.seq ?? 0)).json<AuditWhy>().policy).toBeNull();
    expect((await why(world.owner, rows[0]?.seq ?? 0)).json<AuditWhy>().policy).not.toBeNull();
  });

  it('the export, which is the whole log, is refused', async () => {
    expect((await world.call('GET', '/api/audit/export', { session: part })).statusCode).toBe(403);
    expect((await world.call('GET', '/api/audit/export', { session: world.owner })).statusCode).toBe(200);
  });

  it('of what was found out about the log they see what is about their nodes', async () => {
    for (const nodeId of [inside, outside, null])
      await world.fixture.sql`INSERT INTO audit_finding (id, kind, seq, hash, jws, node_id, found_at)
        VALUES (${randomUUID()}, 'behind', 1, ${randomUUID()}, 'x', ${nodeId}, 1)`;
    const findingsOf = async (session: string) =>
      (await world.call('GET', '/api/audit/state', { session })).json<AuditState>().findings;
    expect((await findingsOf(part)).map(({ nodeId }) => nodeId)).toEqual([inside]);
    expect(await findingsOf(viewer)).toHaveLength(3);
  });

  it('the export is refused to an owner of a part, too', async () => {
    const rules = PARTIAL_RULES.map((rule) => ({ ...rule, what: [...rule.what, 'admin'] }));
    await world.call('PUT', '/api/roles/web-owner', { session: world.owner, body: { rules } });
    const session = await world.addPerson('wanda', 'web-owner');
    expect((await world.call('GET', '/api/audit/export', { session })).statusCode).toBe(403);
  });

  it('whoever may read the whole fleet reads the whole log', async () => {
    const all = await rowsOf(world.owner);
    expect(seqsOf(upTo(all, await rowsOf(viewer)))).toEqual(seqsOf(all));
  });

  it.each(['system', 'nobody'])('a person who wants to be called %s, to own its rows, is not invited', async (name) => {
    const reply = await world.call('POST', '/api/people', { session: world.owner, body: { name, role: 'viewer' } });
    expect(reply.statusCode).toBe(400);
  });

  it.each(['system', 'nobody'])('and one who is called %s already owns none of its rows', async (name) => {
    const session = await world.addPerson(`was-${name}`, 'web-operator');
    await world.fixture.sql`UPDATE person SET name = ${name} WHERE name = ${`was-${name}`}`;
    expect((await rowsOf(session)).every(({ nodeId }) => nodeId === inside)).toBe(true);
  });
});

describe('why an order was allowed', () => {
  it.each(['A3000I', 'A3001I'])(
    'names role and rule, on the row of who asked and on what followed (%s)',
    async (code) => {
      const body = { action: 'node.ping', args: {}, nodes: [inside], mode: 'apply' };
      await world.call('POST', '/api/runs', { session: part, body });
      const { seq } = await newest(code);
      const expected = { who: 'wilma', role: 'web-operator', rule: 'operator of a part' };
      expect((await why(world.owner, seq)).json<AuditWhy>()).toMatchObject(expected);
    },
  );

  it('as they were called then: a role that is changed later changes nothing of it', async () => {
    const body = { action: 'node.ping', args: {}, nodes: [inside], mode: 'apply' };
    await world.call('POST', '/api/runs', { session: part, body });
    const { seq } = await newest('A3001I', inside);
    const rules = PARTIAL_RULES.map((rule) => ({ ...rule, name: 'another name' }));
    await world.call('PUT', '/api/roles/web-operator', { session: world.owner, body: { rules } });
    expect((await why(world.owner, seq)).json<AuditWhy>().rule).toBe('operator of a part');
    await world.call('PUT', '/api/roles/web-operator', { session: world.owner, body: { rules: PARTIAL_RULES } });
  });

  it('each rule that was needed is named', async () => {
    const ofOne = (tier: string) => ({
      name: `pings of ${tier}`,
      what: ['read', 'action:node.ping'],
      where: { labels: { tier } },
      how: { runAs: ['*'], needsApproval: false, window: null },
    });
    const rules = [ofOne('web'), ofOne('db')];
    await world.call('PUT', '/api/roles/two-parts', { session: world.owner, body: { rules } });
    const session = await world.addPerson('tom', 'two-parts');
    const body = { action: 'node.ping', args: {}, nodes: [inside, outside], mode: 'apply' };
    expect((await world.call('POST', '/api/runs', { session, body })).statusCode).toBe(200);
    const asked = await newest('A3000I');
    const said = (await why(world.owner, asked.seq)).json<AuditWhy>();
    expect(said.rule?.split(', ').toSorted()).toEqual(['pings of db', 'pings of web']);
  });

  it('of a shell, too, on what followed from it', async () => {
    const { audit } = world.controller.services;
    const session = randomUUID();
    const entry = { who: 'wilma', nodeId: inside } as const;
    const detail = { session, user: 'root' };
    const asked = { ...detail, role: 'web-operator', rule: 'operator of a part' };
    await audit.recordAlone({ ...entry, code: 'A4000I', detail: asked });
    await audit.recordAlone({ ...entry, code: 'A4000I', detail: { ...asked, session: randomUUID(), rule: 'other' } });
    await audit.recordAlone({ ...entry, code: 'A4003I', detail });
    const { seq } = await newest('A4003I', inside);
    const expected = { sessionId: session, role: 'web-operator', rule: 'operator of a part' };
    expect((await why(part, seq)).json<AuditWhy>()).toMatchObject(expected);
  });

  it('a row that another run left is not taken for it', async () => {
    await world.call('POST', '/api/runs', {
      session: world.owner,
      body: { action: 'node.ping', args: {}, nodes: [inside], mode: 'apply' },
    });
    const first = await newest('A3001I', inside);
    await world.call('POST', '/api/runs', {
      session: part,
      body: { action: 'node.ping', args: {}, nodes: [inside], mode: 'apply' },
    });
    expect((await why(world.owner, first.seq)).json<AuditWhy>()).toMatchObject({ role: 'owner', rule: 'owner' });
  });
});
