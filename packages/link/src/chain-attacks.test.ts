import {
  AUTHORITY_STEP_TYPE,
  LINK_STEP_TYPE,
  RECEIPT_STEP_TYPE,
  type AuthorityStep,
  type LinkStep,
  type ReceiptStep,
  type SignedLinkStep,
  type SignedStep,
} from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import {
  authorityStepHash,
  followLinkItems,
  followSteps,
  linkStepHash,
  receiptStepHash,
  signJws,
  verifyNextStep,
  verifyReceiptStep,
  type AuthorityChain,
  type LinkChain,
} from './index.ts';
import { createKeyPair, keyThumbprint, type KeyPair } from './key-pair.ts';

const controller = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const other = '6f9619ff-8b86-4d01-b42d-00cf4fc964fe';
const [first, second, third, stranger] = [createKeyPair(), createKeyPair(), createKeyPair(), createKeyPair()];
const sign = (value: object, by: KeyPair, typ: string): Promise<string> =>
  signJws(value, by, { typ, kid: keyThumbprint(by.publicText) ?? '' });
const namedOf = ({ publicText }: KeyPair) => ({ kid: keyThumbprint(publicText) ?? '', key: publicText });

describe('a step of the authority key', () => {
  const step = (change: Partial<AuthorityStep> = {}): AuthorityStep => ({
    v: 1,
    is: 'hauban-authority-step',
    controller,
    version: 2,
    previous: null,
    before: first.publicText,
    next: second.publicText,
    bundle: 0,
    issuedAt: 1,
    retireAt: 2,
    ...change,
  });
  const signed = async (
    value: object,
    byNext = value,
    [a, b]: readonly KeyPair[] = [first, second],
  ): Promise<SignedStep> => ({
    byBefore: await sign(value, a ?? first, AUTHORITY_STEP_TYPE),
    byNext: await sign(byNext, b ?? second, AUTHORITY_STEP_TYPE),
    approvals: [],
  });
  const chain: AuthorityChain = { root: [namedOf(first)], steps: [] };
  const take = (given: SignedStep, from = chain) =>
    verifyNextStep(given, from, { controllerId: controller, ground: { by: 'enrolment' } });
  const DIFFERENT = 'the two keys signed different statements';

  it('holds as both keys have signed it', async () => {
    expect(await take(await signed(step()))).toMatchObject({ ok: true, isNew: true });
  });

  it.each<[string, () => Promise<SignedStep>, string]>([
    [
      'signed by a stranger in the name of the old key',
      () => signed(step(), step(), [stranger, second]),
      'AUTHORITY_SIGNATURE',
    ],
    [
      'signed by a stranger in the name of the new key',
      () => signed(step(), step(), [first, stranger]),
      'AUTHORITY_SIGNATURE',
    ],
    ['that the new key knows as something else', () => signed(step(), { ...step(), more: 1 }), 'AUTHORITY_MALFORMED'],
    ['for another fleet', () => signed(step({ controller: other })), 'AUTHORITY_CONTROLLER'],
    [
      'to a key that was replaced',
      () => signed(step({ next: first.publicText }), step(), [first, first]),
      'AUTHORITY_FORKED',
    ],
  ])('KEYS14 %s is refused', async (_name, make, code) => {
    const taken = await take(await make());
    expect(taken).toMatchObject({ ok: false, code });
    expect(taken).not.toMatchObject({ detail: DIFFERENT });
  });

  it('KEYS14 of which each key signed another one is refused', async () => {
    expect(await take(await signed(step(), step({ retireAt: 3 })))).toMatchObject({ ok: false, detail: DIFFERENT });
  });

  it('KEYS15 that follows on another step than the last is refused', async () => {
    const held = { ...chain, steps: [step()] };
    const following = (previous: string) =>
      step({ version: 3, previous, before: second.publicText, next: third.publicText });
    const [good, bad] = [following(authorityStepHash(step())), following('a'.repeat(64))];
    expect(await take(await signed(bad, bad, [second, third]), held)).toMatchObject({ code: 'AUTHORITY_FORKED' });
    expect(await take(await signed(good, good, [second, third]), held)).toMatchObject({ ok: true });
  });

  it('of an enrolment neither comes twice nor unsigned', async () => {
    const one = await signed(step());
    expect(await followSteps(chain.root, [one], controller)).toMatchObject({ ok: true });
    expect(await followSteps(chain.root, [one, one], controller)).toMatchObject({ code: 'AUTHORITY_FORKED' });
    const forged = await signed(step(), step(), [stranger, second]);
    expect(await followSteps(chain.root, [forged], controller)).toMatchObject({ code: 'AUTHORITY_SIGNATURE' });
  });
});

describe('a step of the link key', () => {
  const step = (change: Partial<LinkStep> = {}): LinkStep => ({
    v: 1,
    is: 'hauban-link-step',
    controller,
    version: 2,
    previous: null,
    before: first.publicText,
    next: second.publicText,
    authority: 1,
    issuedAt: 1,
    retireAt: 2,
    ...change,
  });
  const signed = async (
    value: LinkStep,
    { by = first, next = value }: { readonly by?: KeyPair; readonly next?: object } = {},
  ): Promise<SignedLinkStep> => ({
    byAuthority: await sign(value, third, LINK_STEP_TYPE),
    byBefore: await sign(value, by, LINK_STEP_TYPE),
    byNext: await sign(next, second, LINK_STEP_TYPE),
  });
  const authority: AuthorityChain = { root: [namedOf(third)], steps: [] };
  const chain: LinkChain = { controllerId: controller, root: first.publicText, steps: [], authority, obeyed: 1 };
  const DIFFERENT = 'the keys signed different statements';

  it('holds as the authority and both keys have signed it', async () => {
    expect(await followLinkItems([await signed(step())], chain)).toMatchObject({ ok: true, isNew: true });
  });

  it('KEYS20 that the old key did not sign is refused', async () => {
    const followed = await followLinkItems([await signed(step(), { by: stranger })], chain);
    expect(followed).toMatchObject({ ok: false, code: 'LINK_STEP_SIGNATURE' });
    expect(followed).not.toMatchObject({ detail: DIFFERENT });
  });

  it('KEYS20 that one of the keys knows as something else is refused', async () => {
    for (const next of [{ ...step(), more: 1 }, step({ retireAt: 3 })])
      expect(await followLinkItems([await signed(step(), { next })], chain)).toMatchObject({
        ok: false,
        code: 'LINK_STEP_SIGNATURE',
        detail: DIFFERENT,
      });
  });

  it('KEYS20 behind a step of the authority that does not hold is not reached', async () => {
    const change = { v: 1, is: 'hauban-authority-step', controller, version: 2, previous: null, bundle: 0 };
    const keys = { before: third.publicText, next: stranger.publicText, issuedAt: 1, retireAt: 2 };
    const jws = await sign({ ...change, ...keys }, stranger, AUTHORITY_STEP_TYPE);
    const forged: SignedStep = { byBefore: jws, byNext: jws, approvals: [] };
    const followed = await followLinkItems([forged, await signed(step())], chain);
    expect(followed).toMatchObject({ ok: false, code: 'AUTHORITY_SIGNATURE' });
    expect(linkStepHash(step())).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a step of a receipt key', () => {
  const held = { controllerId: controller, nodeId: other, version: 1, key: first.publicText, stepHash: null };
  const step = (change: Partial<ReceiptStep> = {}): ReceiptStep => ({
    v: 1,
    is: 'hauban-receipt-step',
    controller,
    node: other,
    version: 2,
    previous: null,
    before: first.publicText,
    next: second.publicText,
    issuedAt: 1,
    ...change,
  });
  const signed = async (
    value: object,
    { by = first, next = value }: { readonly by?: KeyPair; readonly next?: object } = {},
  ) => ({
    byBefore: await sign(value, by, RECEIPT_STEP_TYPE),
    byNext: await sign(next, second, RECEIPT_STEP_TYPE),
  });
  const take = async (value: object, more: Parameters<typeof signed>[1] = {}, from: Partial<typeof held> = {}) =>
    verifyReceiptStep(await signed(value, more), { ...held, ...from });

  it('holds as both keys have signed it, once', async () => {
    expect(await take(step())).toMatchObject({ is: 'next' });
    const after = { ...held, version: 2, key: second.publicText, stepHash: receiptStepHash(step()) };
    expect(await verifyReceiptStep(await signed(step()), after)).toEqual({ is: 'held' });
    expect(await verifyReceiptStep(await signed(step({ issuedAt: 9 })), after)).toMatchObject({
      is: 'refused',
      code: 'RECEIPT_STEP_FORKED',
      detail: expect.stringContaining('another content') as string,
    });
    expect(await verifyReceiptStep(await signed(step()), { ...after, version: 3 })).toEqual({ is: 'old' });
    expect(await take(step({ version: 3 }))).toEqual({ is: 'ahead' });
  });

  it.each<[string, object, Parameters<typeof signed>[1], string, string]>([
    ['of another node', step({ node: controller }), {}, 'RECEIPT_STEP_NODE', 'another node'],
    ['of the node of another controller', step({ controller: other }), {}, 'RECEIPT_STEP_NODE', 'another controller'],
    ['over another key', step({ before: third.publicText }), { by: third }, 'RECEIPT_STEP_FORKED', 'another key'],
    ['over another step', step({ previous: 'a'.repeat(64) }), {}, 'RECEIPT_STEP_FORKED', 'another key'],
    ['by a stranger', step(), { by: stranger }, 'RECEIPT_STEP_SIGNATURE', ''],
    ['to a key that nobody has shown', step({ next: third.publicText }), {}, 'RECEIPT_STEP_SIGNATURE', ''],
    [
      'that the new key knows otherwise',
      step(),
      { next: step({ issuedAt: 9 }) },
      'RECEIPT_STEP_SIGNATURE',
      'different',
    ],
    ['that the new key knows as none', step(), { next: { ...step(), more: 1 } }, 'RECEIPT_STEP_SIGNATURE', 'different'],
    ['with a field too many', { ...step(), more: 1 }, {}, 'RECEIPT_STEP_MALFORMED', 'more'],
  ])('KEYS26 %s is refused', async (_name, value, more, code, says) => {
    const taken = await take(value, more);
    expect(taken).toMatchObject({ is: 'refused', code, detail: expect.stringContaining(says) as string });
    if (says === '') expect(taken).not.toMatchObject({ detail: 'the two keys signed different statements' });
  });

  it('KEYS26 that is no signed text is refused', async () => {
    const good = await signed(step());
    expect(await verifyReceiptStep({ ...good, byBefore: 'a.b.c' }, held)).toMatchObject({
      is: 'refused',
      code: 'RECEIPT_STEP_MALFORMED',
      detail: 'not a compact JWS',
    });
  });
});
