import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  authorityStepChallenge,
  authorityStepHash,
  createKeyPair,
  keyThumbprint,
  signJws,
  signOrder,
  type KeyPair,
} from '@hauban/link';
import {
  AUTHORITY_STEP_TYPE,
  BUNDLE_TYPE,
  type AuthorityStep,
  type Bundle,
  type SignedBundle,
  type SignedStep,
} from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPerson, firstBundle, nextBundle, sealBundle, type Person } from '../support/approving-people.ts';
import { AUTHORITY_KID, createExecutorNode, type ExecutorNode, type LinkSide } from '../support/executor-harness.ts';

let node: ExecutorNode;
let link: LinkSide;
let second: KeyPair;
let third: KeyPair;
let ada: Person;
let bo: Person;
let cy: Person;
const HOUR_MS = 3_600_000;

beforeEach(async () => {
  node = await createExecutorNode();
  await node.start();
  link = await node.connect();
  [second, third] = [createKeyPair(), createKeyPair()];
  [ada, bo, cy] = [createPerson('Ada', true), createPerson('Bo', true), createPerson('Cy', false)];
});
afterEach(async () => {
  link.close();
  await node.cleanUp();
});

const kidOf = (key: KeyPair): string => keyThumbprint(key.publicText) ?? '';
const file = (): string => join(node.config.paths.executorDir, 'authority.json');

/** From the key of the enrolment to `second`, with an hour of overlap. */
const firstStep = (change: Partial<AuthorityStep> = {}): AuthorityStep => ({
  v: 1,
  is: 'hauban-authority-step',
  controller: node.controllerId,
  version: 2,
  previous: null,
  before: node.authority.publicText,
  next: second.publicText,
  bundle: 0,
  issuedAt: Date.now(),
  retireAt: Date.now() + HOUR_MS,
  ...change,
});
const nextStep = (before: AuthorityStep, change: Partial<AuthorityStep> = {}): AuthorityStep => ({
  ...before,
  version: before.version + 1,
  previous: authorityStepHash(before),
  before: before.next,
  next: third.publicText,
  ...change,
});

/** Signed by the key of the enrolment, or `before`, and by `second`, or `next`. */
async function sealStep(
  step: AuthorityStep,
  by: { readonly before?: KeyPair; readonly kid?: string; readonly next?: KeyPair } = {},
  approvers: readonly Person[] = [],
): Promise<SignedStep> {
  const { before = node.authority, next = second } = by;
  const kid = by.kid ?? (before === node.authority ? AUTHORITY_KID : kidOf(before));
  return {
    byBefore: await signJws(step, before, { typ: AUTHORITY_STEP_TYPE, kid }),
    byNext: await signJws(step, next, { typ: AUTHORITY_STEP_TYPE, kid: kidOf(next) }),
    approvals: approvers.map((person) => person.approve(authorityStepChallenge(step))),
  };
}
const sealBy = (key: KeyPair, bundle: Bundle, approvers: readonly Person[] = []): Promise<SignedBundle> =>
  sealBundle(bundle, { authority: key, kid: key === node.authority ? AUTHORITY_KID : kidOf(key) }, approvers);

/** What the executor says about an order by this key: null when it was carried out. */
async function answerTo(key: KeyPair): Promise<string | null> {
  const order = node.actionOrder({ mode: 'plan' });
  const jws = await signOrder(order, key, key === node.authority ? AUTHORITY_KID : kidOf(key));
  link.send({ t: 'order', jws });
  const receipt = await expect
    .poll(async () => {
      for (const message of link.messages) {
        if (message.t !== 'receipt') continue;
        const read = await node.readReceipt(message.jws);
        if (read.order === order.id) return read;
      }
      return null;
    })
    .not.toBeNull()
    .then(async () => {
      const all = link.messages.filter((message) => message.t === 'receipt');
      const read = await Promise.all(all.map(({ jws: text }) => node.readReceipt(text)));
      return read.find(({ order: id }) => id === order.id);
    });
  return receipt?.code ?? null;
}

/** What the executor says it holds, after everything that was sent before. */
async function heldNow(): Promise<{ readonly bundle: number; readonly authority: number }> {
  // An order waits for what came before it.
  await answerTo(createKeyPair());
  const before = link.messages.filter(({ t }) => t === 'facts').length;
  link.send({ t: 'sync' });
  await expect.poll(() => link.messages.filter(({ t }) => t === 'facts').length).toBeGreaterThan(before);
  const facts = link.messages.findLast((message) => message.t === 'facts');
  return facts?.t === 'facts' ? { bundle: facts.bundle, authority: facts.authority } : { bundle: -1, authority: -1 };
}

async function offer(...items: (SignedStep | SignedBundle)[]): Promise<number> {
  link.send({ t: 'bundles', items });
  return (await heldNow()).authority;
}

async function restart(): Promise<void> {
  link.close();
  await node.kill();
  await node.start();
  link = await node.connect();
}

/** Offered, refused with this code, and the same key is obeyed as before. */
async function expectRefused(signed: SignedStep, code: string, version: number): Promise<void> {
  expect(await offer(signed)).toBe(version);
  expect(node.log().split('authority key refused').at(-1)).toContain(`"code":"${code}"`);
}

describe('KEYS13 who may say which key follows', () => {
  it('KEYS13 KEYS15 KEYS16 the old key and the new one: both are obeyed during the overlap, also after a restart', async () => {
    expect(await answerTo(second)).toBe('ORDER_SIGNATURE');
    link.send({ t: 'bundles', items: [await sealStep(firstStep())] });
    await link.next('facts', ({ authority }) => authority === 2);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(await answerTo(second)).toBeNull();
    expect(await answerTo(node.authority)).toBeNull();
    await restart();
    expect(await answerTo(second)).toBeNull();
    expect(await answerTo(node.authority)).toBeNull();
  });

  it('KEYS13 a stranger, who signs with keys of his own', async () => {
    const stranger = createKeyPair();
    const step = firstStep({ before: stranger.publicText });
    await expectRefused(await sealStep(step, { before: stranger }), 'AUTHORITY_FORKED', 1);
    await expectRefused(
      await sealStep(firstStep(), { before: stranger, kid: AUTHORITY_KID }),
      'AUTHORITY_SIGNATURE',
      1,
    );
    await expectRefused(await sealStep(firstStep(), { before: stranger }), 'AUTHORITY_SIGNATURE', 1);
  });

  it('KEYS13 the controller alone: a step that the new key only has signed', async () => {
    await expectRefused(await sealStep(firstStep(), { before: second }), 'AUTHORITY_SIGNATURE', 1);
  });

  it('KEYS13 the old key alone: nobody has proven to hold the new one', async () => {
    await expectRefused(await sealStep(firstStep(), { next: node.authority }), 'AUTHORITY_SIGNATURE', 1);
    const [one, other] = [await sealStep(firstStep()), await sealStep(firstStep({ retireAt: Date.now() + 1 }))];
    await expectRefused({ ...one, byNext: other.byNext }, 'AUTHORITY_SIGNATURE', 1);
  });

  it('KEYS13 a step of another fleet with the same keys', async () => {
    await expectRefused(await sealStep(firstStep({ controller: randomUUID() })), 'AUTHORITY_CONTROLLER', 1);
  });

  it('KEYS13 a policy bundle in the place of a step, and a step with a field too many', async () => {
    const { jws } = await sealBy(node.authority, firstBundle(node.controllerId, [ada, bo]));
    await expectRefused({ byBefore: jws, byNext: jws, approvals: [] }, 'AUTHORITY_MALFORMED', 1);
    const more = { ...firstStep(), sudo: true } as AuthorityStep;
    await expectRefused(await sealStep(more), 'AUTHORITY_MALFORMED', 1);
    const asBundle = await signJws(firstStep(), node.authority, { typ: BUNDLE_TYPE, kid: AUTHORITY_KID });
    const signed = await sealStep(firstStep());
    await expectRefused({ ...signed, byBefore: asBundle }, 'AUTHORITY_SIGNATURE', 1);
  });
});

describe('KEYS14 what owners have to say', () => {
  let first: Bundle;
  beforeEach(async () => {
    first = firstBundle(node.controllerId, [ada, bo, cy]);
    link.send({ t: 'bundles', items: [await sealBy(node.authority, first)] });
  });

  it('KEYS14 a quorum of them: the node follows', async () => {
    expect(await offer(await sealStep(firstStep({ bundle: 1 }), {}, [ada, bo]))).toBe(2);
    expect(await answerTo(second)).toBeNull();
  });

  it.each<[string, () => Person[], string]>([
    ['a taken-over signer alone', () => [], 'AUTHORITY_QUORUM'],
    ['an insider with one of two approvals', () => [ada], 'AUTHORITY_QUORUM'],
    ['one owner twice', () => [ada, ada], 'APPROVAL_REPEATED'],
    ['somebody who is not an owner', () => [ada, cy], 'APPROVAL_OPERATOR'],
    ['somebody whom the bundle does not list', () => [ada, createPerson('Eve', true)], 'APPROVAL_OPERATOR'],
  ])('KEYS14 %s cannot move the fleet to another key', async (_attack, approvers, code) => {
    await expectRefused(await sealStep(firstStep({ bundle: 1 }), {}, approvers()), code, 1);
  });

  it('KEYS14 nor by the word that there is no bundle, nor with the approvals of another step', async () => {
    await expectRefused(await sealStep(firstStep()), 'AUTHORITY_FORKED', 1);
    await expectRefused(await sealStep(firstStep({ bundle: 2 }), {}, [ada, bo]), 'AUTHORITY_SKIPPED', 1);
    const step = firstStep({ bundle: 1 });
    const other = await sealStep({ ...step, next: third.publicText }, { next: third }, [ada, bo]);
    const { approvals } = await sealStep(step, {}, [ada, bo]);
    await expectRefused({ ...other, approvals }, 'APPROVAL_CHALLENGE', 1);
  });
});

describe('KEYS15 only forward', () => {
  it('KEYS15 backwards, another content, a gap, and a key that was replaced before', async () => {
    const step = firstStep();
    const third2 = nextStep(step);
    const sealed = await sealStep(step);
    const sealedThird = await sealStep(third2, { before: second, next: third });
    await expectRefused(sealedThird, 'AUTHORITY_SKIPPED', 1);
    expect(await offer(sealed, sealedThird)).toBe(3);
    const refusals = node.log().split('authority key refused').length;
    // The same ones once more are no fault.
    expect(await offer(sealed, sealedThird)).toBe(3);
    expect(node.log().split('authority key refused')).toHaveLength(refusals);
    await expectRefused(await sealStep(firstStep({ retireAt: 1 })), 'AUTHORITY_OLD', 3);
    const otherThird = nextStep(step, { retireAt: 1 });
    await expectRefused(await sealStep(otherThird, { before: second, next: third }), 'AUTHORITY_FORKED', 3);
    const back = nextStep(third2, { next: second.publicText });
    await expectRefused(await sealStep(back, { before: third }), 'AUTHORITY_FORKED', 3);
  });

  it('KEYS15 by the old key after it was replaced', async () => {
    const step = firstStep({ retireAt: 0 });
    expect(await offer(await sealStep(step))).toBe(2);
    const again = nextStep(step, { before: node.authority.publicText });
    await expectRefused(await sealStep(again, { next: third }), 'AUTHORITY_FORKED', 2);
    await expectRefused(await sealStep(nextStep(step), { next: third }), 'AUTHORITY_SIGNATURE', 2);
  });

  it('KEYS15 with its file damaged no order is carried out, by whatever key, and no step is taken', async () => {
    expect(await offer(await sealStep(firstStep({ retireAt: 0 })))).toBe(2);
    const whole = readFileSync(file(), 'utf8');
    link.close();
    await node.kill();
    writeFileSync(file(), whole.replace(second.publicText, third.publicText));
    await node.start();
    link = await node.connect();
    for (const key of [node.authority, second, third]) expect(await answerTo(key)).toBe('AUTHORITY_DAMAGED');
    await expectRefused(await sealStep(firstStep()), 'AUTHORITY_DAMAGED', 0);
    // A person removes it: the node follows again from the key of its enrolment.
    rmSync(file());
    await restart();
    expect(await offer(await sealStep(firstStep({ retireAt: 0 })))).toBe(2);
  });
});

describe('KEYS16 KEYS17 what an old key is still good for', () => {
  it('KEYS16 orders by it are refused when its time is over, by a code of their own, also after a restart', async () => {
    const step = firstStep({ retireAt: Date.now() - 1 });
    expect(await offer(await sealStep(step))).toBe(2);
    expect(await answerTo(node.authority)).toBe('AUTHORITY_RETIRED');
    await restart();
    expect(await answerTo(node.authority)).toBe('AUTHORITY_RETIRED');
    expect(await answerTo(second)).toBeNull();
  });

  it('KEYS16 a second step without overlap ends every key before, also one whose time was not over', async () => {
    const step = firstStep();
    const now = nextStep(step, { retireAt: 0 });
    expect(await offer(await sealStep(step), await sealStep(now, { before: second, next: third }))).toBe(3);
    expect(await answerTo(node.authority)).toBe('AUTHORITY_RETIRED');
    expect(await answerTo(second)).toBe('AUTHORITY_RETIRED');
    expect(await answerTo(third)).toBeNull();
  });

  it('KEYS17 KEYS18 a node that was away catches up: bundles by the old key, the step, bundles by the new one', async () => {
    const first = firstBundle(node.controllerId, [ada, bo, cy]);
    const later = nextBundle(first);
    const latest = nextBundle(later, { quorum: 1 });
    const step = firstStep({ bundle: 2, retireAt: 0 });
    link.send({
      t: 'bundles',
      items: [
        await sealBy(node.authority, first),
        await sealBy(node.authority, later, [ada, bo]),
        await sealStep(step, {}, [ada, bo]),
        await sealBy(second, latest, [ada, bo]),
      ],
    });
    expect(await heldNow()).toEqual({ bundle: 3, authority: 2 });
    // Also one that lost its bundle: what the old key signed then stays good.
    link.close();
    await node.kill();
    rmSync(join(node.config.paths.executorDir, 'bundle.json'));
    await node.start();
    link = await node.connect();
    link.send({ t: 'bundles', items: [await sealBy(node.authority, first)] });
    expect(await heldNow()).toEqual({ bundle: 1, authority: 2 });
  });

  it('KEYS17 a bundle by the old key after it was replaced, and one by the new key from before', async () => {
    const first = firstBundle(node.controllerId, [ada, bo, cy]);
    await offer(await sealBy(node.authority, first), await sealStep(firstStep({ bundle: 1 }), {}, [ada, bo]));
    expect(await heldNow()).toEqual({ bundle: 1, authority: 2 });
    link.send({ t: 'bundles', items: [await sealBy(node.authority, nextBundle(first), [ada, bo])] });
    expect(await heldNow()).toEqual({ bundle: 1, authority: 2 });
    expect(node.log().split('policy bundle refused').at(-1)).toContain('"code":"BUNDLE_SIGNATURE"');
  });
});
