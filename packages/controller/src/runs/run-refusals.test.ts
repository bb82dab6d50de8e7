import { randomUUID } from 'node:crypto';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import type { Receipt } from '@hauban/shared/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRunWorld, type RunWorld } from '../../../../test/support/run-world.ts';
import { createAccountUidsRepository } from '../actions/account-uids.repository.ts';
import { createActionsService } from '../actions/actions.service.ts';
import { createRunsRepository } from './runs.repository.ts';
import { stepAt } from './sign-orders.ts';

const HASH = 'a'.repeat(64);
const PLANNED: Partial<Receipt> = { plan: { hash: HASH, changes: [], notes: [] } };
const FAILED: Partial<Receipt> = { outcome: 'failed', code: 'ACTION_FAILED', detail: 'disk full' };

let world: RunWorld;
let made: ReturnType<RunWorld['build']>;
beforeAll(async () => {
  world = await createRunWorld(3);
});
afterAll(() => world.stop());
beforeEach(() => {
  made = world.build();
  world.takeSent();
  world.rights.needed = 0;
});

const refused = (code: string, says: string) => ({ code, detail: expect.stringContaining(says) as string });
const request = (more: Partial<RunRequest> = {}): RunRequest => ({
  action: 'service.restart',
  args: { unit: 'apache2' },
  nodes: [...world.nodeIds],
  mode: 'apply',
  strategy: 'at-once',
  ...more,
});
const start = (wanted: RunRequest): Promise<RunDetail> => made.runs.start(wanted, world.requester);
const answerSent = async (...said: readonly Partial<Receipt>[]): Promise<void> => {
  for (const [at, order] of world.takeSent().entries()) await world.answer(made, order, said[at] ?? said[0]);
};
/** A run with one order for each node, and its end. */
const ended = async (wanted: RunRequest, ...said: readonly Partial<Receipt>[]): Promise<RunDetail> => {
  const run = await start(wanted);
  await answerSent(...said);
  return made.runs.get(run.id);
};

describe('a plan that was confirmed cannot be made to cover', () => {
  const confirmed = (planned: RunDetail, more: Partial<RunRequest> = {}): RunRequest =>
    request({ confirms: { run: planned.id }, ...more });
  const NOT_THIS = refused('BAD_REQUEST', 'did not plan this');

  it('the same action with other arguments, or another action', async () => {
    const planned = await ended(request({ mode: 'plan' }), PLANNED);
    await expect(start(confirmed(planned, { args: { unit: 'nginx' } }))).rejects.toMatchObject(NOT_THIS);
    await expect(start(confirmed(planned, { action: 'service.stop' }))).rejects.toMatchObject(NOT_THIS);
    expect((await start(confirmed(planned))).counts).toEqual({ leased: 3 });
  });

  it('what was carried out and not planned', async () => {
    const carriedOut = await ended(request(), PLANNED);
    await expect(start(confirmed(carriedOut))).rejects.toMatchObject(NOT_THIS);
  });

  it('one step of several that were planned together', async () => {
    const step = { action: 'service.restart', args: { unit: 'apache2' } };
    const { action: _action, args: _args, ...rest } = request({ mode: 'plan', nodes: world.nodeIds.slice(0, 1) });
    const planned = await start({ ...rest, steps: [step, step] });
    await made.rollout.tick();
    await answerSent(PLANNED);
    await expect(start(confirmed(planned))).rejects.toMatchObject(NOT_THIS);
  });

  it('anything, when there is no such run', async () => {
    await expect(start(request({ confirms: { run: randomUUID() } }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('a plan, or more than its own hash says', async () => {
    const planned = await ended(request({ mode: 'plan' }), PLANNED);
    const says = refused('BAD_REQUEST', 'with mode apply and without planHash');
    await expect(start(confirmed(planned, { mode: 'plan' }))).rejects.toMatchObject(says);
    const both = confirmed(planned, { planHash: HASH, nodes: world.nodeIds.slice(0, 1) });
    await expect(start(both)).rejects.toMatchObject(says);
  });
});

describe('a request cannot', () => {
  const strangers = (count: number): string[] => Array.from({ length: count }, () => randomUUID());
  const step = { action: 'node.ping', args: {} };
  const where = { mode: 'apply', strategy: 'at-once' } as const;

  it('name no node', async () => {
    await expect(start(request({ nodes: [] }))).rejects.toMatchObject(refused('BAD_REQUEST', 'on which nodes'));
  });

  it('make more orders than a person can have meant', async () => {
    const many = { ...where, nodes: strangers(25_001), steps: [step, step] };
    await expect(start(many)).rejects.toMatchObject(refused('BAD_REQUEST', 'This makes 50002 orders'));
  });

  it('give arguments beside its steps, or no step at all', async () => {
    const nodes = world.nodeIds.slice(0, 1);
    const both = { ...where, nodes, args: {}, steps: [step] };
    await expect(start(both)).rejects.toMatchObject(refused('BAD_REQUEST', 'either action and args, or steps'));
    await expect(start({ ...where, nodes, steps: [] })).rejects.toThrow('a run has a step');
  });

  it('have one approval for more nodes than people can look at, for steps, or for different plans', async () => {
    const planned = await ended(request({ mode: 'plan' }), PLANNED, {
      plan: { hash: 'b'.repeat(64), changes: [], notes: [] },
    });
    world.rights.needed = 1;
    const wanted: [RunRequest, string][] = [
      [request({ nodes: strangers(5001) }), 'for 5000 nodes at most'],
      [{ ...where, nodes: world.nodeIds.slice(0, 1), steps: [step, step] }, 'about one action'],
      [request({ confirms: { run: planned.id } }), 'about one plan'],
    ];
    for (const [each, says] of wanted) await expect(start(each)).rejects.toMatchObject(refused('BAD_REQUEST', says));
  });

  it('have an argument filled in that nothing fills in, not even by a name of the language', async () => {
    const actions = createActionsService(createAccountUidsRepository(world.database), world.clock);
    const ping = ACTIONS.get('node.ping') as ActionDefinition;
    for (const name of ['gid', 'toString'])
      await expect(actions.prepare({ ...ping, filledIn: [name] }, {})).rejects.toThrow('nothing fills in');
  });
});

describe('of a run', () => {
  const nobody = randomUUID();
  const control = () => made.runControl;

  it('that does not exist nothing is shown, cancelled, undone or tried again', async () => {
    const gone = { code: 'NOT_FOUND' };
    await expect(made.runs.get(nobody)).rejects.toMatchObject(gone);
    await expect(control().cancel(nobody, world.requester)).rejects.toMatchObject(gone);
    await expect(control().pause(nobody, world.requester)).rejects.toMatchObject(gone);
    await expect(control().undo(nobody, world.requester)).rejects.toMatchObject(gone);
    await expect(control().retry(nobody, world.requester, {})).rejects.toMatchObject(gone);
  });

  it('the targets are not listed from a place that somebody made up', async () => {
    const run = await start(request());
    for (const cursor of ['', 'x', `${nobody}.1.${nobody}'--`])
      await expect(made.runViews.targets(run.id, { cursor })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('the reason that somebody gives is one line, so that no line of the log can be made up in it', async () => {
    const run = await start(request());
    for (const reason of ['a\nb', 'a\u0007b'])
      await expect(control().cancel(run.id, world.requester, reason)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('only what is over and ended badly is tried again', async () => {
    const run = await start(request());
    const again = () => control().retry(run.id, world.requester, {});
    await expect(again()).rejects.toMatchObject(refused('CONFLICT', 'still under way'));
    await answerSent({});
    await expect(again()).rejects.toMatchObject(refused('CONFLICT', 'nothing to try again'));
  });

  it('only changes are undone: no plan, nothing that failed, and not before its end when all was made at once', async () => {
    const undo = (run: RunDetail) => control().undo(run.id, world.requester);
    const planned = await ended(request({ mode: 'plan' }), PLANNED);
    await expect(undo(planned)).rejects.toMatchObject(refused('CONFLICT', 'A plan changes nothing'));
    const failed = await ended(request(), FAILED);
    await expect(undo(failed)).rejects.toMatchObject(refused('CONFLICT', 'nothing to undo'));
    const underWay = await start(request());
    await expect(undo(underWay)).rejects.toMatchObject(refused('CONFLICT', 'wait for its end'));
    await answerSent({});
    await undo(underWay);
    await expect(undo(underWay)).rejects.toMatchObject(refused('CONFLICT', 'being undone already'));
  });

  it('what people approved is not undone without them', async () => {
    world.rights.needed = 1;
    const run = await start(request());
    await expect(control().undo(run.id, world.requester)).rejects.toMatchObject(refused('CONFLICT', 'not its undoing'));
  });

  it('no order is made for a step that it does not have', async () => {
    const steps = {
      steps: [
        { action: 'node.ping', args: {} },
        { action: 'node.ping', args: {} },
      ],
    };
    const run = await start({ ...steps, mode: 'plan', nodes: world.nodeIds.slice(0, 1) });
    const record = await createRunsRepository(world.database).find(run.id);
    expect(record).not.toBeNull();
    if (record !== null) expect(() => stepAt(record, 2)).toThrow('a step of its run');
  });
});
