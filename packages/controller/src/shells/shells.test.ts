import { randomUUID } from 'node:crypto';
import { orderHash, pinnedKeys, verifyOrder } from '@hauban/link';
import { SHELL_OPS, type NodeId, type Receipt, type ShellOrder } from '@hauban/shared/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createShellDesk, type ShellDesk } from '../../../../test/support/shell-desk.ts';

let desk: ShellDesk;
beforeAll(async () => {
  desk = await createShellDesk();
});
afterAll(() => desk.stop());
beforeEach(() => desk.startOver());

describe('opening a shell', () => {
  it('stores request, permit and audit entries before the permit is sent, and opens when the node says so', async () => {
    let seen: readonly string[] = [];
    let permit = '';
    desk.scene.onOrder = (order, jws) => {
      permit = jws;
      void (async () => {
        seen = await desk.auditOf(order.session);
        await desk.shells.opened(desk.link, order.session);
      })();
    };
    const { sessionId } = await desk.shells.open(desk.node, { ...desk.request, reason: 'look at the disk' }, desk.olga);
    expect(seen).toEqual(['A4000I', 'A3001I']);
    expect(await desk.auditOf(sessionId)).toEqual(['A4000I', 'A3001I', 'A4001I']);
    const verified = await verifyOrder(permit, pinnedKeys([desk.authority]));
    if (!verified.ok) throw new Error(verified.detail);
    expect(verified.value).toMatchObject({
      kind: 'shell',
      aud: desk.node,
      session: sessionId,
      user: 'root',
      reason: 'look at the disk',
    });
    expect(verified.value.exp - verified.value.iat).toBe(60_000);
    expect(await desk.shells.find(sessionId)).toMatchObject({
      state: 'open',
      permitHash: orderHash(permit),
      openedBy: 'olga',
    });
  });

  it('takes the first user of the policy when none is named', async () => {
    const users: string[] = [];
    desk.scene.onOrder = ({ user, session }) => {
      users.push(user);
      void desk.shells.opened(desk.link, session);
    };
    await desk.shells.open(desk.node, { columns: 80, rows: 24 }, desk.olga);
    expect(users).toEqual(['deploy']);
  });

  it('a node that is unknown or away, and a signer that refuses or is away, give their codes and no shell', async () => {
    await expect(desk.shells.open(randomUUID(), desk.request, desk.olga)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    desk.scene.isOnline = false;
    await expect(desk.shells.open(desk.node, desk.request, desk.olga)).rejects.toMatchObject({ code: 'NODE_OFFLINE' });
    expect(await desk.statesOf()).toEqual([]);
    desk.scene.isOnline = true;
    desk.scene.onOrder = () => expect.fail('an unsigned permit was sent');
    desk.scene.signer = 'refuses';
    await expect(desk.shells.open(desk.node, desk.request, desk.olga)).rejects.toMatchObject({
      code: 'ORDER_MALFORMED',
    });
    desk.scene.signer = 'away';
    await expect(desk.shells.open(desk.node, desk.request, desk.olga)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await desk.statesOf()).toEqual(['refused', 'refused']);
  });

  it('says why the node refused', async () => {
    desk.scene.onOrder = ({ session }) =>
      void desk.shells.refused(desk.link, { session, code: 'POLICY_DENIED', detail: 'no shell as root' });
    await expect(desk.shells.open(desk.node, desk.request, desk.olga)).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      detail: 'no shell as root',
    });
    expect(await desk.statesOf()).toEqual(['refused']);
  });

  it('gives up after 10 s; an answer after that still counts', async () => {
    let session = '';
    desk.scene.onOrder = (order) => {
      session = order.session;
      queueMicrotask(() => desk.clock.advance(10_000));
    };
    await expect(desk.shells.open(desk.node, desk.request, desk.olga)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await desk.statesOf()).toEqual(['requested']);
    await desk.shells.opened(desk.link, session);
    expect(await desk.statesOf()).toEqual(['open']);
  });

  it('another node cannot open, refuse or end it', async () => {
    const { sessionId } = await desk.shells.open(desk.node, desk.request, desk.olga);
    const other = { nodeId: randomUUID() as NodeId, session: 'link-9' };
    await desk.shells.refused(other, { session: sessionId, code: 'SHELL_GONE', detail: '' });
    await desk.shells.opened(other, sessionId);
    desk.shells.frame(other, { op: SHELL_OPS.exit, session: sessionId, body: Buffer.from('{}') });
    await desk.shells.nodeStatus(other, { shells: [], actions: [1] });
    // What is true of our own node comes later and is done: the other's word had no effect before it.
    const own = await desk.shells.open(desk.node, desk.request, desk.olga);
    desk.shells.frame(desk.link, { op: SHELL_OPS.exit, session: own.sessionId, body: Buffer.from('{}') });
    await expect.poll(() => desk.shells.find(own.sessionId), { interval: 10 }).toMatchObject({ state: 'ended' });
    expect(await desk.shells.find(sessionId)).toMatchObject({ state: 'open' });
  });
});

describe('the end of a shell', () => {
  it('is told by its exit frame', async () => {
    const { sessionId } = await desk.shells.open(desk.node, desk.request, desk.olga);
    const exit = { ending: 'exited', status: 3, signal: null, leftOver: 0, detail: 'The shell has ended.' };
    desk.shells.frame(desk.link, { op: SHELL_OPS.exit, session: sessionId, body: Buffer.from(JSON.stringify(exit)) });
    await expect.poll(desk.statesOf, { interval: 10 }).toEqual(['ended']);
    expect((await desk.auditOf(sessionId)).at(-1)).toBe('A4003I');
    await desk.shells.recordingEnded(sessionId, 'exited', 5);
    expect((await desk.auditOf(sessionId)).filter((code) => code === 'A4003I')).toHaveLength(1);
  });

  it('is told by the last chunk of its recording when the machine died', async () => {
    const { sessionId } = await desk.shells.open(desk.node, desk.request, desk.olga);
    await desk.shells.recordingEnded(sessionId, 'crashed', 42);
    expect(await desk.shells.find(sessionId)).toMatchObject({
      state: 'ended',
      endedAt: 42,
      detail: 'The shell was ended from outside.',
    });
  });

  it('is found out when the node no longer names it, but not while its executor is silent, nor at once', async () => {
    const first = (await desk.shells.open(desk.node, desk.request, desk.olga)).sessionId;
    const second = (await desk.shells.open(desk.node, desk.request, desk.olga)).sessionId;
    const status = (...open: readonly string[]): Promise<void> =>
      desk.shells.nodeStatus(desk.link, { shells: open, actions: [1] });
    await desk.shells.nodeStatus(desk.link, { shells: [], actions: [] });
    await status(first, second);
    desk.clock.advance(300_000);
    desk.shells.start();
    try {
      await status(second);
      desk.clock.advance(45_000);
      await status();
      // A sweep that is under way lets the next ones pass: the wait goes on second by second.
      const comesTo = (id: string) =>
        expect.poll(
          async () => {
            desk.clock.advance(1_000);
            return desk.shells.find(id);
          },
          { interval: 10, timeout: 20_000 },
        );
      await comesTo(first).toMatchObject({ state: 'ended' });
      expect(await desk.shells.find(second)).toMatchObject({ state: 'open' });
      await comesTo(second).toMatchObject({ state: 'ended' });
    } finally {
      await desk.shells.stop();
    }
  });

  it('a request that the node never answered is settled', async () => {
    desk.scene.onOrder = () => queueMicrotask(() => desk.clock.advance(10_000));
    await expect(desk.shells.open(desk.node, desk.request, desk.olga)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    desk.shells.start();
    desk.clock.advance(90_000);
    const states = async (): Promise<unknown> => {
      desk.clock.advance(30_000);
      return desk.statesOf();
    };
    await expect.poll(states, { interval: 10, timeout: 20_000 }).toEqual(['refused']);
    await desk.shells.stop();
  });

  it('SHELL1 the receipt of a permit is kept; one about another content is not believed', async () => {
    let permit = '';
    let order: ShellOrder | null = null;
    desk.scene.onOrder = (sent, jws) => {
      permit = jws;
      order = sent;
      void desk.shells.opened(desk.link, sent.session);
    };
    const { sessionId } = await desk.shells.open(desk.node, desk.request, desk.olga);
    const receipt = {
      order: (order as ShellOrder | null)?.id,
      orderHash: orderHash(permit),
      outcome: 'succeeded',
    } as Receipt;
    expect(await desk.shells.receipt(desk.node, { ...receipt, orderHash: 'a'.repeat(64) }, 'forged', () => true)).toBe(
      false,
    );
    expect(await desk.shells.receipt(randomUUID(), receipt, 'forged', () => true)).toBe(false);
    expect(await desk.shells.receipt(desk.node, { ...receipt, order: randomUUID() }, 'forged', () => true)).toBe(false);
    expect(await desk.shells.receipt(desk.node, receipt, 'signed', () => true)).toBe(true);
    expect(await desk.shells.receipt(desk.node, receipt, 'again', () => true)).toBe(true);
    expect(await desk.shells.find(sessionId)).toMatchObject({ receipt: 'signed', state: 'open' });
  });
});
