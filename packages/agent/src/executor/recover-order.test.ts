import type { Host } from '@hauban/shared/actions';
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
