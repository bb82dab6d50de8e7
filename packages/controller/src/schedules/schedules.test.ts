import { randomUUID } from 'node:crypto';
import type { AccessRule, ScheduleRequest, ScheduleRow } from '@hauban/shared/api';
import { SeededRandom } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRunWorld, type RunWorld } from '../../../../test/support/run-world.ts';
import { createAccountUidsRepository } from '../actions/account-uids.repository.ts';
import { createActionsService } from '../actions/actions.service.ts';
import { builtInGrant, type Grant, type Target } from '../authorization/index.ts';
import { createSchedules } from '../compose-schedules.ts';
import { createLog } from '../runtime/index.ts';
import type { ScheduleAsker } from './schedules.service.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.parse('2027-03-01T12:00:00Z');

let world: RunWorld;
let rights: Grant | null;
let labels: Record<string, string>;
let here: ReturnType<typeof build>;
const olga = (): ScheduleAsker => ({ ...world.requester, grant: builtInGrant('operator', world.requester.id) });
const nodeTarget = (id: string): Target => ({ kind: 'node', id, labels, roles: [] });

/** A controller: another one over the same database is one that was restarted, or a second. */
function build() {
  const made = world.build();
  const { audit, transaction, database, clock } = world;
  const random = new SeededRandom(1);
  const shared = { audit, transaction, clock, together: database.together, random, log: createLog('silent') };
  const schedules = createSchedules(shared, database, {
    runs: made.runs,
    actions: createActionsService(createAccountUidsRepository(database), clock, () => Promise.resolve([])),
    rightsOf: async () => rights,
    targets: {
      ofNodes: async (ids) => ids.map(nodeTarget),
      ofSelector: async (on) => (on === 'role=none' ? [] : world.nodeIds.map(nodeTarget)),
    },
  });
  return { ...made, ...schedules };
}

const nightly = (more: Partial<ScheduleRequest> = {}): ScheduleRequest => ({
  name: `s-${randomUUID().slice(0, 8)}`,
  cron: '0 3 * * *',
  zone: 'UTC',
  action: 'node.ping',
  args: {},
  on: 'all',
  mode: 'apply',
  strategy: 'at-once',
  ...more,
});
const make = (more: Partial<ScheduleRequest> = {}, by = olga()): Promise<ScheduleRow> =>
  here.schedules.make(nightly(more), by);
const row = async (id: string): Promise<ScheduleRow | undefined> =>
  (await here.schedules.list('nobody', true)).find((one) => one.id === id);
const runsOf = async ({ id }: ScheduleRow): Promise<string[]> =>
  (await world.sql`SELECT id FROM run WHERE idempotency_key LIKE ${`schedule:${id}:%`}`).map((run) =>
    String(run['id']),
  );
/** Sets the clock, which only goes forward. */
const at = (ms: number): void => world.clock.advance(ms - world.clock.nowMs());
const codesOf = async ({ id }: ScheduleRow): Promise<string[]> =>
  (await world.audit.list({})).rows.filter(({ detail }) => detail['scheduleId'] === id).map(({ code }) => code);

beforeAll(async () => {
  world = await createRunWorld(2);
  at(START);
});
afterAll(() => world.stop());
beforeEach(async () => {
  await world.sql`DELETE FROM schedule`;
  await world.sql`UPDATE run_target SET finished_at = 1, state = 'cancelled' WHERE finished_at IS NULL`;
  await world.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
  rights = builtInGrant('operator', world.requester.id);
  labels = {};
  // Noon of the next day: nothing is due.
  at(world.clock.nowMs() + 24 * HOUR_MS - ((world.clock.nowMs() - START) % (24 * HOUR_MS)));
  here = build();
});
/** The next 03:00, and a second. */
const nextNight = (): number => world.clock.nowMs() + 15 * HOUR_MS + 1000;

describe('a schedule', () => {
  it('starts its run at its time and no sooner, in the name of who made it', async () => {
    const made = await make({ reason: 'night work' });
    expect(made).toMatchObject({ state: 'active', nextAt: nextNight() - 1000, requester: 'olga' });
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toEqual([]);
    at(nextNight());
    await here.dueSchedules.tick();
    const [runId = ''] = await runsOf(made);
    expect(await here.runs.get(runId)).toMatchObject({
      requester: 'olga',
      reason: 'night work',
      nodeCount: 2,
      on: 'all',
    });
    expect(await row(made.id)).toMatchObject({ lastRunId: runId, nextAt: (made.nextAt ?? 0) + 24 * HOUR_MS });
    expect(await here.schedules.times(made.id, { personId: 'x', isEverything: true }, 3)).toHaveLength(3);
  });

  it('starts one run of a time, though two controllers look at the same moment', async () => {
    const made = await make();
    const other = build();
    at(nextNight());
    await Promise.all([here.dueSchedules.tick(), other.dueSchedules.tick(), here.dueSchedules.tick()]);
    expect(await runsOf(made)).toHaveLength(1);
    expect(await codesOf(made)).toEqual(['A3040I']);
  });

  it('starts no second run when the controller died between the run and its note of it', async () => {
    const made = await make();
    const dueAt = made.nextAt ?? 0;
    at(nextNight());
    await here.dueSchedules.tick();
    await world.sql`UPDATE schedule SET next_at = ${dueAt}, last_at = null, last_run_id = null WHERE id = ${made.id}`;
    await build().dueSchedules.tick();
    expect(await runsOf(made)).toHaveLength(1);
    expect(await row(made.id)).toMatchObject({ lastAt: dueAt, says: null });
  });

  it('that missed times runs once for all of them, or not at all, as it was wished', async () => {
    const [once, skips] = [await make({ missed: 'run-once' }), await make({ missed: 'skip' })];
    at(nextNight() + 48 * HOUR_MS + HOUR_MS);
    await here.dueSchedules.tick();
    await here.dueSchedules.tick();
    expect(await runsOf(once)).toHaveLength(1);
    expect(await runsOf(skips)).toEqual([]);
    const [first, second] = [await row(once.id), await row(skips.id)];
    expect(first?.nextAt).toBeGreaterThan(world.clock.nowMs());
    expect(second).toMatchObject({ nextAt: first?.nextAt, says: 'Not started: no controller ran at that time.' });
    expect(await codesOf(skips)).toEqual(['A3045W', 'A3040I']);
  });

  it('leaves a time out while its last run is under way', async () => {
    const made = await make({ cron: '0 * * * *' });
    at(world.clock.nowMs() + HOUR_MS);
    await here.dueSchedules.tick();
    at(world.clock.nowMs() + HOUR_MS);
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toHaveLength(1);
    expect((await row(made.id))?.says).toBe('Not started: the run before it is still under way.');
    await world.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
    at(world.clock.nowMs() + HOUR_MS);
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toHaveLength(2);
    expect((await row(made.id))?.says).toBeNull();
  });

  it('that is paused starts nothing, and does not make up for it', async () => {
    const made = await make();
    await here.schedules.pause(made.id, olga());
    await expect(here.schedules.pause(made.id, olga())).rejects.toMatchObject({ code: 'CONFLICT' });
    at(nextNight());
    await here.dueSchedules.tick();
    const resumed = await here.schedules.resume(made.id, olga());
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toEqual([]);
    expect(resumed.nextAt).toBeGreaterThan(world.clock.nowMs());
    await here.schedules.remove(made.id, olga());
    expect(await row(made.id)).toBeUndefined();
    expect(await codesOf(made)).toEqual(['A3043W', 'A3042I', 'A3041I', 'A3040I']);
  });

  it('whose selector means nothing says so, and is asked again', async () => {
    const made = await make({ on: 'role=none' });
    at(nextNight());
    await here.dueSchedules.tick();
    expect(await row(made.id)).toMatchObject({ state: 'active', says: 'Not started: the selector meant no node.' });
  });
});

describe('attacks by schedule', () => {
  it('of somebody who has left: it stops, and the log says so', async () => {
    const made = await make();
    rights = null;
    at(nextNight());
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toEqual([]);
    expect(await row(made.id)).toMatchObject({ state: 'stopped', nextAt: null });
    expect(await codesOf(made)).toEqual(['A3044W', 'A3040I']);
    await expect(here.schedules.resume(made.id, olga())).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('of somebody who was offboarded: it stops before its time', async () => {
    const { id, name } = world.requester;
    await world.sql`INSERT INTO person (id, name, role, created_at) VALUES (${id}, ${name}, 'operator', 0)`;
    const made = await make();
    try {
      await world.sql`UPDATE person SET left_at = 1 WHERE id = ${id}`;
      await here.dueSchedules.tick();
      expect(await row(made.id)).toMatchObject({ state: 'stopped', nextAt: null });
      await expect(make()).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    } finally {
      await world.sql`DELETE FROM schedule`;
      await world.sql`DELETE FROM person WHERE id = ${id}`;
    }
  });

  it('of somebody whose rights were taken away: nothing runs', async () => {
    const made = await make();
    rights = builtInGrant('viewer', world.requester.id);
    at(nextNight());
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toEqual([]);
    expect((await row(made.id))?.says).toMatch(/may not do this there any more/);
  });

  it('with a narrow API token that is to reach further than the token: its scope holds for ever', async () => {
    const how: AccessRule['how'] = { runAs: ['*'], needsApproval: false, window: null };
    const scope: AccessRule[] = [{ name: 'web', what: ['action:*'], where: { labels: { tier: 'web' } }, how }];
    labels = { tier: 'web' };
    const made = await make({}, { ...olga(), grant: { ...olga().grant, scope } });
    labels = { tier: 'db' };
    at(nextNight());
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toEqual([]);
    labels = { tier: 'web' };
    at(nextNight() + 9 * HOUR_MS);
    await here.dueSchedules.tick();
    expect(await runsOf(made)).toHaveLength(1);
  });

  it("by changing somebody else's: to whom it does not belong, it is not there", async () => {
    const made = await make();
    const mallory = { ...olga(), id: randomUUID(), name: 'mallory', grant: builtInGrant('operator', 'mallory') };
    for (const verb of ['pause', 'resume', 'remove'] as const)
      await expect(here.schedules[verb](made.id, mallory)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await here.schedules.list(mallory.id, false)).toEqual([]);
    const reader = { personId: mallory.id, isEverything: false };
    await expect(here.schedules.times(made.id, reader)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const owner = { ...mallory, grant: builtInGrant('owner', 'mallory') };
    expect((await here.schedules.pause(made.id, owner)).state).toBe('paused');
  });

  it.each([
    ['a line that never comes', { cron: '0 0 31 2 *' }, 'never comes'],
    ['a line of six fields', { cron: '* * * * * *' }, 'five fields'],
    ['a zone that is a path', { zone: '../../etc/localtime' }, 'There is no time zone'],
    ['both nodes and a selector', { nodes: ['00000000-0000-4000-8000-000000000000'] }, 'Say where in one way'],
    ['an unknown action', { action: 'node.none' }, 'node.none'],
    ['two things to do', { steps: [{ action: 'node.ping', args: {} }] }, 'Say what to do'],
    ['a reason of two lines', { reason: 'a\nb' }, 'one line'],
  ])('with %s', async (_title, more, says) => {
    await expect(make(more)).rejects.toThrow(says);
    expect(await here.schedules.list('nobody', true)).toEqual([]);
  });

  it('with a name that is taken', async () => {
    const { name } = await make();
    await expect(make({ name })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});
