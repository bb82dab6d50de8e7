import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  answerWelcome,
  createFrameOpener,
  createFrameSealer,
  createKeyPair,
  startHandshake,
  systemRandom,
} from '@hauban/link';
import { closeCodeInfo, MOST_JOIN_MARKS, type NodeId } from '@hauban/shared/protocol';
import { SeededRandom } from '@hauban/shared/testing';
import { createJoinLedger, type LedgerStore } from '../../packages/agent/src/link/index.ts';
import { runAgentProgram, startAgentProgram } from '../support/agent-program.ts';
import { memoryLedger } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
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
