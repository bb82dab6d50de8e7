import { randomUUID } from 'node:crypto';
import type { RunDetail, RunRequest, WindowRequest } from '@hauban/shared/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRunWorld, type RunWorld, type SentOrder } from '../../../../test/support/run-world.ts';
import { createWindowsRepository } from './windows.repository.ts';
import { createWindowsService, type WindowsService } from './windows.service.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse('2027-03-01T12:00:00Z');

let world: RunWorld;
let windows: WindowsService;
let made: ReturnType<RunWorld['build']>;
/** Which nodes the selector of a window means: its name is their number. */
const meant = (on: string): readonly { id: string }[] =>
  on === 'all' ? world.nodeIds.map((id) => ({ id })) : [{ id: world.nodeIds[Number(on.slice('name='.length))] ?? '' }];

beforeAll(async () => {
  world = await createRunWorld(3);
  const { audit, transaction, clock, database } = world;
  const selectTargets = { resolve: async (on: string) => meant(on) };
  windows = createWindowsService({
    ...{ windows: createWindowsRepository(database), selectTargets, audit, transaction, clock },
  });
  clock.advance(START - clock.nowMs());
});
afterAll(() => world.stop());
beforeEach(async () => {
  await world.sql`DELETE FROM maintenance_window`;
  await world.sql`UPDATE run_target SET finished_at = 1, state = 'cancelled' WHERE finished_at IS NULL`;
  await world.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
  // Noon of the next day.
  world.clock.advance(DAY_MS - ((world.clock.nowMs() - START) % DAY_MS));
  for (const id of world.nodeIds) world.online.add(id);
  world.rights.forbidden.clear();
  made = world.build(windows);
  world.takeSent();
});

const nightly = (more: Partial<WindowRequest> = {}): WindowRequest => ({
  name: `w-${randomUUID().slice(0, 8)}`,
  kind: 'only-inside',
  on: 'all',
  cron: '0 22 * * *',
  durationMinutes: 120,
  ...more,
});
const freeze = (hours: number): WindowRequest => {
  const from = world.clock.nowMs();
  const name = `f-${randomUUID().slice(0, 8)}`;
  return { name, kind: 'freeze', on: 'all', from, until: from + hours * HOUR_MS };
};
const restart = (more: Partial<RunRequest> = {}): RunRequest => ({
  action: 'service.restart',
  args: { unit: 'nginx' },
  nodes: [...world.nodeIds],
  mode: 'apply',
  strategy: 'at-once',
  ...more,
});
const start = (more: Partial<RunRequest> = {}): Promise<RunDetail> => made.runs.start(restart(more), world.requester);
const tick = async (): Promise<SentOrder[]> => {
  await made.rollout.tick();
  return world.takeSent();
};
/** Inside of the nightly window, an hour before its end. */
const toNight = (): void => world.clock.advance(11 * HOUR_MS);
const make = (request: WindowRequest) => windows.make(request, world.requester);

describe('a run on nodes with a window', () => {
  it('waits for it, says until when, and goes inside of it', async () => {
    await make(nightly());
    const run = await start();
    expect(await tick()).toEqual([]);
    const waits = await made.runs.get(run.id);
    expect(waits.says).toMatch(/^Waits for the maintenance window "w-.*", until 2027-03-0\d 22:00 UTC\.$/);
    expect(waits.targets.map(({ state, detail }) => [state, detail])).toEqual(
      world.nodeIds.map(() => ['waiting', waits.says]),
    );
    toNight();
    const sent = await tick();
    expect(sent).toHaveLength(3);
    for (const order of sent) await world.answer(made, order);
    expect(await made.runs.get(run.id)).toMatchObject({ state: 'finished', counts: { succeeded: 3 } });
  });

  it('goes where none binds, and holds back the others only', async () => {
    await make(nightly({ on: 'name=1' }));
    const run = await start({ strategy: { canary: 0, waves: ['100%'], maxInFlight: 2 } });
    expect((await tick()).map(({ order }) => order.aud).toSorted()).toEqual(
      [world.nodeIds[0], world.nodeIds[2]].toSorted(),
    );
    expect((await made.runs.get(run.id)).counts).toMatchObject({ waiting: 1 });
  });

  it('is not begun after the end of the window by a node that was away', async () => {
    await make(nightly());
    toNight();
    await start({ startWithinMs: 12 * HOUR_MS });
    const [sent] = await tick();
    expect(sent?.order.exp).toBe(world.clock.nowMs() + HOUR_MS);
  });

  it('that only plans, or only reads, waits for nothing', async () => {
    await make(freeze(5));
    await start({ mode: 'plan' });
    await start({ action: 'node.ping', args: {} });
    expect(world.takeSent()).toHaveLength(6);
  });

  it('goes at once on nodes that no window means', async () => {
    await make(nightly({ on: 'name=1' }));
    const run = await start({ nodes: world.nodeIds.slice(0, 1) });
    expect(run.rollout).toBeNull();
    expect(world.takeSent()).toHaveLength(1);
  });

  it('by the system itself waits like any other: healing is bound', async () => {
    await make(freeze(5));
    const pool = { id: 'pool', name: 'pool web', via: 'system', address: null } as const;
    await made.runs.start(restart(), pool);
    expect(await tick()).toEqual([]);
    world.clock.advance(5 * HOUR_MS);
    expect(await tick()).toHaveLength(3);
  });
});

describe('attacks on windows', () => {
  it('a run that would expire before is refused at once', async () => {
    await make(freeze(8 * 24));
    await expect(start()).rejects.toMatchObject({ code: 'WINDOW_CLOSED' });
    expect((await world.sql`SELECT 1 FROM run WHERE finished_at IS NULL`).length).toBe(0);
  });

  it('a window that is made after the request, before the release, holds it', async () => {
    const run = await start({ strategy: { canary: 0, waves: ['100%'] } });
    await make(freeze(2));
    expect(await tick()).toEqual([]);
    expect((await made.runs.get(run.id)).says).toContain('the freeze');
  });

  it('a window that is made after the release, before the signature, holds it', async () => {
    const run = await start();
    world.takeSent();
    // As if the signer had been away when it was asked for.
    await world.sql`UPDATE run_target SET jws = null, state = 'queued', leased_at = null WHERE run_id = ${run.id}`;
    made = world.build(windows);
    await make(freeze(2));
    made.signing.wake();
    await made.signing.work();
    expect(world.takeSent()).toEqual([]);
    await tick();
    expect((await made.runs.get(run.id)).counts).toEqual({ waiting: 3 });
    world.clock.advance(2 * HOUR_MS);
    expect(await tick()).toHaveLength(3);
  });

  it('a freeze that is made while a node is away holds what was signed for it, and not what was sent already', async () => {
    const [away = '', back = ''] = world.nodeIds;
    world.online.delete(away);
    const run = await start({ startWithinMs: 12 * HOUR_MS });
    // Sent, and perhaps taken: its node may have it, so it is not made anew.
    expect(world.takeSent().map(({ order }) => order.aud)).toContain(back);
    await make(freeze(2));
    world.online.add(away);
    expect(await made.dispatch.pendingOrders({ nodeId: away as never })).toEqual([]);
    expect(await made.dispatch.pendingOrders({ nodeId: back as never })).toHaveLength(1);
    const { targets } = await made.runs.get(run.id);
    const detail = expect.stringContaining('the freeze') as string;
    expect(targets.find(({ nodeId }) => nodeId === away)).toMatchObject({ state: 'waiting', detail });
    expect(await tick()).toEqual([]);
    world.clock.advance(2 * HOUR_MS);
    expect((await tick()).map(({ order }) => order.aud)).toEqual([away]);
  });

  it('a window is not made while a release is under way, which therefore has seen all there are', async () => {
    const order: string[] = [];
    let making: Promise<unknown> = Promise.resolve();
    await world.transaction(async (tx) => {
      await windows.read(tx);
      making = make(freeze(2)).then(() => order.push('made'));
      await expect
        .poll(async () => (await world.sql`SELECT 1 FROM pg_locks WHERE NOT granted`).length, { timeout: 10_000 })
        .toBeGreaterThan(0);
      order.push('released');
    });
    await making;
    expect(order).toEqual(['released', 'made']);
  });

  it('an override without a reason is refused', async () => {
    await make(freeze(2));
    await expect(start({ overrideWindows: true })).rejects.toThrow('Say in reason why');
    await expect(start({ overrideWindows: true, reason: '  ' })).rejects.toThrow('Say in reason why');
  });

  it('an override with a reason goes, and the log has it', async () => {
    await make(freeze(2));
    const run = await start({ overrideWindows: true, reason: 'the site is down' });
    expect(world.takeSent()).toHaveLength(3);
    const { rows } = await world.audit.list({ code: 'A3048W' });
    expect(rows[0]).toMatchObject({ who: 'olga', detail: { runId: run.id, reason: 'the site is down' } });
  });

  it('the same idempotency key does not make an override of a run that waits', async () => {
    await make(freeze(2));
    const idempotencyKey = randomUUID();
    await start({ idempotencyKey, reason: 'x' });
    await expect(start({ idempotencyKey, reason: 'x', overrideWindows: true })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  it.each<[string, object, string]>([
    ['both a line and a time', { from: 1, until: 2 }, 'in one way'],
    ['no end', { cron: undefined, durationMinutes: undefined, from: 1 }, 'in one way'],
    ['a time that is over', { cron: undefined, durationMinutes: undefined, from: 1, until: 2 }, 'over already'],
    ['a line that never comes', { cron: '0 0 30 2 *' }, 'never comes'],
    ['a zone that is none', { zone: 'Mars/Olympus' }, 'no time zone'],
    ['a selector that cannot be read', { on: 'role=' }, ''],
  ])('a window with %s is refused', async (_title, more, says) => {
    await expect(make({ ...nightly(), ...more })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      detail: expect.stringContaining(says) as string,
    });
  });
});
