import { randomUUID } from 'node:crypto';
import type { Compared } from '@hauban/shared/actions';
import type { PoolWorkRow } from '@hauban/shared/api';
import type { Receipt } from '@hauban/shared/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createRunWorld,
  type RunWorld,
  type SentOrder,
  type WorldController,
} from '../../../../test/support/run-world.ts';
import { createWorldPools, type WorldPools } from '../../../../test/support/world-pools.ts';

type Items = readonly { readonly action: string; readonly args: Readonly<Record<string, unknown>> }[];
const itemsOf = ({ order }: SentOrder): Items => (order.args as { readonly items: Items }).items;

let world: RunWorld;
let made: WorldController;
let pools: WorldPools;
/** What each node has, as texts of items: the node's side of compare and apply. */
const has = new Map<string, Set<string>>();
/** Items that no node can do. */
const broken = new Set<string>();
let orders: SentOrder[] = [];
/** Areas that each node was asked to watch. */
const watched = new Map<string, readonly string[]>();
const nodeAt = (index: number): string => world.nodeIds[index] ?? '';
const unit = (name: string) => ({ action: 'service.start', args: { unit: name } });

const linkTo = (nodeId: string) => ({
  session: 'one',
  watchAreas: (areas: readonly string[]) => void watched.set(nodeId, areas),
});

function build(): void {
  made = world.build();
  pools = createWorldPools(world, made, linkTo);
}

/** A node does what it is told, as the agent does. */
function answerOf(order: SentOrder): Partial<Receipt> {
  const there = has.get(order.order.aud) ?? new Set<string>();
  const items = itemsOf(order).map((item) => JSON.stringify(item));
  if (order.order.action === 'state.compare') {
    const deviations = items.flatMap((item, index) =>
      there.has(item)
        ? []
        : [
            {
              ...{ item: index, is: 'differs' as const, says: `Start ${item}` },
              changes: [{ kind: 'resource', title: `Start ${item}`, before: 'stopped', after: 'runs' }],
            },
          ],
    );
    const data: Compared = { inOrder: items.length - deviations.length, deviations };
    return { outcome: 'succeeded', data };
  }
  if (items.some((item) => broken.has(item)))
    return { outcome: 'failed', code: 'ACTION_FAILED', detail: 'it does not start; everything was undone' };
  for (const item of items) there.add(item);
  has.set(order.order.aud, there);
  return { outcome: 'succeeded' };
}

/** Lets works go on until nothing is sent any more. */
async function settle(isAnswered = true): Promise<void> {
  for (let idle = 0; idle < 3;) {
    await pools.poolWork.tick();
    await made.signing.work();
    const sent = world.takeSent();
    orders.push(...sent);
    idle = sent.length === 0 ? idle + 1 : 0;
    if (isAnswered) for (const order of sent) await world.answer(made, order, answerOf(order));
  }
}

const newPool = async (more: object = {}): Promise<string> =>
  (
    await pools.pools.make(
      { name: `web-${randomUUID().slice(0, 8)}`, nodes: [nodeAt(0), nodeAt(1)], ...more },
      world.requester,
    )
  ).id;
const work = async (poolId: string, kind: 'compare' | 'repair' | 'join', more: object = {}): Promise<PoolWorkRow[]> => {
  const pool = await pools.pools.need(poolId);
  return pools.poolViews.begun(poolId, await pools.poolWork.request(pool, { kind, ...more }, world.requester));
};
const drift = async (poolId: string) => pools.poolViews.drift(await pools.pools.need(poolId));
const endOf = async (poolId: string, id: string | undefined) =>
  (await pools.poolViews.works(poolId)).find((one) => one.id === id);

beforeAll(async () => {
  world = await createRunWorld(3);
});
afterAll(() => world.stop());
beforeEach(async () => {
  await world.sql`DELETE FROM pool`;
  await world.startOver();
  has.clear();
  watched.clear();
  broken.clear();
  orders = [];
  world.clock.advance(3_600_000);
  build();
});

describe('wishes of a pool', () => {
  it('are stored with the run that made them so, on all of its nodes', async () => {
    const poolId = await newPool();
    const run = await pools.pools.run(poolId, unit('nginx'), world.requester);
    expect(run.nodeCount).toBe(2);
    const pool = await pools.poolViews.detail(await pools.pools.need(poolId));
    expect(pool.items).toMatchObject([{ ...unit('nginx'), runId: run.id, addedBy: 'olga' }]);
    expect(pool).toMatchObject({ version: 2, itemCount: 1, driftCount: 0 });
    await pools.pools.run(poolId, { ...unit('cron'), keep: false }, world.requester);
    expect((await pools.poolViews.detail(await pools.pools.need(poolId))).items).toHaveLength(1);
  });

  it('about one thing are one: the last counts', async () => {
    const poolId = await newPool();
    const first = await pools.pools.wish(poolId, unit('nginx'), world.requester);
    const second = await pools.pools.wish(poolId, { action: 'service.stop', args: { unit: 'nginx' } }, world.requester);
    expect(second).toMatchObject({ id: first.id, action: 'service.stop' });
  });

  it('of a PHP version go into the account that is made with it elsewhere', async () => {
    const poolId = await newPool();
    const account = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2' };
    await pools.pools.wish(poolId, { action: 'account.create', args: account }, world.requester);
    const { items } = await pools.poolViews.detail(await pools.pools.need(poolId));
    expect(items[0]?.args['phpVersion']).toBe('8.2');
    const to = { account: 'w4a100010', version: '8.4' };
    await pools.pools.wish(poolId, { action: 'php.switch-version', args: to }, world.requester);
    const after = await pools.poolViews.detail(await pools.pools.need(poolId));
    expect(after.items[0]?.args['phpVersion']).toBe('8.4');
  });

  it('that are moments, end by themselves, only read, or are states themselves are refused', async () => {
    const poolId = await newPool();
    for (const item of [
      { action: 'firewall.list', args: {} },
      { action: 'node.reboot', args: {} },
      { action: 'service.restart', args: { unit: 'nginx' } },
      { action: 'firewall.ban', args: { targets: ['192.0.2.7'], durationS: 3600 } },
      { action: 'state.apply', args: { items: [unit('nginx')] } },
    ])
      await expect(pools.pools.wish(poolId, item, world.requester), item.action).rejects.toThrow();
  });

  it('that are removed are forgotten, or taken back by a run', async () => {
    const poolId = await newPool();
    const { id } = await pools.pools.wish(poolId, unit('nginx'), world.requester);
    const runId = await pools.pools.unwish(poolId, id, 'counter', world.requester);
    expect(await made.runs.get(runId ?? '')).toMatchObject({ action: 'service.stop', nodeCount: 2 });
    const other = await pools.pools.wish(poolId, unit('cron'), world.requester);
    expect(await pools.pools.unwish(poolId, other.id, 'forget', world.requester)).toBeNull();
    expect((await pools.poolViews.detail(await pools.pools.need(poolId))).items).toEqual([]);
  });
});

describe('a compare', () => {
  it('of 1,000 wishes on two nodes is ten orders, and keeps what differs with its time', async () => {
    const poolId = await newPool();
    await world.sql`INSERT INTO pool_item (id, pool_id, key, action, args, added_at, added_by)
      SELECT gen_random_uuid(), ${poolId}, n::text, 'service.start', jsonb_build_object('unit', 'php8.2-fpm'), 0, 'x'
      FROM generate_series(1, 1000) n`;
    for (const id of world.nodeIds) has.set(id, new Set([JSON.stringify(unit('php8.2-fpm'))]));
    await settle();
    expect(orders).toHaveLength(10);
    expect(orders.every(({ order }) => order.action === 'state.compare')).toBe(true);
    const { members } = await pools.poolViews.detail(await pools.pools.need(poolId));
    expect(members.map(({ inOrder, differs }) => [inOrder, differs])).toEqual([
      [1000, 0],
      [1000, 0],
    ]);
  });

  it('shows a difference with its diff, since when, and until it is gone; a pool that shows puts nothing right', async () => {
    const poolId = await newPool();
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    has.set(nodeAt(0), new Set([JSON.stringify(unit('nginx'))]));
    await settle();
    const since = world.clock.nowMs();
    expect(await drift(poolId)).toMatchObject([
      { nodeId: nodeAt(1), state: 'differs', since, changes: [{ before: 'stopped', after: 'runs' }], adoptedAt: null },
    ]);
    world.clock.advance(4_000_000);
    await settle();
    expect(await drift(poolId)).toMatchObject([{ since, seenAt: world.clock.nowMs() }]);
    has.set(nodeAt(1), new Set([JSON.stringify(unit('nginx'))]));
    await work(poolId, 'compare');
    await settle();
    expect(await drift(poolId)).toEqual([]);
    expect(orders.every(({ order }) => order.action === 'state.compare')).toBe(true);
  });

  it('whose answer is no answer believes nothing of it', async () => {
    const poolId = await newPool({ nodes: [nodeAt(0)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    const [begun] = await work(poolId, 'compare');
    await settle(false);
    const data = { deviations: [{ item: 7, is: 'differs', says: 'x', changes: [] }] };
    for (const order of orders) await world.answer(made, order, { outcome: 'succeeded', data });
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ isWell: false });
    expect(await drift(poolId)).toEqual([]);
  });

  it.each([
    ['failed is made anew after a minute', 'failed', 1],
    ['the node refuses waits for its time, as it would be refused again', 'refused', 0],
  ] as const)('that %s', async (_what, outcome, again) => {
    const poolId = await newPool({ nodes: [nodeAt(0)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    await settle(false);
    for (const order of orders) await world.answer(made, order, { outcome, code: 'ACTION_FAILED' });
    await settle();
    orders = [];
    // Who is due is looked up at every fifth tick only.
    world.clock.advance(30_000);
    for (let times = 0; times < 2; times += 1) await settle();
    expect(orders).toEqual([]);
    world.clock.advance(31_000);
    for (let times = 0; times < 2; times += 1) await settle();
    expect(orders).toHaveLength(again);
  });

  it('that was under way while the wishes changed is made anew soon: it was about those before', async () => {
    const poolId = await newPool({ nodes: [nodeAt(0)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    has.set(nodeAt(0), new Set([JSON.stringify(unit('nginx'))]));
    await settle(false);
    expect(orders).toHaveLength(1);
    await pools.pools.wish(poolId, { action: 'service.stop', args: { unit: 'nginx' } }, world.requester);
    for (const order of orders) await world.answer(made, order, answerOf(order));
    await settle();
    world.clock.advance(11_000);
    for (let times = 0; times < 3; times += 1) await settle();
    expect(await drift(poolId)).toMatchObject([{ action: 'service.stop', state: 'differs' }]);
  });

  it('is made anew soon after a hint of the node', async () => {
    const poolId = await newPool();
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    await settle();
    orders = [];
    world.clock.advance(11_000);
    await pools.poolWork.hint(nodeAt(0));
    await settle();
    expect(orders.map(({ order }) => order.aud)).toEqual([nodeAt(0)]);
  });
});

describe('a hint of a node', () => {
  const keys = { action: 'account.set-ssh-keys', args: { name: 'w4a100010', keys: [] } };
  const there = (...items: readonly object[]): Set<string> => new Set(items.map((item) => JSON.stringify(item)));
  /** A pool of two nodes that is as wished: a unit, and keys. */
  async function wellPool(): Promise<string> {
    const poolId = await newPool();
    for (const item of [unit('nginx'), keys]) await pools.pools.wish(poolId, item, world.requester);
    for (const id of world.nodeIds) has.set(id, there(unit('nginx'), keys));
    await settle();
    await settle();
    orders = [];
    return poolId;
  }
  /** Seconds go by, with what is done in them. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 5) {
      world.clock.advance(5_000);
      await settle();
      await settle();
    }
  }

  it('has that node compared within seconds, with the wishes of that area only, and shows when the change was seen', async () => {
    const poolId = await wellPool();
    expect(watched.get(nodeAt(0))).toEqual(['hosting', 'packages', 'units', 'users']);
    // Both differ now: only the area that was told of is looked at.
    has.set(nodeAt(0), there());
    world.clock.advance(60_000);
    const at = world.clock.nowMs() - 3_000;
    pools.poolWork.changed(nodeAt(0), { units: 3_000 });
    await pass(10);
    expect(orders.map((one) => [one.order.aud, itemsOf(one)])).toEqual([[nodeAt(0), [unit('nginx')]]]);
    const [seen, ...others] = await drift(poolId);
    expect(others).toEqual([]);
    expect(seen).toMatchObject({ nodeId: nodeAt(0), action: 'service.start', changedAt: at });
    const { members } = await pools.poolViews.detail(await pools.pools.need(poolId));
    expect(members.find(({ nodeId }) => nodeId === nodeAt(0))).toMatchObject({ inOrder: 1, differs: 1 });
  });

  it('leaves the other differences of the node as they were seen, and its time at the next compare of all', async () => {
    const poolId = await wellPool();
    has.set(nodeAt(0), there());
    pools.poolWork.changed(nodeAt(0), { hosting: 0 });
    await pass(10);
    const first = await drift(poolId);
    expect(first.map(({ action }) => action)).toEqual(['account.set-ssh-keys']);
    pools.poolWork.changed(nodeAt(0), { units: 0 });
    await pass(15);
    expect((await drift(poolId)).map(({ action }) => action).toSorted()).toEqual([
      'account.set-ssh-keys',
      'service.start',
    ]);
    await work(poolId, 'compare');
    await settle();
    const kept = (await drift(poolId)).find(({ action }) => action === 'account.set-ssh-keys');
    expect(kept).toMatchObject({ changedAt: first[0]?.changedAt, since: first[0]?.since });
  });

  it('of what is as wished, as an order of ours leaves it, shows nothing and says nothing', async () => {
    const poolId = await wellPool();
    const before = (await world.audit.list({ code: 'A3038W' })).rows.length;
    pools.poolWork.changed(nodeAt(0), { units: 0 });
    await pass(10);
    expect(orders).toHaveLength(1);
    expect(await drift(poolId)).toEqual([]);
    expect((await world.audit.list({ code: 'A3038W' })).rows).toHaveLength(before);
  });

  it('that lies about the time is shown between the last compare of all and now', async () => {
    const poolId = await wellPool();
    const { comparedAt } = await pools.poolViews.detail(await pools.pools.need(poolId));
    has.set(nodeAt(0), there());
    pools.poolWork.changed(nodeAt(0), { units: 86_400_000 });
    await pass(10);
    expect(await drift(poolId)).toMatchObject([{ changedAt: comparedAt }]);
  });

  it('is not answered by a compare that began before it, and a person who asks for all gets all', async () => {
    const poolId = await wellPool();
    pools.poolWork.changed(nodeAt(0), { units: 0 });
    world.clock.advance(5_000);
    for (let times = 0; times < 6; times += 1) await pools.poolWork.tick();
    const [partial] = await pools.poolViews.works(poolId, { limit: 1 });
    pools.poolWork.changed(nodeAt(0), { units: 0 });
    const [asked] = await work(poolId, 'compare', { only: [nodeAt(0)] });
    expect(asked?.id).not.toBe(partial?.id);
    await settle();
    orders = [];
    await pass(20);
    expect(orders.map((one) => itemsOf(one))).toEqual([[unit('nginx')]]);
  });

  it('AREA3 that is repeated all day costs a bounded number of compares', async () => {
    await wellPool();
    for (let times = 0; times < 120; times += 1) {
      pools.poolWork.changed(nodeAt(0), { units: 0 });
      world.clock.advance(10_000);
      for (let ticks = 0; ticks < 6; ticks += 1) await pools.poolWork.tick();
      await settle();
    }
    const partial = orders.filter((one) => itemsOf(one).length === 1);
    expect(partial.length).toBeGreaterThan(20);
    expect(partial.length).toBeLessThanOrEqual(30);
  });
});

describe('a difference', () => {
  it('that is adopted is left alone, until it is another one', async () => {
    const poolId = await newPool({ nodes: [nodeAt(0)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    await settle();
    const [seen] = await drift(poolId);
    const which = { nodeId: nodeAt(0), itemId: seen?.itemId ?? '', hash: seen?.hash ?? '' };
    await expect(pools.pools.adopt(poolId, { ...which, hash: '0'.repeat(64) }, world.requester)).rejects.toThrow();
    await pools.pools.adopt(poolId, which, world.requester);
    const [begun] = await work(poolId, 'repair');
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ isWell: true, done: 0 });
    expect(await drift(poolId)).toMatchObject([{ adoptedBy: 'olga' }]);
    await pools.pools.wish(poolId, { action: 'service.stop', args: { unit: 'nginx' } }, world.requester);
    world.clock.advance(20_000);
    await settle();
    expect(await drift(poolId)).toMatchObject([{ adoptedBy: null }]);
  });

  it('is put right by itself only where the pool says so, when seen twice, within the budget', async () => {
    const poolId = await newPool({ nodes: [nodeAt(0)], repair: 'auto', budget: 1 });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    await pools.pools.wish(poolId, unit('cron'), world.requester);
    await settle();
    expect(await drift(poolId)).toHaveLength(2);
    world.clock.advance(4_000_000);
    await settle();
    for (let n = 0; n < 3; n += 1) await settle();
    expect(await drift(poolId)).toHaveLength(1);
    expect(orders.filter(({ order }) => order.action === 'state.apply').map(itemsOf)).toHaveLength(1);
  });
});

describe('a node that joins', () => {
  it('gets the whole wished state, and is compared with it at the end', async () => {
    const poolId = await newPool({ nodes: [nodeAt(2)] });
    for (const name of ['nginx', 'cron', 'postfix']) await pools.pools.wish(poolId, unit(name), world.requester);
    const [begun] = await work(poolId, 'join', { only: [nodeAt(2)] });
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ kind: 'join', isWell: true, done: 3 });
    expect(has.get(nodeAt(2))?.size).toBe(3);
    expect(orders.map(({ order }) => order.action)).toEqual(['state.compare', 'state.apply', 'state.compare']);
    const codes = (await world.audit.list({ code: 'A3036I' })).rows;
    expect(codes.filter(({ detail }) => detail['workId'] === begun?.id)).toHaveLength(1);
  });

  it('has all but the wish that cannot be done there, which is named', async () => {
    const poolId = await newPool({ nodes: [nodeAt(2)] });
    for (const name of ['nginx', 'cron', 'postfix']) await pools.pools.wish(poolId, unit(name), world.requester);
    broken.add(JSON.stringify(unit('cron')));
    const [begun] = await work(poolId, 'join');
    await settle();
    const end = await endOf(poolId, begun?.id);
    expect(end).toMatchObject({ isWell: false, done: 2 });
    expect(end?.failed).toMatchObject([{ says: 'it does not start; everything was undone' }]);
    expect(has.get(nodeAt(2))?.size).toBe(2);
  });

  it('is finished by another controller after the first died in the middle, with no order made twice', async () => {
    const poolId = await newPool({ nodes: [nodeAt(2)] });
    for (const name of ['nginx', 'cron']) await pools.pools.wish(poolId, unit(name), world.requester);
    const [begun] = await work(poolId, 'join');
    for (let n = 0; n < 12; n += 1) {
      await pools.poolWork.tick();
      build();
      await made.signing.work();
      const sent = world.takeSent();
      orders.push(...sent);
      for (const order of sent) await world.answer(made, order, answerOf(order));
    }
    expect(await endOf(poolId, begun?.id)).toMatchObject({ isWell: true, done: 2 });
    expect(new Set(orders.map(({ order }) => order.id)).size).toBe(orders.length);
    expect(orders.filter(({ order }) => order.action === 'state.apply')).toHaveLength(1);
  });

  it('whose start was not written down is started once all the same', async () => {
    const poolId = await newPool({ nodes: [nodeAt(2)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    const [begun] = await work(poolId, 'join');
    await pools.poolWork.tick();
    // As after a crash between the run and the row.
    await world.sql`UPDATE pool_work SET chunks = '[]' WHERE id = ${begun?.id ?? ''}`;
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ isWell: true, done: 1 });
    expect(orders.filter(({ order }) => order.action === 'state.compare')).toHaveLength(2);
  });

  it('waits for a node that is away', async () => {
    const poolId = await newPool({ nodes: [nodeAt(2)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    world.online.delete(nodeAt(2));
    const [begun] = await work(poolId, 'join');
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ says: 'Waits for the node.', finishedAt: null });
    world.online.add(nodeAt(2));
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ isWell: true });
  });
});

describe('putting right', () => {
  it('asked for by several people at once is one work, and each is told of it', async () => {
    const poolId = await newPool({ nodes: [nodeAt(0)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    const all = await Promise.all(Array.from({ length: 6 }, async () => work(poolId, 'repair')));
    await settle();
    expect(all.flat()).toHaveLength(6);
    expect(new Set(all.flat().map(({ id }) => id)).size).toBe(1);
    expect(orders.filter(({ order }) => order.action === 'state.apply')).toHaveLength(1);
  });

  it('in the name of somebody who may not any more does nothing', async () => {
    const poolId = await newPool({ nodes: [nodeAt(0)] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    const [begun] = await work(poolId, 'repair');
    world.rights.forbidden.add(nodeAt(0));
    await settle();
    expect(await endOf(poolId, begun?.id)).toMatchObject({ isWell: false });
    expect(orders.filter(({ order }) => order.action === 'state.apply')).toEqual([]);
  });

  it('is listed page by page, the newest first, however many were begun at one moment', async () => {
    const poolId = await newPool({ nodes: [...world.nodeIds] });
    await pools.pools.wish(poolId, unit('nginx'), world.requester);
    expect((await pools.poolViews.detail(await pools.pools.need(poolId))).comparedAt).toBeNull();
    await settle();
    const comparedAt = world.clock.nowMs();
    expect((await pools.poolViews.list(async () => true))[0]).toMatchObject({ memberCount: 3, comparedAt });
    world.clock.advance(1_000);
    await work(poolId, 'compare');
    await settle();
    const all = (await pools.poolViews.works(poolId)).map(({ id }) => id);
    expect(all).toHaveLength(6);
    const paged: string[] = [];
    for (let after: string | null = null; paged.length < 10;) {
      const page: readonly PoolWorkRow[] = await pools.poolViews.works(poolId, { after, limit: 4 });
      paged.push(...page.map(({ id }) => id));
      after = page.at(-1)?.id ?? null;
      if (page.length < 4) break;
    }
    expect(paged).toEqual(all);
    const [other] = await pools.poolViews.works(await newPool(), { after: all[0] ?? '' });
    expect(other).toBeUndefined();
  });

  it('of a node that is no member is refused', async () => {
    const poolId = await newPool();
    await expect(work(poolId, 'repair', { only: [nodeAt(2)] })).rejects.toThrow('no member');
  });
});
