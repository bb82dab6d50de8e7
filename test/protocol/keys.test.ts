import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  answerWelcome,
  createFrameOpener,
  createFrameSealer,
  createKeyPair,
  signKeyRotation,
  startHandshake,
  systemClock,
  systemRandom,
  type FrameChannel,
  type KeyPair,
  type KeyRotationOf,
} from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import {
  closeCodeInfo,
  MOST_JOIN_MARKS,
  type AgentMessage,
  type ControllerMessage,
  type NodeId,
} from '@hauban/shared/protocol';
import type { Random } from '@hauban/shared/time';
import { SeededRandom } from '@hauban/shared/testing';
import { createJoinLedger, KeyRotation, type LedgerStore } from '../../packages/agent/src/link/index.ts';
import { runAgentProgram, startAgentProgram } from '../support/agent-program.ts';
import { FakeAgent, memoryLedger } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
import { payloadOf } from '../support/fake-services.ts';
import { FakeNode } from '../support/fake-node.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { waitFor } from '../support/wait-for.ts';

let controller: FakeController;
const key = createKeyPair();
let nodeId: NodeId;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

beforeEach(async () => {
  controller = await FakeController.start();
  controller.state.countsJoins = true;
  nodeId = controller.addNode(key.publicText);
});
afterEach(() => controller.stop());

const known = () => controller.state.nodes.get(nodeId)!;

/** Where a node is killed during a link, in the order in which it passes them. */
const DEATHS = ['before the mark is stored', 'before the proof', 'after the proof', 'before it is settled'] as const;
type Death = (typeof DEATHS)[number] | 'never';

/** One link of a node with this memory, as the agent makes it; a killed one ends without a word. */
async function link(store: LedgerStore, death: Death = 'never'): Promise<{ peer: RawPeer; node: FakeNode | null }> {
  const ledger = createJoinLedger(store, log);
  const peer = await RawPeer.dial(controller.url);
  const dies = async (): Promise<{ peer: RawPeer; node: null }> => {
    await peer.close();
    return { peer, node: null };
  };
  const claim = ledger.claim(nodeId);
  const sent = startHandshake({ mode: 'node', nodeId, key, random: systemRandom, join: claim });
  peer.send(sent.message);
  const { controllerId } = controller.identity;
  const expected = { by: 'key', controllerId, linkKey: controller.identity.key.publicText } as const;
  const answer = answerWelcome(sent, await peer.next(), expected, () => null);
  if (!answer.ok) throw new Error(answer.why);
  if (death === 'before the mark is stored') return dies();
  ledger.step({ counter: claim.counter, mark: answer.joinMark, joined: answer.joined });
  if (death === 'before the proof') return dies();
  const epoch = known().epoch;
  peer.send(answer.proof);
  if (death === 'after the proof') {
    await waitFor('the link to be counted', () => known().epoch > epoch || known().bar !== null, { intervalMs: 1 });
    return dies();
  }
  const node = new FakeNode(peer, createFrameSealer(answer.keys.node), createFrameOpener(answer.keys.controller));
  const isUp = await node.control('ready').then(
    () => true,
    () => false,
  );
  if (!isUp) return { peer, node: null };
  if (death === 'before it is settled') return dies();
  ledger.settled();
  return { peer, node };
}

const codeOf = async ({ peer }: { peer: RawPeer }): Promise<number> => (await peer.ended).code;

/** A copy of the node's disk. */
const copyOf = (store: LedgerStore): LedgerStore => {
  const copy = memoryLedger();
  copy.save(store.load() ?? '');
  return copy;
};

describe('a revoked node', () => {
  it('KEYS1 is cut off within a second, and each later link is refused with a code of its own once the key is proven', async () => {
    const store = memoryLedger();
    const up = await link(store);
    const askedAt = performance.now();
    known().bar = 4402;
    controller.gateway.links.find(nodeId)?.close(4402, 'revoked');
    expect(await codeOf(up)).toBe(4402);
    console.info(`a revoked node: its link was closed after ${Math.round(performance.now() - askedAt)} ms`);
    expect(await codeOf(await link(store))).toBe(4402);
    expect(closeCodeInfo(4402)).toMatchObject({ name: 'revoked', mayReturn: false });
    // Who cannot prove the key does not learn that the node is revoked.
    const stranger = await RawPeer.dial(controller.url);
    stranger.send(startHandshake({ mode: 'node', nodeId, key, random: systemRandom }).message);
    await stranger.next();
    stranger.send(Buffer.from(JSON.stringify({ t: 'proof', sig: 'A'.repeat(86) })));
    expect((await stranger.ended).code).toBe(4401);
  });
});

describe('the join counter', () => {
  it('KEYS4 each link shows the mark of the one before, and the controller keeps only its hash', async () => {
    const store = memoryLedger();
    for (let i = 1; i <= 3; i += 1) {
      const { node, peer } = await link(store);
      expect(node).not.toBeNull();
      expect(known().join.counter).toBe(i);
      const ledger = JSON.parse(store.load() ?? '') as { marks: { mark: string }[] };
      expect(ledger.marks).toHaveLength(1);
      expect(JSON.stringify(known().join)).not.toContain(ledger.marks[0]?.mark);
      await peer.close();
    }
  });

  it.each(DEATHS)('KEYS5 KEYS6 a node that is killed %s, again and again, is still the same node', async (death) => {
    const store = memoryLedger();
    await (await link(store)).peer.close();
    for (let i = 0; i < MOST_JOIN_MARKS + 4; i += 1) await link(store, death);
    const after = await link(store);
    expect(after.node).not.toBeNull();
    expect(known().bar).toBeNull();
    await after.peer.close();
  });

  it('KEYS5 KEYS6 a node that is killed 120 times at points chosen by a seed is still the same node', async () => {
    const seed = 20_261_122;
    const random = new SeededRandom(seed);
    const store = memoryLedger();
    for (let i = 0; i < 120; i += 1) {
      const death = DEATHS[Math.floor(random.unit() * DEATHS.length)] ?? 'never';
      await link(store, death);
      expect(known().bar, `seed ${seed}, link ${i}, killed ${death}`).toBeNull();
    }
    const after = await link(store);
    expect(after.node).not.toBeNull();
    await after.peer.close();
  });

  it('KEYS5 KEYS6 a controller that is killed before or after it has counted a link still knows the node', async () => {
    for (const hasCounted of [false, true]) {
      const { state } = controller;
      await controller.stop();
      controller = await FakeController.start({
        state,
        ports: (ports) => ({
          nodes: {
            ...ports.nodes,
            openSession: async (opening) => {
              if (hasCounted) await ports.nodes.openSession(opening);
              throw new Error('killed');
            },
          },
        }),
      });
      const store = memoryLedger();
      nodeId = controller.addNode(key.publicText);
      for (let i = 0; i < 3; i += 1) expect(await codeOf(await link(store))).toBe(1011);
      await controller.stop();
      controller = await FakeController.start({ state });
      const after = await link(store);
      expect(after.node).not.toBeNull();
      await after.peer.close();
    }
  });

  it.each([...DEATHS, 'never' as const])(
    'KEYS6 KEYS7 a disk that was copied from a node that was killed (%s) is found, whoever connects first, and both are locked',
    async (death) => {
      for (const isCopyFirst of [true, false]) {
        nodeId = controller.addNode(key.publicText);
        const store = memoryLedger();
        await (await link(store)).peer.close();
        await (await link(store, death)).peer.close();
        const copy = copyOf(store);
        const [first, second] = isCopyFirst ? [copy, store] : [store, copy];
        const up = await link(first);
        expect(up.node).not.toBeNull();
        expect(await codeOf(await link(second))).toBe(4412);
        expect(await codeOf(up)).toBe(4412);
        for (const side of [first, second]) expect(await codeOf(await link(side))).toBe(4412);
      }
    },
  );

  it('KEYS6 KEYS7 a copy that lies about its counter is found: it cannot know the mark', async () => {
    const store = memoryLedger();
    await (await link(store)).peer.close();
    const copy = copyOf(store);
    const up = await link(store);
    const stale = JSON.parse(copy.load() ?? '') as { counter: number };
    copy.save(JSON.stringify({ ...stale, counter: 1_000_000 }));
    expect(await codeOf(await link(copy))).toBe(4412);
    expect(await codeOf(up)).toBe(4412);
  });

  it('KEYS7 who does not hold the key cannot have a node locked', async () => {
    const up = await link(memoryLedger());
    const stranger = await RawPeer.dial(controller.url);
    stranger.send(startHandshake({ mode: 'node', nodeId, key, random: systemRandom }).message);
    await stranger.next();
    stranger.send(Buffer.from(JSON.stringify({ t: 'proof', sig: 'A'.repeat(86) })));
    expect((await stranger.ended).code).toBe(4401);
    expect(known().bar).toBeNull();
    await up.peer.close();
  });
});

/** The link key's files in memory; `fails` makes the last step of a rotation impossible, as a kill before it does. */
function memoryKeys(first: KeyPair) {
  let [current, next, madeAtMs]: [KeyPair, KeyPair | null, number] = [first, null, 0];
  return {
    fails: false,
    current: () => current,
    madeAtMs: () => madeAtMs,
    next: () => (next ??= createKeyPair()),
    hasNext: () => next !== null,
    adoptNext(): void {
      if (this.fails) throw new HaubanError('FILE_FAILED', 'killed');
      [current, next, madeAtMs] = [next ?? current, null, systemClock.nowMs()];
    },
  };
}

/** Fast enough for a test, slow enough that a key is replaced once in it. */
const PERIOD_MS = 600_000;
const idOf = (jws: string): string => String(payloadOf(jws)['id']);

/** A node that answers orders and rotates its key, on a link that is made by hand. */
async function rotatingNode(id: NodeId, keys: ReturnType<typeof memoryKeys>, random: Random) {
  const node = await FakeNode.up(controller, { nodeId: id, key: keys.current() });
  const rotation = new KeyRotation({
    clock: systemClock,
    random,
    log,
    store: keys,
    nodeId: () => id,
    usedKey: () => null,
    periodMs: PERIOD_MS,
  });
  const channel = { sendControl: (message: AgentMessage) => node.say(message) } as unknown as FrameChannel;
  const serve = async (): Promise<void> => {
    for (;;) {
      const { body } = await node.next();
      const message = JSON.parse(body.toString()) as ControllerMessage;
      if (message.t === 'order') node.say({ t: 'order.taken', order: idOf(message.jws) });
      if (message.t === 'key.rotated' || message.t === 'key.refused') rotation.answered(message);
    }
  };
  // It ends with its socket.
  const served = serve().catch(() => undefined);
  rotation.linkUp(channel);
  return {
    node,
    stop: async () => {
      rotation.linkDown();
      await node.peer.close();
      await served;
    },
  };
}

describe('rotation of link keys', () => {
  const proposal = async (of: KeyRotationOf, signers: readonly [KeyPair, KeyPair]): Promise<AgentMessage> => ({
    t: 'key.rotate',
    linkKey: of.next,
    before: of.before,
    byCurrent: await signKeyRotation(of, signers[0]),
    byNext: await signKeyRotation(of, signers[1]),
  });

  it('KEYS8 a new key that the old one, the new one or this node has not signed is refused', async () => {
    const node = await FakeNode.up(controller, { nodeId, key });
    const [next, stranger] = [createKeyPair(), createKeyPair()];
    const of = { nodeId, before: key.publicText, next: next.publicText };
    const attacks: readonly AgentMessage[] = [
      await proposal(of, [stranger, next]),
      await proposal(of, [key, stranger]),
      await proposal(of, [next, next]),
      { ...(await proposal({ ...of, nodeId: randomUUID() }, [key, next])) },
      await proposal({ ...of, before: stranger.publicText }, [stranger, next]),
      { ...(await proposal(of, [key, next])), linkKey: stranger.publicText } as AgentMessage,
    ];
    for (const attack of attacks) {
      node.say(attack);
      expect((await node.control('key.refused')).code).toBe('LINK_KEY_REFUSED');
      expect(known()).toMatchObject({ linkKey: key.publicText, nextLinkKey: null });
    }
    node.say(await proposal(of, [key, next]));
    expect((await node.control('key.rotated')).linkKey).toBe(next.publicText);
    await node.peer.close();
  });

  it('KEYS9 the old key is good until the new one was seen, and refused from then on', async () => {
    const keys = memoryKeys(key);
    const next = keys.next();
    const first = await rotatingNode(nodeId, keys, systemRandom);
    await waitFor('the new key here', () => !keys.hasNext());
    await first.stop();
    controller.state.countsJoins = false;
    const withOld = await FakeNode.up(controller, { nodeId, key });
    await withOld.peer.close();
    const withNew = await FakeNode.up(controller, { nodeId, key: next });
    await withNew.peer.close();
    await expect(FakeNode.connect(controller, { nodeId, key })).rejects.toThrow(/4401/);
    expect(known()).toMatchObject({ linkKey: next.publicText, nextLinkKey: null });
  });

  it('KEYS10 a node that is killed before it has put the new key in place proposes the same one again', async () => {
    controller.state.countsJoins = false;
    const keys = memoryKeys(key);
    const next = keys.next();
    keys.fails = true;
    for (let i = 0; i < 3; i += 1) {
      const killed = await rotatingNode(nodeId, keys, systemRandom);
      await waitFor('the new key at the controller', () => known().nextLinkKey === next.publicText);
      await killed.stop();
      expect(keys.current().publicText).toBe(key.publicText);
    }
    keys.fails = false;
    const again = await rotatingNode(nodeId, keys, systemRandom);
    await waitFor('the new key here', () => !keys.hasNext());
    expect(keys.current().publicText).toBe(next.publicText);
    await again.stop();
  });

  it('KEYS8 KEYS10 200 nodes rotate while orders flow: none lost, no link dropped', { timeout: 120_000 }, async () => {
    controller.state.countsJoins = false;
    const random = new SeededRandom(5);
    // The whole wait is spread over a few hundred ms.
    const fast: Random = { bytes: (length) => random.bytes(length), unit: () => random.unit() / 200 };
    const fleet: {
      id: NodeId;
      first: KeyPair;
      keys: ReturnType<typeof memoryKeys>;
      link: Awaited<ReturnType<typeof rotatingNode>>;
    }[] = [];
    for (let i = 0; i < 200; i += 1) {
      const first = createKeyPair();
      const keys = memoryKeys(first);
      const id = controller.addNode(first.publicText);
      fleet.push({ id, first, keys, link: await rotatingNode(id, keys, fast) });
    }
    const since = performance.now();
    const sent: string[] = [];
    const isDone = (): boolean => fleet.every(({ keys }) => keys.madeAtMs() > 0);
    for (let round = 0; round < 3 || !isDone(); round += 1) {
      for (const { id } of fleet) {
        const order = randomUUID();
        sent.push(order);
        const jws = `e30.${Buffer.from(JSON.stringify({ id: order })).toString('base64url')}.${'A'.repeat(86)}`;
        controller.gateway.links.find(id)?.sendOrder(jws);
      }
      const upTo = sent.length;
      await waitFor('the orders', () => controller.told.taken.length >= upTo, { intervalMs: 5 });
    }
    const tookMs = Math.round(performance.now() - since);
    expect(controller.told.taken.toSorted()).toEqual(sent.toSorted());
    expect(controller.told.ends).toEqual([]);
    for (const { id, first, keys } of fleet) {
      expect(keys.current().publicText).not.toBe(first.publicText);
      expect(controller.state.nodes.get(id)?.nextLinkKey).toBe(keys.current().publicText);
    }
    console.info(
      `200 nodes rotated their link keys in ${tookMs} ms while ${sent.length} orders went through: no link dropped`,
    );
    await Promise.all(fleet.map(({ link }) => link.stop()));
  });
});

describe('a controller that was restored from a backup', () => {
  const started: FakeAgent[] = [];
  afterEach(async () => {
    for (const agent of started.splice(0)) await agent.stop();
  });

  it('KEYS11 knows an older link key: the node tries the ones before, is let in, and rotates at once', async () => {
    const [ofYesterday, ofToday] = [createKeyPair(), createKeyPair()];
    const keys = memoryKeys(ofToday);
    const identity = { formerKeys: [ofYesterday, key] };
    const agent = await FakeAgent.start(controller, { nodeId, key: ofToday, keys, identity });
    started.push(agent);
    await waitFor('the link', () => agent.node.isUp);
    expect(controller.told.refusals.map(({ code }) => code)).toEqual([4401, 4401]);
    await waitFor('the new key', () => known().nextLinkKey !== null && !keys.hasNext());
    expect(known()).toMatchObject({ linkKey: key.publicText, nextLinkKey: keys.current().publicText });
    expect(controller.told.ends).toEqual([]);
  });

  it('KEYS11 that knows none of the keys is left alone after the last one was tried', async () => {
    const former = [createKeyPair(), createKeyPair()];
    const agent = await FakeAgent.start(controller, { nodeId, key: createKeyPair(), identity: { formerKeys: former } });
    started.push(agent);
    await waitFor('the node to stay away', () => agent.keeper.phase === 'refused');
    expect(controller.told.refusals).toHaveLength(3);
  });
});

/** HAUBAN_KEYS_ROUNDS=20 for a longer look. */
const ROUNDS = Number(process.env['HAUBAN_KEYS_ROUNDS'] ?? 3);

describe('a node that is enrolled again, with the real agent', { timeout: 60_000 + ROUNDS * 20_000 }, () => {
  let folder: string;
  let program: ChildProcess | null = null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hb-'));
  });
  afterEach(async () => {
    const ended = new Promise((resolve) => program?.once('exit', resolve) ?? resolve(null));
    if (program?.exitCode === null && program.kill('SIGKILL')) await ended;
    rmSync(folder, { recursive: true });
  });
  const enrol = async (): Promise<void> => {
    const args = ['enrol', '--force', '--root', folder, '--url', controller.url, '--token', controller.joinToken()];
    expect((await runAgentProgram(args)).status).toBe(0);
    nodeId = [...controller.state.nodes.keys()].at(-1) as NodeId;
  };

  it('KEYS1 KEYS3 LIFE5 revoked and enrolled again under a running link process, it is back within seconds each time', async () => {
    await enrol();
    program = await startAgentProgram(['link', '--root', folder]);
    const tookMs: number[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      await waitFor(`link ${round}`, () => controller.gateway.links.find(nodeId) !== null);
      known().bar = 4402;
      controller.gateway.links.find(nodeId)?.close(4402, 'revoked');
      await waitFor('the end of the link', () => controller.gateway.links.find(nodeId) === null);
      await enrol();
      const since = performance.now();
      await waitFor('the link to come back', () => controller.gateway.links.find(nodeId) !== null, { intervalMs: 5 });
      tookMs.push(Math.round(performance.now() - since));
    }
    console.info(`${ROUNDS} enrolments of a revoked node: its link was back after ${tookMs.join(', ')} ms`);
  });
});

describe('two clones of one agent folder, with the real agent', { timeout: 120_000 }, () => {
  let folder: string;
  const started: ChildProcess[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hb-'));
    const enrol = ['enrol', '--root', join(folder, 'a'), '--url', controller.url, '--token', controller.joinToken()];
    expect((await runAgentProgram(enrol)).status).toBe(0);
    nodeId = [...controller.state.nodes.keys()].at(-1) as NodeId;
  });
  afterEach(async () => {
    for (const child of started.splice(0)) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
    }
    rmSync(folder, { recursive: true });
  });

  const start = async (name: string): Promise<{ output(): string }> => {
    const child = await startAgentProgram(['link', '--root', join(folder, name)]);
    started.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    return { output: () => output };
  };
  const isRefused = (program: { output(): string }): boolean =>
    program.output().includes('two copies of this node have connected');

  it.each([
    ['while it runs', true],
    ['while it is switched off', false],
  ])('KEYS7 a node whose disk was copied %s: both are locked', async (_when, isRunning) => {
    if (!isRunning) cpSync(join(folder, 'a'), join(folder, 'b'), { recursive: true });
    const original = await start('a');
    await waitFor('the original', () => controller.told.ready.length === 1);
    if (isRunning)
      cpSync(join(folder, 'a'), join(folder, 'b'), { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const clone = await start('b');
    // The clock starts with the first sign of life of the second copy.
    await waitFor('the clone', () => controller.told.ready.length === 2 || known().bar !== null, { intervalMs: 5 });
    const since = performance.now();
    await waitFor('the lock', () => known().bar === 4412 && controller.gateway.counts.online === 0, { intervalMs: 5 });
    const tookMs = Math.round(performance.now() - since);
    await waitFor('both to stay away', () => isRefused(original) && isRefused(clone));
    console.info(`two clones, copied ${_when}: both locked ${tookMs} ms after the second had connected`);
  });
});
