import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyPair } from '@hauban/link';
import { CLOSE_CODES, closeCodeInfo, LIMITS, type NodeId } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { NO_JOIN } from '../../packages/controller/src/nodes/judge-join.ts';
import { FakeController } from '../support/fake-controller.ts';
import { createControllerState } from '../support/fake-services.ts';
import { FakeAgent, memoryLedger } from '../support/fake-agent.ts';
import { FakeNode, STATUS } from '../support/fake-node.ts';
import { waitFor } from '../support/wait-for.ts';

/** How soon a refused node sees that its files are others. */
const LOOK_MS = 2_000;

let clock: FakeClock;
let controller: FakeController;
const agents: FakeAgent[] = [];

beforeEach(async () => {
  clock = new FakeClock();
  controller = await FakeController.start({ clock });
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  await controller.stop();
});

async function startAgent(options: ConstructorParameters<typeof FakeAgent>[1] = {}): Promise<FakeAgent> {
  const agent = await FakeAgent.start(controller, { clock, ...options });
  agents.push(agent);
  return agent;
}

const isOnline = (agent: FakeAgent) =>
  waitFor('the link', () => agent.node.isUp && controller.told.statuses.length > 0);

describe('life of a link, the controller’s side', () => {
  it('LIFE1 ready comes with session, epoch, time and interval', async () => {
    const node = await FakeNode.connect(controller);
    expect(await node.control('ready')).toMatchObject({ epoch: 1, at: clock.nowMs(), liveMs: 10_000 });
    await node.peer.close();
  });

  it.each([
    ['a status', (node: FakeNode) => node.say(STATUS)],
    ['a live frame', (node: FakeNode) => node.send(2, 'x')],
  ])('LIFE1 a node that sends %s before ready is closed 4400', async (_name, send) => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = await FakeController.start({
      ports: (ports) => ({
        nodes: { ...ports.nodes, openSession: (opening) => held.then(() => ports.nodes.openSession(opening)) },
      }),
    });
    const node = await FakeNode.connect(slow);
    node.say({ t: 'ping', sentAt: 5 } as never);
    expect((await node.next()).body.toString()).toMatch(/"pong","sentAt":5/);
    send(node);
    expect((await node.peer.ended).code).toBe(4400);
    release();
    await waitFor('the end of the opened session', () => slow.told.ends.length === 1);
    expect(slow.told.statuses).toEqual([]);
    await slow.stop();
  });

  it('LIFE1 whoever opens a session is told when its node has left meanwhile', async () => {
    let isThere: () => boolean = () => false;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = await FakeController.start({
      ports: (ports) => ({
        nodes: {
          ...ports.nodes,
          openSession: (opening) => {
            isThere = opening.isThere;
            return held.then(() => ports.nodes.openSession(opening));
          },
        },
      }),
    });
    const node = await FakeNode.connect(slow);
    await waitFor('the opening', () => isThere());
    await node.peer.close();
    await waitFor('the news that it has left', () => !isThere());
    release();
    await waitFor('the end of the opened session', () => slow.told.ends.length === 1);
    await slow.stop();
  });

  it.each([
    ['series before status', (node: FakeNode) => node.say({ t: 'series', list: {} })],
    ['a live frame before status', (node: FakeNode) => node.send(2, 'x')],
    [
      'a live frame before series',
      (node: FakeNode) => {
        node.say(STATUS);
        node.send(2, 'x');
      },
    ],
  ])('LIFE2 %s closes 4400', async (_name, send) => {
    const node = await FakeNode.connect(controller);
    await node.control('ready');
    send(node);
    expect((await node.peer.ended).code).toBe(4400);
    expect(controller.told.live).toEqual([]);
  });

  it('LIFE3 a second link replaces the first: 4411, a higher epoch, and the end of the first says nothing about the node', async () => {
    const key = createKeyPair();
    const nodeId = controller.addNode(key.publicText);
    const first = await FakeNode.up(controller, { nodeId, key });
    await waitFor('the first status', () => controller.told.statuses.length === 1);
    const second = await FakeNode.up(controller, { nodeId, key });
    expect((await first.peer.ended).code).toBe(4411);
    await waitFor('the second status', () => controller.told.statuses.length === 2);
    expect(controller.told.statuses.map(({ link }) => link.epoch)).toEqual([1, 2]);
    expect(controller.gateway.links.find(nodeId)?.epoch).toBe(2);
    expect(controller.told.ends).toMatchObject([{ epoch: 1, code: 4411 }]);
    await second.peer.close();
    await waitFor('the end of the second', () => controller.gateway.links.find(nodeId) === null);
  });

  it('LIFE3 a link whose session was opened later but is older by epoch does not replace the newer one', async () => {
    const key = createKeyPair();
    const nodeId = controller.addNode(key.publicText);
    const waiting: (() => void)[] = [];
    const slow = await FakeController.start({
      state: controller.state,
      ports: (ports) => ({
        nodes: {
          ...ports.nodes,
          openSession: async (opening) => {
            const opened = await ports.nodes.openSession(opening);
            await new Promise<void>((resolve) => waiting.push(resolve));
            return opened;
          },
        },
      }),
    });
    const first = await FakeNode.connect(slow, { nodeId, key });
    await waitFor('the first opening', () => waiting.length === 1);
    const second = await FakeNode.connect(slow, { nodeId, key });
    await waitFor('the second opening', () => waiting.length === 2);
    waiting[1]!();
    await second.control('ready');
    waiting[0]!();
    expect((await first.peer.ended).code).toBe(4411);
    expect(slow.gateway.links.find(nodeId)?.epoch).toBe(2);
    await second.peer.close();
    await slow.stop();
  });

  it('LIFE4 a node that says nothing for 40 s is cut off without a closing handshake', async () => {
    const node = await FakeNode.up(controller);
    await waitFor('the status', () => controller.told.statuses.length === 1);
    clock.advance(LIMITS.pingAfterMs);
    expect(await node.control('ping')).toMatchObject({ t: 'ping' });
    clock.advance(LIMITS.deadAfterMs - LIMITS.pingAfterMs);
    expect((await node.peer.ended).code).toBe(1006);
    await waitFor('its end', () => controller.told.ends.length === 1);
    expect(controller.told.ends[0]?.code).toBe(1006);
  });

  it('LIFE6 a pong carries the controller’s time', async () => {
    const node = await FakeNode.up(controller);
    node.say({ t: 'ping', sentAt: 12.5 } as never);
    expect(await node.control('pong')).toEqual({ t: 'pong', sentAt: 12.5, at: clock.nowMs() });
    await node.peer.close();
  });

  it('LIFE7 every end has a code: going away for all when the controller stops', async () => {
    const own = await FakeController.start();
    const nodes = [await FakeNode.up(own), await FakeNode.up(own)];
    await waitFor('both', () => own.told.statuses.length === 2);
    const stopping = own.stop();
    expect((await Promise.all(nodes.map(({ peer }) => peer.ended))).map(({ code }) => code)).toEqual([1001, 1001]);
    await stopping;
    expect(own.told.ends.map(({ code }) => code)).toEqual([1001, 1001]);
  });

  it('LIFE7 a revoked node is closed 4401 while its link is up', async () => {
    const node = await FakeNode.up(controller);
    const [link] = await waitFor('the link', () => (controller.told.ready.length > 0 ? controller.told.ready : null));
    link?.close(4401, 'revoked');
    expect((await node.peer.ended).code).toBe(4401);
    expect(link?.sendOrder('a.b.c')).toBe('closed');
  });

  it('LIFE7 a fault of a service closes 1011 and acknowledges nothing', async () => {
    const faulty = await FakeController.start({
      ports: (ports) => ({ runs: { ...ports.runs, receipt: async () => Promise.reject(new Error('no database')) } }),
    });
    const node = await FakeNode.up(faulty);
    node.say({ t: 'receipt', jws: 'a.b.c' });
    expect((await node.peer.ended).code).toBe(1011);
    expect(node.peer.waiting).toBe(0);
    expect(faulty.told.faults).toHaveLength(1);
    await faulty.stop();
  });
});

describe('life of a link, the node’s side', () => {
  it('LIFE2 the node sends status, then series, then frames', async () => {
    const agent = await startAgent();
    agent.spool.chunks.push({ boot: STATUS.boot, seq: 1, listVersion: agent.sampler.list.version });
    await isOnline(agent);
    agent.metrics.liveFrame(Buffer.from('live'));
    await waitFor('a live frame', () => controller.told.live.length === 1);
    expect(controller.told.series).toHaveLength(1);
    expect(controller.told.statuses[0]?.status).toMatchObject({
      isRoot: true,
      spoolChunks: 1,
      policyText: 'version = 1\n',
    });
    expect(controller.told.faults).toEqual([]);
  });

  it('LIFE2 status goes out without the executor’s facts when it does not come, and again when it does', async () => {
    const agent = await startAgent({ hasExecutor: false });
    await waitFor('ready', () => agent.keeper.phase === 'online');
    clock.advance(3_000);
    await waitFor('the first status', () => controller.told.statuses.length === 1);
    expect(controller.told.statuses[0]?.status).toMatchObject({ isRoot: false, actions: [], policyText: '' });
  });

  it('LIFE4 LIFE5 a controller that falls silent is given up after 40 s, and dialled again with jitter', async () => {
    const nodeClock = new FakeClock();
    const agent = await startAgent({ clock: nodeClock });
    await isOnline(agent);
    // The node's time passes while nothing arrives.
    nodeClock.advance(LIMITS.deadAfterMs);
    expect(agent.keeper.phase).toBe('waiting');
    expect(agent.log.at(-1)?.fields).toMatchObject({ code: 1006, by: 'us' });
    await waitFor('the controller to notice', () => controller.told.ends.length === 1);
    nodeClock.advance(LIMITS.reconnectBaseMs);
    await waitFor('a new link', () => controller.told.ready.length === 2);
    expect(controller.told.ready.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  it('LIFE5 waits grow with full jitter up to a minute, and begin anew after a link that lived a minute', async () => {
    const { port } = controller;
    const state = controller.state;
    const agent = await startAgent({ random: { bytes: (length) => Buffer.alloc(length), unit: () => 0.999_999 } });
    await isOnline(agent);
    await controller.stop();
    const delays = (): number[] =>
      agent.log.flatMap(({ fields }) => ('delayMs' in fields ? [fields.delayMs as number] : []));
    for (let failures = 1; failures <= 8; failures += 1) {
      await waitFor(`failure ${failures}`, () => delays().length === failures && agent.keeper.phase === 'waiting');
      clock.advance(LIMITS.reconnectCapMs);
    }
    expect(delays().slice(0, 8)).toEqual([999, 1999, 3999, 7999, 15_999, 31_999, 59_999, 59_999]);
    await waitFor('failure 9', () => delays().length === 9);
    controller = await FakeController.start({ clock, state, port });
    clock.advance(LIMITS.reconnectCapMs);
    await isOnline(agent);
    for (let i = 0; i < 12; i += 1) {
      clock.advance(5_000);
      agent.metrics.liveFrame(Buffer.from('tick'));
      await waitFor('the tick', () => controller.told.live.length === i + 1);
    }
    const seen = delays().length;
    await controller.stop();
    await waitFor('the loss', () => delays().length > seen);
    expect(delays()[seen]).toBe(999);
    controller = await FakeController.start({ clock });
  });

  it.each<[string, (agent: FakeAgent) => void]>([
    ['after an hour', () => clock.advance(LIMITS.refusedRetryMs)],
    ['when its files change', (agent) => agent.filesChanged()],
  ])('LIFE5 a refused node stays away and looks again %s', async (_name, again) => {
    const key = createKeyPair();
    const nodeId = controller.addNode(key.publicText);
    controller.state.nodes.get(nodeId)!.isRemoved = true;
    const agent = await startAgent({ nodeId, key });
    await waitFor('the refusal', () => agent.keeper.phase === 'refused');
    expect(agent.hasSettled).toBe(true);
    clock.advance(LIMITS.reconnectCapMs * 10);
    expect(agent.keeper.phase).toBe('refused');
    controller.state.nodes.get(nodeId)!.isRemoved = false;
    again(agent);
    await isOnline(agent);
  });

  /** What `hauban-agent enrol --force` and the controller do to a node that is known. */
  const enrolAgain = (agent: FakeAgent): void => {
    const key = createKeyPair();
    agent.identity = { ...agent.identity, key };
    Object.assign(controller.state.nodes.get(agent.nodeId)!, { linkKey: key.publicText, bar: null, join: NO_JOIN });
  };
  /** The first file of the enrolment is noticed, the others come while the former key is on its way to be refused. */
  const enrolledInFlight = async (): Promise<FakeAgent> => {
    const agent = await startAgent();
    await isOnline(agent);
    controller.state.nodes.get(agent.nodeId)!.bar = 4402;
    controller.gateway.links.find(agent.nodeId as NodeId)?.close(4402, 'revoked');
    await waitFor('the refusal', () => agent.keeper.phase === 'refused');
    agent.filesChanged();
    expect(agent.keeper.phase).toBe('dialling');
    enrolAgain(agent);
    await waitFor('the refusal of the former key', () => agent.keeper.phase === 'refused');
    return agent;
  };

  it('LIFE5 KEYS3 a node that is enrolled again while its former key is being refused comes back, though nobody tells it', async () => {
    const agent = await enrolledInFlight();
    expect(controller.told.ready).toHaveLength(1);
    clock.advance(LOOK_MS);
    await waitFor('the link', () => agent.keeper.phase === 'online');
    expect(controller.told.ready).toHaveLength(2);
  });

  it('LIFE5 KEYS7 a copy of the disk that is started before the enrolled node is back: both are locked', async () => {
    controller.state.countsJoins = true;
    const agent = await enrolledInFlight();
    const ledger = memoryLedger();
    ledger.save(agent.ledger.load() ?? '');
    const { nodeId } = agent;
    const clone = await startAgent({ nodeId, key: agent.identity.key, ledger, clock: new FakeClock() });
    await waitFor('the clone', () => clone.keeper.phase === 'online');
    clock.advance(LOOK_MS);
    await waitFor('the lock', () => controller.state.nodes.get(nodeId)!.bar === 4412);
    for (const { keeper } of [agent, clone]) await waitFor('both to stay away', () => keeper.phase === 'refused');
  });

  it('LIFE5 a refused node does not knock again while its files stay as they are', async () => {
    const agent = await startAgent({ key: createKeyPair(), nodeId: controller.addNode(createKeyPair().publicText) });
    await waitFor('the refusal', () => agent.keeper.phase === 'refused');
    clock.advance(LIMITS.refusedRetryMs - 1);
    expect(agent.keeper.phase).toBe('refused');
    expect(controller.told.refusals).toHaveLength(1);
  });

  it('LIFE3 LIFE5 KEYS7 two machines with one identity do not take turns: the replaced one comes back, and both are locked', async () => {
    controller.state.countsJoins = true;
    const key = createKeyPair();
    const nodeId = controller.addNode(key.publicText);
    const original = await startAgent({ nodeId, key });
    await isOnline(original);
    const ledger = memoryLedger();
    ledger.save(original.ledger.load() ?? '');
    const clone = await startAgent({ nodeId, key, ledger });
    await waitFor('the original to notice', () => original.keeper.phase === 'waiting');
    clock.advance(LIMITS.reconnectBaseMs);
    await waitFor('the clone to stay away', () => clone.keeper.phase === 'refused');
    await waitFor('the original to stay away', () => original.keeper.phase === 'refused');
  });

  it('LIFE6 the node derives its clock offset', async () => {
    const ahead = new FakeClock(clock.nowMs() + 5_000);
    const agent = await FakeAgent.start(controller, { clock: ahead });
    agents.push(agent);
    await isOnline(agent);
    await waitFor('the offset', () => agent.offset.offsetMs === 5_000);
  });

  it('LIFE7 stopping says goodbye', async () => {
    const agent = await startAgent();
    await isOnline(agent);
    agent.keeper.stop();
    await waitFor('the end', () => controller.told.ends.length === 1);
    expect(controller.told.ends[0]?.code).toBe(1000);
    expect(agent.keeper.phase).toBe('idle');
  });

  it('LIFE7 a controller that vanishes without a word is a lost link: the node comes back by itself', async () => {
    const agent = await startAgent();
    await isOnline(agent);
    const { port, state } = controller;
    controller.cutAll();
    await waitFor('the loss', () => agent.keeper.phase === 'waiting');
    expect(agent.log.find(({ message }) => message === 'the link is down')?.fields).toMatchObject({ code: 1006 });
    clock.advance(LIMITS.reconnectBaseMs);
    await waitFor('the new link', () => agent.keeper.phase === 'online');
    expect(controller.port).toBe(port);
    expect(state.nodes.get(agent.nodeId)?.epoch).toBe(2);
  });
});

describe('close codes', () => {
  it('CLOSE1 each code of the table says whether to come back, and the keeper does that', async () => {
    const key = createKeyPair();
    for (const [code, { mayReturn }] of Object.entries(CLOSE_CODES)) {
      if (code === '1006') continue;
      const own = await FakeController.start({ state: createControllerState() });
      const agent = await FakeAgent.start(own, { clock, key });
      const link = await waitFor('the link', () => own.told.ready[0] ?? null);
      (link as unknown as { close(code: number, why: string): void }).close(Number(code), 'test');
      await waitFor(`what follows ${code}`, () => agent.keeper.phase === (mayReturn ? 'waiting' : 'refused'));
      await agent.stop();
      await own.stop();
    }
  });

  it('CLOSE1 a code that is not in the table means come back', () => {
    expect(closeCodeInfo(4999)).toMatchObject({ mayReturn: true });
    expect(closeCodeInfo(1011)).toMatchObject({ mayReturn: true });
  });
});
