import { ACTIONS, type Change, type Host } from '@hauban/shared/actions';
import { createFakeHost } from '@hauban/shared/testing';
import { expect, it } from 'vitest';
import type { Unfinished } from './order-journal.ts';
import { recoverAction, type Recovery } from './recover-order.ts';

it('ORDER6 an order that was cut off before its first change is not taken for one that needed none', async () => {
  const host = new Proxy({} as Host, { get: () => expect.fail('nothing is looked at') });
  const actions = Object.assign(new Map(), { whyNot: () => null });
  const recovery: Recovery = { host, actions, step: () => undefined };
  const unfinished = { order: { kind: 'action', action: 'node.ping' }, hash: 'h', changes: null };
  expect(await recoverAction(unfinished as unknown as Unfinished, recovery)).toMatchObject({
    outcome: 'failed',
    code: 'ORDER_INTERRUPTED',
    detail: expect.stringContaining('before anything was changed') as string,
  });
});

it.each([
  ['finishes it', true, 'succeeded'],
  ['can not finish it either', false, 'undetermined'],
] as const)('ORDER6 cut off in what can not be taken back, its undo %s', async (_what, finishes, outcome) => {
  const [name, label] = ['w4a100010', 'r1'];
  const folder = `/srv/vol1/${name}/backups/restored-${label}`;
  const host = createFakeHost();
  host.world.users.set(name, { name, uid: 100_010, gid: 100_010, comment: '', home: `/srv/vol1/${name}`, shell: '/x' });
  host.world.files.set(folder, { type: 'directory', mode: 0o750, uid: 0, gid: 100_010 });
  const ran: string[] = [];
  const tasks: Host['tasks'] = {
    run: (task) => {
      ran.push(task);
      if (finishes) host.world.files.delete(folder);
      return Promise.resolve();
    },
  };
  const action = ACTIONS.get('storage.discard');
  const planned = await action?.plan(host, { name, label });
  const changes: readonly Change[] = planned?.ok === true ? planned.changes : [];
  const actions = Object.assign(new Map(ACTIONS), { whyNot: () => null });
  const order = { kind: 'action', action: 'storage.discard', actionVersion: 1, args: { name, label } };
  const unfinished = { order, hash: 'h', changes } as unknown as Unfinished;
  const recovery: Recovery = { host: { ...host, tasks }, actions, step: () => undefined };
  expect(await recoverAction(unfinished, recovery)).toMatchObject({ outcome });
  expect(ran).toEqual(['storage.tidy']);
});
