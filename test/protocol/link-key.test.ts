import { randomUUID } from 'node:crypto';
import {
  answerWelcome,
  authorityStepHash,
  createKeyPair,
  keyThumbprint,
  linkStepHash,
  readHello,
  signJws,
  signLinkStep,
  startHandshake,
  systemRandom,
  welcomeNode,
  type KeyPair,
} from '@hauban/link';
import {
  AUTHORITY_STEP_TYPE,
  LINK_STEP_TYPE,
  type AuthorityStep,
  type LinkItem,
  type LinkStep,
  type SignedLinkStep,
  type SignedStep,
} from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControllerKeysFile } from '../../packages/agent/src/store/controller-keys-file.ts';
import { FakeAgent } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
import { waitFor } from '../support/wait-for.ts';

const HOUR_MS = 3_600_000;
let controller: FakeController;
let first: KeyPair;
let second: KeyPair;
let third: KeyPair;
const agents: FakeAgent[] = [];

beforeEach(async () => {
  controller = await FakeController.start();
  first = controller.identity.key;
  [second, third] = [createKeyPair(), createKeyPair()];
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  await controller.stop();
});

/** The controller proves itself with this key from now on. */
const useKey = (key: KeyPair): void => void Object.assign(controller.state.identity, { key });
const kidOf = (key: KeyPair): string => keyThumbprint(key.publicText) ?? '';

const stepTo = (change: Partial<LinkStep> = {}): LinkStep => ({
  v: 1,
  is: 'hauban-link-step',
  controller: controller.identity.controllerId,
  version: 2,
  previous: null,
  before: first.publicText,
  next: second.publicText,
  authority: 1,
  issuedAt: Date.now(),
  retireAt: Date.now() + HOUR_MS,
  ...change,
});
const stepAfter = (before: LinkStep, change: Partial<LinkStep> = {}): LinkStep => ({
  ...before,
  version: before.version + 1,
  previous: linkStepHash(before),
  before: before.next,
  next: third.publicText,
  ...change,
});

interface Signers {
  readonly authority?: KeyPair;
  readonly before?: KeyPair;
  readonly next?: KeyPair;
}
async function seal(step: LinkStep, by: Signers = {}): Promise<SignedLinkStep> {
  const { authority = controller.state.authority, before = first, next = second } = by;
  return {
    byAuthority: await signJws(step, authority, { typ: LINK_STEP_TYPE, kid: kidOf(authority) }),
    byBefore: await signLinkStep(step, before),
    byNext: await signLinkStep(step, next),
  };
}

async function sealAuthority(
  before: KeyPair,
  next: KeyPair,
  last: AuthorityStep | null,
): Promise<[AuthorityStep, SignedStep]> {
  const step: AuthorityStep = {
    v: 1,
    is: 'hauban-authority-step',
    controller: controller.identity.controllerId,
    version: (last?.version ?? 1) + 1,
    previous: last === null ? null : authorityStepHash(last),
    before: before.publicText,
    next: next.publicText,
    bundle: 0,
    issuedAt: Date.now(),
    retireAt: Date.now() + HOUR_MS,
  };
  const by = (key: KeyPair) => signJws(step, key, { typ: AUTHORITY_STEP_TYPE, kid: kidOf(key) });
  return [step, { byBefore: await by(before), byNext: await by(next), approvals: [] }];
}

async function startNode(options: Parameters<typeof FakeAgent.start>[1] = {}): Promise<FakeAgent> {
  const agent = await FakeAgent.start(controller, options);
  agents.push(agent);
  return agent;
}
async function nodeUp(options: Parameters<typeof FakeAgent.start>[1] = {}): Promise<FakeAgent> {
  const agent = await startNode(options);
  await waitFor('the link', () => agent.node.isUp);
  return agent;
}
const lastSaid = (): string | undefined => controller.told.statuses.at(-1)?.status.controllerKey;
const push = (agent: FakeAgent, ...items: LinkItem[]): void =>
  void controller.gateway.links.find(agent.nodeId as never)?.sendLinkSteps(items);

/** The code of the last refusal in the node's log. */
const refusal = (agent: FakeAgent): unknown =>
  agent.log
    .filter(({ message }) => message === 'a link key of the controller was refused')
    .map(({ fields }) => (fields as { code: string }).code)
    .at(-1);

async function expectRefused(agent: FakeAgent, code: string, ...items: LinkItem[]): Promise<void> {
  const before = agent.controllerKeys.newest;
  const kept = agent.keptKeys;
  const refused = agent.log.length;
  push(agent, ...items);
  await waitFor('the refusal', () => agent.log.length > refused && refusal(agent) !== undefined);
  expect(refusal(agent)).toBe(code);
  expect(agent.controllerKeys.newest).toBe(before);
  expect(agent.keptKeys).toEqual(kept);
}

describe('another link key of the controller', () => {
  it('KEYS19 KEYS21 is followed while the link is up, kept, and said; the link is not dropped', async () => {
    const agent = await nodeUp();
    await waitFor('the status', () => lastSaid() === first.publicText);
    push(agent, await seal(stepTo()));
    await waitFor('the status', () => lastSaid() === second.publicText);
    expect(agent.keptKeys).toMatchObject({ root: first.publicText, steps: [{ version: 2 }] });
    expect(controller.told.ends).toEqual([]);
    // The same once more is no fault.
    push(
      agent,
      await seal(
        stepTo({ issuedAt: agent.keptKeys!.steps[0]!.issuedAt, retireAt: agent.keptKeys!.steps[0]!.retireAt }),
      ),
    );
    useKey(second);
    controller.cutAll();
    await waitFor('the next link', () => controller.told.ready.length === 2);
    expect(refusal(agent)).toBeUndefined();
  });

  it.each<[string, string, () => Promise<SignedLinkStep>]>([
    [
      'by a stranger in place of the authority',
      'LINK_STEP_SIGNATURE',
      () => seal(stepTo(), { authority: createKeyPair() }),
    ],
    [
      'by the controller alone, which has both link keys',
      'LINK_STEP_SIGNATURE',
      () => seal(stepTo(), { authority: first }),
    ],
    ['by the signer alone, without the key before', 'LINK_STEP_SIGNATURE', () => seal(stepTo(), { before: second })],
    ['to a key that nobody has shown to have', 'LINK_STEP_SIGNATURE', () => seal(stepTo(), { next: first })],
    ['of another fleet with the same keys', 'LINK_STEP_CONTROLLER', () => seal(stepTo({ controller: randomUUID() }))],
    [
      'over another key than the one gone by',
      'LINK_STEP_FORKED',
      () => seal(stepTo({ before: third.publicText }), { before: third }),
    ],
    [
      'back to the key that is gone by',
      'LINK_STEP_FORKED',
      () => seal(stepTo({ next: first.publicText }), { next: first }),
    ],
    ['by an authority key to come', 'LINK_STEP_AUTHORITY', () => seal(stepTo({ authority: 2 }))],
    [
      'that is none',
      'LINK_STEP_MALFORMED',
      async () => ({ byAuthority: 'e30.e30.AAAA', byBefore: 'e30.e30.AAAA', byNext: 'e30.e30.AAAA' }),
    ],
  ])('KEYS19 a step %s is refused and changes nothing', async (_name, code, attack) => {
    const agent = await nodeUp();
    await expectRefused(agent, code, await attack());
    expect(controller.told.ends).toEqual([]);
  });

  it('KEYS19 three signatures over three statements are refused', async () => {
    const agent = await nodeUp();
    const [one, other] = [await seal(stepTo()), await seal(stepTo({ next: third.publicText }), { next: third })];
    await expectRefused(agent, 'LINK_STEP_SIGNATURE', { ...one, byBefore: other.byBefore });
    await expectRefused(agent, 'LINK_STEP_SIGNATURE', { ...one, byNext: other.byNext });
  });

  it('KEYS19 never goes backwards: an old step, a fork and a key that was replaced are refused', async () => {
    const agent = await nodeUp();
    const [two, fork] = [stepTo(), stepTo({ next: third.publicText })];
    const three = stepAfter(two);
    push(agent, await seal(two), await seal(three, { before: second, next: third }));
    await waitFor('the third key', () => lastSaid() === third.publicText);
    await expectRefused(agent, 'LINK_STEP_OLD', await seal(fork, { next: third }));
    const four = createKeyPair();
    const other = stepAfter(two, { next: four.publicText });
    await expectRefused(agent, 'LINK_STEP_FORKED', await seal(other, { before: second, next: four }));
    const back = stepAfter(three, { next: first.publicText });
    await expectRefused(agent, 'LINK_STEP_FORKED', await seal(back, { before: third, next: first }));
    const skipped = { ...stepAfter(three), version: 9, next: four.publicText };
    await expectRefused(agent, 'LINK_STEP_FORKED', await seal(skipped, { before: third, next: four }));
  });
});

describe('a node that was away', () => {
  it('KEYS20 follows over three link keys and a new authority key within the handshake, and keeps it', async () => {
    const authority = createKeyPair();
    const [authorityStep, signedAuthority] = await sealAuthority(controller.state.authority, authority, null);
    expect(authorityStep.version).toBe(2);
    const two = stepTo({ retireAt: Date.now() });
    const three = stepAfter(two, { authority: 2, retireAt: Date.now() });
    const items = [await seal(two), signedAuthority, await seal(three, { authority, before: second, next: third })];
    controller.state.linkSteps.set(first.publicText, items);
    useKey(third);
    const agent = await startNode({ identity: { controllerKey: first.publicText } });
    await waitFor('the link', () => agent.node.isUp);
    await waitFor('the status', () => lastSaid() === third.publicText);
    expect(controller.told.refusals).toEqual([]);
    // Killed and started again: it needs no step any more.
    const { keptKeys, nodeId, key, ledger } = agent;
    await agent.stop();
    agents.pop();
    controller.state.linkSteps.clear();
    const again = await startNode({ nodeId, key, ledger, keptKeys, identity: { controllerKey: first.publicText } });
    await waitFor('the link again', () => again.node.isUp);
  });

  it.each<[string, () => Promise<LinkItem[]>]>([
    ['that no authority signed', async () => [await seal(stepTo(), { authority: createKeyPair() })]],
    ['that lead to another key', async () => [await seal(stepTo({ next: third.publicText }), { next: third })]],
    [
      'by an authority key that the one before has not named',
      async () => {
        const [own, strange] = [createKeyPair(), createKeyPair()];
        const [, signed] = await sealAuthority(own, strange, null);
        return [signed, await seal(stepTo({ authority: 2 }), { authority: strange })];
      },
    ],
  ])('KEYS20 a controller with a new key and steps %s is not taken for the node’s', async (_name, steps) => {
    controller.state.linkSteps.set(first.publicText, await steps());
    useKey(second);
    const agent = await startNode({ identity: { controllerKey: first.publicText } });
    await waitFor('the node to stay away', () => agent.keeper.phase === 'refused');
    expect(agent.log.map(({ fields }) => (fields as { code?: unknown }).code)).toContain(4495);
    expect(controller.told.ready).toEqual([]);
  });

  it('KEYS20 steps that somebody between altered are found: they are part of what both sides sign', async () => {
    const steps = [await seal(stepTo())];
    const { identity } = controller;
    const start = { mode: 'node', nodeId: randomUUID(), key: createKeyPair(), random: systemRandom } as const;
    const expected = { by: 'key', controllerId: identity.controllerId, linkKey: first.publicText } as const;
    const welcomeFor = (steered: (text: string) => string) => {
      const sent = startHandshake({ ...start, pinned: first.publicText });
      const read = readHello(Buffer.from(steered(Buffer.from(sent.message).toString())));
      if (!read.ok) throw new Error(read.why);
      const welcome = welcomeNode({ ...read, steps }, identity, systemRandom, () => null);
      if (!welcome.ok) throw new Error(welcome.why);
      return { sent, text: Buffer.from(welcome.message).toString() };
    };
    const answer = ({ sent }: ReturnType<typeof welcomeFor>, text: string) =>
      answerWelcome(sent, Buffer.from(text), expected, () => null);
    const plain = welcomeFor((text) => text);
    expect(answer(plain, plain.text)).toMatchObject({ ok: true });
    const [cut, hello] = [
      welcomeFor((text) => text),
      welcomeFor((text) => text.replace(first.publicText, third.publicText)),
    ];
    const without = JSON.stringify({ ...(JSON.parse(cut.text) as object), steps: [] });
    for (const attack of [answer(cut, without), answer(hello, hello.text)])
      expect(attack).toMatchObject({ ok: false, code: 'LINK_CONTROLLER_IDENTITY' });
  });
});

describe('the key that was replaced', () => {
  const follow = async (retireAt: number): Promise<ControllerKeysFile> => {
    const agent = await nodeUp();
    push(agent, await seal(stepTo({ retireAt })));
    await waitFor('the new key', () => lastSaid() === second.publicText);
    const { keptKeys } = agent;
    await agent.stop();
    agents.pop();
    return keptKeys!;
  };

  it('KEYS22 is taken until its time is over: a controller that has only it is let in', async () => {
    const keptKeys = await follow(Date.now() + HOUR_MS);
    await nodeUp({ keptKeys });
  });

  it('KEYS22 is refused by name when its time is over, whoever has it', async () => {
    const keptKeys = await follow(Date.now());
    const agent = await startNode({ keptKeys });
    await waitFor('the node to stay away', () => agent.keeper.phase === 'refused');
    expect(JSON.stringify(agent.log)).toContain('that was replaced, and its time is over');
    expect(controller.told.ready).toHaveLength(1);
  });

  it('KEYS22 stolen together with an authority key that the executor obeys no more, it names no successor', async () => {
    const agent = await nodeUp();
    agent.controllerKeys.obeys(2);
    await expectRefused(agent, 'LINK_STEP_AUTHORITY', await seal(stepTo()));
    // Also after a restart, when the executor has said nothing yet.
    const { keptKeys } = agent;
    expect(keptKeys).toMatchObject({ obeyed: 2, steps: [] });
    await agent.stop();
    agents.pop();
    await expectRefused(await nodeUp({ keptKeys }), 'LINK_STEP_AUTHORITY', await seal(stepTo()));
  });

  it('KEYS21 what an earlier enrolment left counts for nothing', async () => {
    const keptKeys = await follow(Date.now());
    const other = { ...keptKeys, controllerId: randomUUID() };
    const agent = await nodeUp({ keptKeys: other });
    expect(agent.controllerKeys.newest).toBe(first.publicText);
  });
});
