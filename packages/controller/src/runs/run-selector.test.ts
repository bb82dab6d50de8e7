import type { RunDetail, TargetsReply } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';

let world: ControllerWorld;
let helper: string;
let inA: string;
let inB: string;
beforeAll(async () => {
  world = await createControllerWorld();
  inA = await world.addNode({ dc: 'a', pool: 'shared' });
  inB = await world.addNode({ dc: 'b' });
  await world.fixture.sql`INSERT INTO inventory_section (node_id, name, hash, data, taken_at, changed_at)
    VALUES (${inA}, 'php', 'x', '[{"version":"8.1"},{"version":5},null]', 0, 0), (${inB}, 'php', 'x', '{"unavailable":"x"}', 0, 0)`;
  const how = { runAs: ['*'], needsApproval: false, window: null };
  const rules = [
    { name: 'read', what: ['read'], where: 'everywhere', how },
    { name: 'ping in a', what: ['action:node.ping'], where: { labels: { dc: 'a' } }, how },
  ];
  await world.call('PUT', '/api/roles/helpdesk', { session: world.owner, body: { rules } });
  helper = await world.addPerson('hanna', 'helpdesk');
});
afterAll(() => world.stop());

const run = (body: object, session = world.owner) =>
  world.call('POST', '/api/runs', { session, body: { action: 'node.ping', args: {}, mode: 'apply', ...body } });
const targets = async (body: object, session = world.owner): Promise<TargetsReply> =>
  (await world.call('POST', '/api/runs/targets', { session, body })).json<TargetsReply>();

describe('a selector', () => {
  it('is resolved with labels, state and inventory, and says on how many of its nodes the caller may not act', async () => {
    expect(await targets({ on: 'php<8.2 and pool=shared and offline' })).toMatchObject({
      nodes: [{ id: inA, isOnline: false }],
      total: 1,
      online: 0,
      forbidden: 0,
    });
    expect(await targets({ on: 'all', actions: ['node.ping'] }, helper)).toMatchObject({ total: 2, forbidden: 1 });
    expect(await targets({ on: 'php>9' })).toMatchObject({ total: 0 });
  });

  it('names the nodes of a run as they were judged, and stays with the run', async () => {
    const made = (await run({ on: 'label.dc=a' }, helper)).json<RunDetail>();
    expect(made).toMatchObject({ on: 'label.dc=a', nodeCount: 1, targets: [{ nodeId: inA }] });
    const key = { idempotencyKey: 'the same thing', on: 'label.dc in (a, b)' };
    const first = (await run(key)).json<RunDetail>();
    await world.addNode({ dc: 'b' });
    // It means more nodes by now: it is the same run all the same.
    expect((await run(key)).json<RunDetail>()).toMatchObject({ id: first.id, nodeCount: 2 });
  });

  it.each<[string, object, string]>([
    ['that reaches beyond the rights of who asks', { on: 'all' }, 'FORBIDDEN'],
    ['beside a list of nodes', { on: 'label.dc=a', nodes: ['00000000-0000-4000-8000-000000000000'] }, 'BAD_REQUEST'],
    ['that means no node', { on: 'label.dc=nowhere' }, 'BAD_REQUEST'],
    ['that cannot be read', { on: 'dc=a' }, 'BAD_REQUEST'],
    [
      'with a step that the person may not do',
      {
        on: 'label.dc=a',
        action: undefined,
        args: undefined,
        steps: [
          { action: 'node.ping', args: {} },
          { action: 'account.create', args: {} },
        ],
      },
      'FORBIDDEN',
    ],
    [
      'with a forbidden step hidden behind an allowed action',
      { on: 'label.dc=a', steps: [{ action: 'account.create', args: {} }] },
      'FORBIDDEN',
    ],
    ['by no place at all', {}, 'FORBIDDEN'],
  ])('%s is refused', async (_name, body, code) => {
    expect((await run(body, helper)).json()).toMatchObject({ code });
  });

  it('of a run of other actions gives no right to cancel it', async () => {
    const made = (
      await run({
        action: 'account.create',
        args: { name: 'w4a100001', domain: 'a.example', phpVersion: '8.2' },
        on: 'label.dc=a',
      })
    ).json<RunDetail>();
    const cancel = (session: string) => world.call('POST', `/api/runs/${made.id}/cancel`, { session, body: {} });
    expect((await cancel(helper)).json()).toMatchObject({ code: 'FORBIDDEN' });
    expect((await cancel(world.owner)).json()).toMatchObject({ cancelled: 1 });
  });
});
