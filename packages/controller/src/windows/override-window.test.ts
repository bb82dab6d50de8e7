import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';
import { builtInGrant, type Grant } from '../authorization/index.ts';
import { judgeRelease } from '../compose-rollout.ts';

let world: ControllerWorld;
let nodeId: string;
let operator: string;
beforeAll(async () => {
  world = await createControllerWorld();
  nodeId = await world.addNode();
  operator = await world.addPerson('oscar', 'operator');
});
afterAll(() => world.stop());

const override = (session: string) =>
  world.call('POST', '/api/runs', {
    session,
    body: {
      ...{ action: 'service.restart', args: { unit: 'nginx' }, nodes: [nodeId], mode: 'apply' },
      ...{ overrideWindows: true, reason: 'the site is down' },
    },
  });

describe('the override of maintenance windows', () => {
  it('without its right is refused, though the action itself is allowed', async () => {
    const reply = await override(operator);
    expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([403, 'FORBIDDEN']);
  });

  it('with its right is let through', async () => {
    expect((await override(world.owner)).statusCode).toBe(200);
  });

  it('is judged again at the release: a right that was taken away meanwhile is none', async () => {
    const [node] = await world.controller.services.nodes.findMany([nodeId]);
    if (node === undefined) throw new RangeError('the node is there');
    const forbidden = async (grant: Grant, overridesWindows: boolean): Promise<number> => {
      const judge = judgeRelease({ findMany: async () => [node] }, async () => grant, new FakeClock(0));
      const asked = { id: grant.personId, via: 'api', overridesWindows };
      return (await judge(asked, ['service.restart'], [nodeId])).forbidden.size;
    };
    expect(await forbidden(builtInGrant('owner', 'x'), true)).toBe(0);
    expect(await forbidden(builtInGrant('operator', 'x'), true)).toBe(1);
    expect(await forbidden(builtInGrant('operator', 'x'), false)).toBe(0);
  });
});
