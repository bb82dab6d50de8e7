import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Compared } from '../../../packages/shared/src/actions/index.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, fetchPage, NEIGHBOUR, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const ITEMS = { items: [ACCOUNT, NEIGHBOUR].map((args) => ({ action: 'account.create', args })) };
const SITE = `/etc/apache2/sites-available/hosting-${ACCOUNT.name}--${ACCOUNT.domain}.conf`;

describe.skipIf(!lab.ok)('the wished state of a pool on real nodes', () => {
  let old: HostingNode;
  let fresh: HostingNode;
  const compare = async ({ actions }: HostingNode): Promise<Compared> =>
    expectDone(await actions.plan('state.compare', ITEMS)).data as Compared;
  beforeAll(async () => {
    old = await standHostingNode({ name: 'pool-old' });
    fresh = await standHostingNode({ name: 'pool-fresh' });
    for (const { args } of ITEMS.items) expectDone(await old.actions.apply('account.create', args));
  });
  afterAll(async () => {
    await old.node.destroy();
    await fresh.node.destroy();
  });

  it('is in order on a node where each was done by itself, and a look at it touches nothing', async () => {
    const before = await snapshotNode(old.node);
    expect(await compare(old)).toEqual({ inOrder: 2, deviations: [] });
    expect(await snapshotNode(old.node)).toBe(before);
  });

  it('comes to a fresh node by one order: its pages answer, and it is as wished', async () => {
    expect((await compare(fresh)).deviations.map(({ is }) => is)).toEqual(['differs', 'differs']);
    expectDone(await fresh.actions.apply('state.apply', ITEMS));
    for (const { domain, uid } of [ACCOUNT, NEIGHBOUR])
      expect(await fetchPage(fresh.node, domain)).toMatchObject({
        status: 200,
        body: expect.stringContaining(`runs as uid ${uid}`),
      });
    expect(await compare(fresh)).toEqual({ inOrder: 2, deviations: [] });
    expect(expectDone(await fresh.actions.apply('state.apply', ITEMS)).changes).toEqual([]);
  });

  it('shows a site that was edited by hand, puts it right, and undo brings the edit back', async () => {
    const { node, actions } = fresh;
    const edited = `${(await node.mustRun('/usr/bin/cat', [SITE])).stdout}# by hand\n`;
    await node.writeFile(SITE, edited);
    const { deviations } = await compare(fresh);
    expect(deviations).toMatchObject([
      { item: 0, is: 'differs', says: expect.stringContaining(`Change file ${SITE}`) },
    ]);
    const { changes } = expectDone(await actions.apply('state.apply', ITEMS));
    expect((await compare(fresh)).inOrder).toBe(2);
    expect((await fetchPage(node, ACCOUNT.domain)).status).toBe(200);
    expect(expectDone(await actions.call({ mode: 'undo', changes })).problems).toEqual([]);
    expect((await node.mustRun('/usr/bin/cat', [SITE])).stdout).toBe(edited);
    expectDone(await actions.apply('state.apply', ITEMS));
  });

  it('shows a user that was removed by hand, and makes it again', async () => {
    const { node, actions } = fresh;
    await node.mustRun('/usr/bin/sed', ['--in-place', `/^${NEIGHBOUR.name}:/d`, '/etc/passwd']);
    expect((await compare(fresh)).deviations).toMatchObject([
      { item: 1, is: 'differs', says: `Create user ${NEIGHBOUR.name}` },
    ]);
    expectDone(await actions.apply('state.apply', ITEMS));
    expect((await compare(fresh)).inOrder).toBe(2);
    expect((await fetchPage(node, NEIGHBOUR.domain)).status).toBe(200);
  });
});
