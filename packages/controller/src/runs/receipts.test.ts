import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, signOrder, signReceipt } from '@hauban/link';
import type { Receipt } from '@hauban/shared/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRunDesk, type RunDesk } from '../../../../test/support/run-desk.ts';
import type { RunWorld, WorldNode } from '../../../../test/support/run-world.ts';

let desk: RunDesk;
let world: RunWorld;
beforeAll(async () => {
  desk = await createRunDesk();
  ({ world } = desk);
});
afterAll(() => world.stop());
beforeEach(() => desk.startOver());

function alter(jws: string): string {
  const [head, body = '', signature] = jws.split('.');
  const payload = Buffer.from(body, 'base64url').toString().replace('"failed"', '"succeeded"');
  return [head, Buffer.from(payload).toString('base64url'), signature].join('.');
}

describe('a receipt', () => {
  it('that is repeated is acknowledged again and changes nothing', async () => {
    const run = await desk.start();
    const orderId = run.targets[0]?.orderId;
    expect(await desk.answer(desk.lastSent())).toBe(orderId);
    const before = await desk.made.runs.get(run.id);
    // Even one that says something else now: the first word counts.
    expect(await desk.answer(desk.lastSent(), desk.node(), { outcome: 'failed', code: 'ACTION_FAILED' })).toBe(orderId);
    const both = await Promise.all([desk.answer(desk.lastSent()), desk.answer(desk.lastSent())]);
    expect(both).toEqual([orderId, orderId]);
    expect(await desk.made.runs.get(run.id)).toEqual(before);
  });

  it('that comes many times at once counts once', async () => {
    const run = await desk.start(desk.ping({ nodes: [desk.node(0).id, desk.node(1).id] }));
    const mine = desk.sentTo(desk.node());
    await Promise.all(Array.from({ length: 20 }, () => desk.answer(mine)));
    const detail = await desk.made.runs.get(run.id);
    expect(detail.finishedAt).toBeNull();
    expect(detail.counts).toEqual({ succeeded: 1, leased: 1 });
  });

  const attacks: [string, (jws: string) => Promise<[WorldNode, string]>][] = [
    ['by a wrong key', async (jws) => [desk.node(), await signReceipt(desk.receiptFor(jws), createKeyPair())]],
    [
      'by another node in its own name',
      async (jws) => [
        desk.node(1),
        await signReceipt(desk.receiptFor(jws, { node: desk.node(1).id }), desk.node(1).key),
      ],
    ],
    [
      "by another node in this node's name",
      async (jws) => [desk.node(1), await signReceipt(desk.receiptFor(jws), desk.node(1).key)],
    ],
    [
      'over the link of another node',
      async (jws) => [desk.node(1), await signReceipt(desk.receiptFor(jws), desk.node(0).key)],
    ],
    [
      'for another content of the order',
      async (jws) => [
        desk.node(),
        await signReceipt(desk.receiptFor(jws, { orderHash: 'a'.repeat(64) }), desk.node().key),
      ],
    ],
    [
      'for an order that does not exist',
      async (jws) => [desk.node(), await signReceipt(desk.receiptFor(jws, { order: randomUUID() }), desk.node().key)],
    ],
    [
      'with its payload altered',
      async (jws) => [
        desk.node(),
        alter(await signReceipt(desk.receiptFor(jws, { outcome: 'failed', code: 'X' }), desk.node().key)),
      ],
    ],
    [
      'signed as an order',
      async (jws) => [
        desk.node(),
        await signOrder(
          desk.receiptFor(jws) as never,
          desk.node().key,
          keyThumbprint(desk.node().key.publicText) ?? '',
        ),
      ],
    ],
    ['that is no JWS', async () => [desk.node(), 'a.b.c']],
  ];
  it.each(attacks)('%s is not believed and not acknowledged', async (_name, attack) => {
    const run = await desk.start();
    const [by, jws] = await attack(desk.lastSent());
    expect(await desk.made.receipts.receipt({ nodeId: by.id }, jws)).toBeNull();
    expect(await desk.stateOf(run)).toBe('leased');
    expect((await world.audit.list({ limit: 1 })).rows[0]).toMatchObject({ code: 'A3020W', outcome: 'refused' });
    // The true one is believed afterwards.
    expect(await desk.answer(desk.sentTo(desk.node()))).not.toBeNull();
  });

  it('forged without end fills twenty rows a minute of the audit log, not more', async () => {
    const forger = await world.addNode('node-77');
    const count = async (): Promise<number> => (await world.audit.list({ nodeId: forger.id, limit: 1000 })).rows.length;
    const forge = async (): Promise<unknown> => desk.made.receipts.receipt({ nodeId: forger.id }, 'a.b.c');
    for (let n = 0; n < 50; n += 1) expect(await forge()).toBeNull();
    expect(await count()).toBe(20);
    world.clock.advance(60_000);
    await forge();
    expect(await count()).toBe(21);
  });

  it('may hold anything: what the API promises has its shape, the rest is data', async () => {
    const run = await desk.start();
    const script = '<script>alert(1)</script>';
    const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`) as unknown;
    await desk.answer(desk.lastSent(), desk.node(), {
      detail: `${script}\0`,
      plan: {
        hash: 'h',
        changes: [{ kind: script, title: 5, before: null, after: { x: 1 } }, null, 'text'],
        notes: [script, 7],
      },
      verification: [{ name: script, ok: 1, saw: 'x\0y' }],
      data: { deep, text: '2', half: '\ud83d' },
    });
    const [target] = (await desk.made.runs.get(run.id)).targets;
    expect(target).toMatchObject({
      detail: `${script}\uFFFD`,
      plan: {
        hash: 'h',
        notes: [script, ''],
        changes: [{ kind: script, title: '', before: null, after: null }, { kind: '' }, { kind: '' }],
      },
      verification: [{ name: script, ok: true, saw: 'x\uFFFDy' }],
      data: { text: '2', half: '\uFFFD' },
    });
  });

  it('of many nodes at once is kept as each of them said it, whatever it holds', async () => {
    const run = await desk.start(desk.ping({ nodes: desk.nodes.map(({ id }) => id) }));
    const says = [
      { detail: 'done' },
      {
        outcome: 'failed',
        code: 'ACTION_FAILED',
        detail: `no\0 "luck" \\ {}`,
        verification: [{ name: 'n', ok: 0, saw: 'x\0y' }],
      },
      { outcome: 'unchanged', plan: { hash: 'h', changes: [], notes: [`it's`] }, data: { half: '\ud83d', n: null } },
      { outcome: 'refused', code: 'POLICY_DENIED', data: { list: [1.5, 'two'] }, startedAt: 7, finishedAt: 8 },
    ] as const;
    const answers = desk.nodes.map((node, at) => desk.answer(desk.sentTo(node), node, says[at] as Partial<Receipt>));
    expect(await Promise.all(answers)).not.toContain(null);
    const rows = await world.sql`
      SELECT node_id AS node, state, code, detail, plan, verification, data, finished_at::int8 = 8 AS "isEarly"
      FROM run_target WHERE run_id = ${run.id}`;
    const nothing = { code: null, plan: null, verification: [], data: null, isEarly: false };
    const byNode = new Map(rows.map(({ node, ...row }) => [String(node), row]));
    expect(desk.nodes.map(({ id }) => byNode.get(id))).toEqual([
      { ...nothing, state: 'succeeded', detail: 'done' },
      {
        ...nothing,
        ...{ state: 'failed', code: 'ACTION_FAILED', detail: 'no\uFFFD "luck" \\ {}' },
        verification: [{ name: 'n', ok: 0, saw: 'x\uFFFDy' }],
      },
      {
        ...nothing,
        ...{ state: 'unchanged', detail: 'done', plan: { hash: 'h', changes: [], notes: [`it's`] } },
        data: { half: '\uFFFD', n: null },
      },
      {
        ...nothing,
        state: 'refused',
        code: 'POLICY_DENIED',
        detail: 'done',
        data: { list: [1.5, 'two'] },
        isEarly: true,
      },
    ]);
    expect((await desk.made.runs.get(run.id)).finishedAt).not.toBeNull();
  });
});
