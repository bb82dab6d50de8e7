import { systemClock } from '@hauban/link';
import type { RunTarget } from '@hauban/shared/api';
import type { NodeId } from '@hauban/shared/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDispatchService, type DispatchService } from './dispatch.service.ts';
import { createOpenOrders, type OpenOrders } from './open-orders.ts';

type TargetRecord = Parameters<OpenOrders['sent']>[0];
const NODE = '00000000-0000-4000-8000-000000000001' as NodeId;
const ROGUE = '00000000-0000-4000-8000-000000000002' as NodeId;
const ORDER = '00000000-0000-4000-8000-000000000003';

let told: (string | undefined)[];
let dispatch: DispatchService;
let open: OpenOrders;
beforeEach(() => {
  told = [];
  open = createOpenOrders();
  dispatch = createDispatchService({
    queue: {} as Parameters<typeof createDispatchService>[0]['queue'],
    lease: () => Promise.resolve(new Set()),
    events: {
      targetChanged: (_runId: string, target: RunTarget) => void told.push(target.output),
    } as unknown as Parameters<typeof createDispatchService>[0]['events'],
    open,
    links: { isOnline: () => true, send: () => true },
    clock: systemClock,
    hostNameOf: () => Promise.resolve('web1'),
  });
  const target = { orderId: ORDER, nodeId: NODE, runId: 'r', state: 'leased', finishedAt: null, verification: [] };
  open.sent(target as unknown as TargetRecord, 0);
});

const print = (text: string, nodeId = NODE, order = ORDER): Promise<void> =>
  dispatch.output({ nodeId }, { t: 'output', order, text });

describe('ORDER15 what an order prints, at the controller', () => {
  it('ORDER15 is shown while it runs, the newest of it', async () => {
    await print('one\n');
    await print('two\n');
    expect(told).toEqual(['one\n', 'one\ntwo\n']);
    await print('x'.repeat(4096));
    for (let at = 0; at < 10; at += 1) await print('y'.repeat(4096));
    expect(told.at(-1)).toBe('y'.repeat(16 * 1024));
  });

  it("ORDER15 a rogue node's output for another node's order, or for none, is dropped", async () => {
    await print('mine', ROGUE);
    await print('mine', NODE, '00000000-0000-4000-8000-00000000000f');
    expect(told).toEqual([]);
    open.ended(ORDER);
    await print('late');
    expect(told).toEqual([]);
  });

  it('ORDER15 a rogue node that goes on for ever is not heard beyond the bound', async () => {
    for (let at = 0; at < 200; at += 1) await print('z'.repeat(4096));
    expect(told).toHaveLength(64);
  });

  it('ORDER15 what a rogue node did not clean is cleaned', async () => {
    await print('\u001b[2J\u0000\u202ea\tb\n');
    expect(told).toEqual(['\ufffd[2J\ufffd\ufffda\tb\n']);
  });
});
