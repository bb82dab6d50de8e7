import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  authorityOrderKeys,
  authorityStepHash,
  createKeyPair,
  keyThumbprint,
  linkStepHash,
  orderHash,
  signJws,
  signLinkStep,
  signOrder,
  signReceipt,
  verifyOrder,
  type KeyPair,
} from '@hauban/link';
import {
  AUTHORITY_STEP_TYPE,
  LINK_STEP_TYPE,
  type AuthorityStep,
  type FromExecutor,
  type LinkItem,
  type LinkStep,
  type NodeId,
  type SignedStep,
  type ToExecutor,
} from '@hauban/shared/protocol';
import { SeededRandom } from '@hauban/shared/testing';
import { AuthorityStore } from '../../packages/agent/src/trust/index.ts';
import { FakeAgent } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
import { payloadOf } from '../support/fake-services.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * The authority key and the controller's link key are replaced under a fleet that works. A node here is the real link
 * process over a real socket, and behind it the executor's own check of authority keys and orders; only what an order
 * does is simulated. The controller is the real gateway; it signs as the signer does: by the key before until half of the
 * overlap is over.
 */
const NODES = 200;
const OVERLAP_MS = 24_000;
const SEED = 20_261_123;

const kidOf = (key: KeyPair): string => keyThumbprint(key.publicText) ?? '';
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What was done on the node, whoever carried the order there. */
class Node {
  readonly effects = new Map<string, number>();
  readonly refusals: string[] = [];
  readonly agent: FakeAgent;
  readonly #authority: AuthorityStore;
  readonly #receipts = new Map<string, string>();
  readonly #receiptKey = createKeyPair();
  #work: Promise<void> = Promise.resolve();

  private constructor(agent: FakeAgent, controllerId: string, root: KeyPair) {
    this.agent = agent;
    let stored: readonly AuthorityStep[] = [];
    this.#authority = new AuthorityStore({
      file: { path: 'memory', load: () => ({ is: 'held', value: stored }), store: (steps) => void (stored = steps) },
      trust: () => ({
        controllerId,
        authority: { root: [{ kid: kidOf(root), key: root.publicText }], steps: [] },
      }),
      log,
    });
    const executor = agent.executor!;
    executor.heard = (message) => {
      // One after the other, as the executor takes them.
      this.#work = this.#work.then(() => this.#take(message));
    };
  }

  static async start(controller: FakeController, root: KeyPair, seed: number): Promise<Node> {
    const agent = await FakeAgent.start(controller, { random: new SeededRandom(seed) });
    return new Node(agent, controller.identity.controllerId, root);
  }

  get authority(): number {
    return this.#authority.version;
  }

  /** A dead connection is the executor's death: whatever is not said comes again. */
  #say(message: FromExecutor): void {
    try {
      this.agent.executor!.send(message);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('not connected')) throw error;
    }
  }

  async #take(message: ToExecutor): Promise<void> {
    if (message.t === 'bundles') await this.#follow(message.items.filter((item) => 'byBefore' in item));
    else if (message.t === 'order') await this.#order(message.jws);
    else if (message.t === 'receipt.ack') this.#receipts.delete(message.order);
    this.agent.executor!.afterSync = [...this.#receipts.values()].map((jws) => ({ t: 'receipt', jws }));
  }

  async #follow(steps: readonly SignedStep[]): Promise<void> {
    const before = this.authority;
    for (const step of steps) await this.#authority.take(step, null);
    if (this.authority === before) return;
    const executor = this.agent.executor!;
    executor.facts = { ...executor.facts, authority: this.authority };
    this.#say(executor.facts);
  }

  async #order(jws: string): Promise<void> {
    const { held } = this.#authority;
    if (held.is !== 'held') throw new Error(held.problem);
    const { all, retired } = authorityOrderKeys(held.chain, Date.now());
    const verified = await verifyOrder(jws, all);
    if (!verified.ok || retired.has(verified.kid)) {
      this.refusals.push(verified.ok ? 'AUTHORITY_RETIRED' : verified.code);
      return;
    }
    const { id } = verified.value;
    // Known: answered from the journal (rule ORDER4).
    if (!this.effects.has(id)) this.#receipts.set(id, await this.#carryOut(id, jws));
    const receipt = this.#receipts.get(id);
    if (receipt !== undefined) this.#say({ t: 'receipt', jws: receipt });
  }

  async #carryOut(id: string, jws: string): Promise<string> {
    this.effects.set(id, (this.effects.get(id) ?? 0) + 1);
    const now = Date.now();
    return await signReceipt(
      {
        v: 1,
        order: id,
        orderHash: orderHash(jws),
        node: this.agent.nodeId,
        kind: 'action',
        mode: 'apply',
        outcome: 'succeeded',
        code: null,
        detail: 'done',
        plan: null,
        verification: [],
        data: null,
        startedAt: now,
        finishedAt: now,
      },
      this.#receiptKey,
    );
  }
}

let controller: FakeController;
let root: KeyPair;
let authoritySteps: SignedStep[];
let authorityStep: AuthorityStep | null;
/** The authority keys by version. */
let authority: KeyPair[];
let links: LinkStep[];
const nodes: Node[] = [];

beforeEach(async () => {
  [authoritySteps, authorityStep, links] = [[], null, []];
  controller = await FakeController.start({
    ports: (ports) => ({
      trust: {
        ...ports.trust,
        nodeStatus: async (_nodeId, held) => ({
          items: authoritySteps.slice(Math.max(0, held.authority - 1)),
          isAll: true,
        }),
      },
    }),
  });
  root = controller.state.authority;
  authority = [root];
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ agent }) => agent.stop()));
  await controller.stop();
});

/** By the key before until half of the overlap is over. */
function signingKey(): KeyPair {
  const newest = authority.at(-1) ?? root;
  if (authorityStep === null || Date.now() >= (authorityStep.issuedAt + authorityStep.retireAt) / 2) return newest;
  return authority.at(-2) ?? newest;
}

const orderFor = (nodeId: string, key = signingKey()): Promise<string> => {
  const now = Date.now();
  const requester = { id: 'u1', name: 'Test', via: 'api' } as const;
  const what = {
    kind: 'action',
    action: 'node.ping',
    actionVersion: 1,
    mode: 'apply',
    args: {},
    planHash: null,
  } as const;
  const { controllerId: iss } = controller.identity;
  const head = { v: 1, id: randomUUID(), aud: nodeId, iss, iat: now, exp: now + 300_000 } as const;
  return signOrder({ ...head, requester, reason: null, approvals: [], approved: null, ...what }, key, kidOf(key));
};

async function rotateAuthority(overlapMs = OVERLAP_MS): Promise<void> {
  const [before, next] = [authority.at(-1) ?? root, createKeyPair()];
  const issuedAt = Date.now();
  const step: AuthorityStep = {
    v: 1,
    is: 'hauban-authority-step',
    controller: controller.identity.controllerId,
    version: authority.length + 1,
    previous: authorityStep === null ? null : authorityStepHash(authorityStep),
    before: before.publicText,
    next: next.publicText,
    bundle: 0,
    issuedAt,
    retireAt: issuedAt + overlapMs,
  };
  const by = (key: KeyPair) => signJws(step, key, { typ: AUTHORITY_STEP_TYPE, kid: kidOf(key) });
  const signed = { byBefore: await by(before), byNext: await by(next), approvals: [] };
  authority.push(next);
  authorityStep = step;
  authoritySteps.push(signed);
  for (const link of controller.gateway.links.all()) link.sendBundles([signed]);
}

/** In force at once for new handshakes; nodes that are away hear of it in the welcome. */
async function rotateLinkKey(): Promise<void> {
  const { identity, linkSteps } = controller.state;
  const [before, next] = [identity.key, createKeyPair()];
  const last = links.at(-1);
  const issuedAt = Date.now();
  const step: LinkStep = {
    v: 1,
    is: 'hauban-link-step',
    controller: identity.controllerId,
    version: links.length + 2,
    previous: last === undefined ? null : linkStepHash(last),
    before: before.publicText,
    next: next.publicText,
    authority: authority.length,
    issuedAt,
    retireAt: issuedAt,
  };
  const signer = authority.at(-1) ?? root;
  const signed = {
    byAuthority: await signJws(step, signer, { typ: LINK_STEP_TYPE, kid: kidOf(signer) }),
    byBefore: await signLinkStep(step, before),
    byNext: await signLinkStep(step, next),
  };
  const items: LinkItem[] = [...authoritySteps.map((one) => ({ ...one, approvals: [] })), signed];
  for (const [pinned, known] of linkSteps) linkSteps.set(pinned, [...known, ...items]);
  linkSteps.set(before.publicText, items);
  links.push(step);
  Object.assign(identity, { key: next });
  for (const link of controller.gateway.links.all()) link.sendLinkSteps(items);
}

/** One order to each node, kept until its receipt comes, as the database does. */
async function orderRound(sent: Map<string, string>): Promise<void> {
  for (const { agent } of nodes) {
    const jws = await orderFor(agent.nodeId);
    const { pending } = controller.state;
    pending.set(agent.nodeId, [...(pending.get(agent.nodeId) ?? []), jws]);
    sent.set(String(payloadOf(jws)['id']), agent.nodeId);
    controller.gateway.links.find(agent.nodeId as NodeId)?.sendOrder(jws);
  }
}
const answered = (): Set<string> => new Set(controller.told.receipts.map(({ jws }) => String(payloadOf(jws)['order'])));
const allUp = (): Promise<unknown> =>
  waitFor('every link', () => controller.gateway.counts.online === nodes.length, { timeoutMs: 60_000, intervalMs: 20 });

describe(`${NODES} nodes that work`, { timeout: 300_000 }, () => {
  it('KEYS16 KEYS18 KEYS20 KEYS21 rotations of the authority key and the link key while orders run: none lost, none twice, none refused', async () => {
    const random = new SeededRandom(SEED);
    for (let i = 0; i < NODES; i += 1) nodes.push(await Node.start(controller, root, SEED + i));
    await allUp();
    const since = performance.now();
    const sent = new Map<string, string>();
    /** Some executors and, each second time, every link break in the middle. */
    const disturb = (round: number): void => {
      for (const { agent } of nodes) if (random.unit() < 0.1) agent.executor!.dropConnection();
      if (round % 2 === 1) controller.cutAll();
    };
    const changes = [rotateLinkKey, rotateAuthority, rotateLinkKey];
    let rounds = 0;
    for (const change of changes) {
      await orderRound(sent);
      disturb(rounds);
      await change();
      await orderRound(sent);
      rounds += 2;
      await allUp();
      await waitFor('everybody to follow', () => isFollowed(), { timeoutMs: 60_000, intervalMs: 20 });
    }
    const { retireAt } = authorityStep as AuthorityStep;
    while (Date.now() < retireAt) {
      await orderRound(sent);
      disturb(rounds);
      rounds += 1;
      await allUp();
      await waitFor('the receipts', () => answered().size >= sent.size - NODES, { timeoutMs: 60_000, intervalMs: 20 });
    }
    await orderRound(sent);
    await waitFor('every receipt', () => answered().size === sent.size, { timeoutMs: 60_000, intervalMs: 20 });
    const tookMs = Math.round(performance.now() - since);
    expect(nodes.flatMap(({ refusals }) => refusals)).toEqual([]);
    const effects = nodes.flatMap((node) =>
      [...node.effects].map(([id, count]) => ({ id, count, at: node.agent.nodeId })),
    );
    expect(effects.filter(({ count }) => count !== 1)).toEqual([]);
    expect(new Map(effects.map(({ id, at }) => [id, at]))).toEqual(sent);
    expect(controller.told.faults).toEqual([]);
    console.info(
      `seed ${SEED}: 1 authority key and 2 link keys replaced under ${NODES} nodes in ${tookMs} ms, ${sent.size} orders, each done once`,
    );

    // The old authority key, stolen, has nothing left to say to any of them.
    for (const { agent } of nodes)
      controller.gateway.links.find(agent.nodeId as NodeId)?.sendOrder(await orderFor(agent.nodeId, root));
    await waitFor('every refusal', () => nodes.every(({ refusals }) => refusals.length === 1), { timeoutMs: 60_000 });
    expect(new Set(nodes.flatMap(({ refusals }) => refusals))).toEqual(new Set(['AUTHORITY_RETIRED']));
  });

  const isFollowed = (): boolean =>
    nodes.every(
      ({ agent, authority: version }) =>
        agent.controllerKeys.newest === controller.identity.key.publicText && version === authority.length,
    );
});

describe('a node that comes back after the overlap is half over', () => {
  it('KEYS18 a new order that is sent at the very moment at which its link is up waits until it has got the step', async () => {
    const node = await Node.start(controller, root, SEED);
    nodes.push(node);
    await waitFor('the link', () => node.agent.node.isUp);
    controller.cutAll();
    await waitFor('its end', () => controller.gateway.counts.online === 0);
    // No overlap: orders are signed by the new key from now on.
    await rotateAuthority(0);
    const before = controller.told.ready.length;
    const jws = await orderFor(node.agent.nodeId);
    await waitFor('the link', () => controller.told.ready.length > before, { intervalMs: 1 });
    expect(controller.told.ready.at(-1)?.sendOrder(jws)).toBe('sent');
    await waitFor('the outcome', () => node.effects.size + node.refusals.length > 0);
    expect(node.refusals).toEqual([]);
    expect(node.authority).toBe(2);
  });
});
