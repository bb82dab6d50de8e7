import { createHmac, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ORDER_TYPE, RECEIPT_TYPE, type Order, type Receipt, type RecordingHeader } from '@hauban/shared/protocol';
import { signJws, verifyJws } from './jws.ts';
import { createKeyPair, signBytes } from './key-pair.ts';
import {
  orderHash,
  pinnedKeys,
  signOrder,
  signReceipt,
  signReceiptProof,
  signRecordingHeader,
  verifyOrder,
  verifyReceipt,
  verifyReceiptProof,
  verifyRecordingHeader,
} from './signed-documents.ts';

const authority = createKeyPair();
const pinned = pinnedKeys([{ kid: 'a1', key: authority.publicText }]);
const order: Order = {
  v: 1,
  id: randomUUID(),
  aud: randomUUID(),
  iss: randomUUID(),
  iat: 1_700_000_000_000,
  exp: 1_700_000_060_000,
  requester: { id: 'u1', name: 'Ada', via: 'page' },
  reason: null,
  approvals: [],
  approved: null,
  kind: 'action',
  action: 'firewall.list',
  actionVersion: 1,
  mode: 'apply',
  args: {},
  planHash: null,
};
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A JWS by the real authority key, with any header and payload. */
const forge = (header: unknown, payload: unknown): string => {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${signBytes(authority, Buffer.from(signed)).toString('base64url')}`;
};
const codeOf = async (jws: string): Promise<string> => {
  const verified = await verifyOrder(jws, pinned);
  return verified.ok ? 'ok' : verified.code;
};
const header = { alg: 'EdDSA', typ: ORDER_TYPE, kid: 'a1' };

describe('orders', () => {
  it('verify to what was signed, with a stable hash', async () => {
    const jws = await signOrder(order, authority, 'a1');
    expect(await verifyOrder(jws, pinned)).toEqual({ ok: true, value: order, kid: 'a1' });
    expect(orderHash(jws)).toMatch(/^[0-9a-f]{64}$/);
    expect(await codeOf(forge(header, order))).toBe('ok');
  });

  it('that are no signed text are refused as that, before their content is looked for', async () => {
    for (const text of ['', 'a.b', 'a.b.c', `${'A'.repeat(400_000)}.A.${'A'.repeat(86)}`])
      expect(await verifyOrder(text, pinned)).toEqual({
        ok: false,
        code: 'ORDER_MALFORMED',
        detail: 'not a compact JWS',
      });
  });

  it('with other spare bits in the last letter of the signature are refused: it would be a second text of one order', async () => {
    const jws = await signOrder(order, authority, 'a1');
    const last = jws.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const same = [...alphabet].filter(
      (letter) => letter !== last && alphabet.indexOf(letter) >> 4 === alphabet.indexOf(last) >> 4,
    );
    expect(same).toHaveLength(15);
    for (const letter of same) expect(await codeOf(`${jws.slice(0, -1)}${letter}`)).toBe('ORDER_MALFORMED');
  });

  it('with an altered argument, header or signature are refused', async () => {
    const [head = '', , signature = ''] = (await signOrder(order, authority, 'a1')).split('.');
    expect(await codeOf(`${head}.${part({ ...order, args: { a: 1 } })}.${signature}`)).toBe('ORDER_SIGNATURE');
    expect(await codeOf(`${part({ ...header, alg: 'EdDSA', kid: 'a1', x: 1 })}.${part(order)}.${signature}`)).toBe(
      'ORDER_SIGNATURE',
    );
    expect(await codeOf(`${head}.${part(order)}.${'A'.repeat(86)}`)).toBe('ORDER_SIGNATURE');
  });

  it('signed by a key that is not pinned are refused, also under a pinned kid', async () => {
    const other = createKeyPair();
    expect(await codeOf(await signOrder(order, other, 'a1'))).toBe('ORDER_SIGNATURE');
    expect(await codeOf(await signOrder(order, other, 'a2'))).toBe('ORDER_SIGNATURE');
  });

  it.each<[string, unknown]>([
    ['alg none', { ...header, alg: 'none' }],
    ['alg HS256', { ...header, alg: 'HS256' }],
    ['alg Ed25519 under its other name', { ...header, alg: 'Ed25519' }],
    ['the type of a receipt', { ...header, typ: RECEIPT_TYPE }],
    ['no type', { alg: 'EdDSA', kid: 'a1' }],
    ['no kid', { alg: 'EdDSA', typ: ORDER_TYPE }],
    ['a key of its own', { ...header, jwk: { kty: 'OKP' } }],
    ['a critical extension', { ...header, crit: ['b64'], b64: false }],
    ['a list for a header', []],
  ])('with %s in the header are refused though the signature is right', async (_name, bad) => {
    expect(await codeOf(forge(bad, order))).toBe('ORDER_SIGNATURE');
  });

  it('signed by HMAC with the public key as secret are refused: algorithm confusion', async () => {
    const signed = `${part({ ...header, alg: 'HS256' })}.${part(order)}`;
    const mac = createHmac('sha512', Buffer.from(authority.publicText, 'base64url')).update(signed).digest('base64url');
    expect(await codeOf(`${signed}.${mac}`)).toBe('ORDER_SIGNATURE');
  });

  it.each<[string, unknown]>([
    ['an extra field', { ...order, more: 1 }],
    ['no audience', { ...order, aud: undefined }],
    ['another kind', { ...order, kind: 'update' }],
    ['an action name that is a path', { ...order, action: '../x' }],
    ['a list for a payload', [order]],
  ])('with %s are malformed though the signature is right', async (_name, bad) => {
    expect(await codeOf(forge(header, bad))).toBe('ORDER_MALFORMED');
  });

  it.each([
    '',
    'a.b.c',
    'x'.repeat(500_000),
    `${part(header)}.${part(order)}`,
    `${part(header)}=.${part(order)}.${'A'.repeat(86)}`,
    `${part(header)}..${'A'.repeat(86)}`,
  ])('that are no compact JWS are malformed', async (jws) => {
    expect(await codeOf(jws)).toBe('ORDER_MALFORMED');
  });

  it('have one text: the same bytes in another base64url are refused', async () => {
    const jws = forge({ ...header, typ: ORDER_TYPE }, { ...order, reason: null });
    const [head = '', body = '', signature = ''] = jws.split('.');
    const loose = (text: string): string => {
      const last = text.at(-1) ?? 'A';
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(last) ^ 1);
    };
    const candidates = [`${loose(head)}.${body}.${signature}`, `${head}.${loose(body)}.${signature}`];
    for (const candidate of candidates) expect(await codeOf(candidate)).not.toBe('ok');
  });
});

const receiptKey = createKeyPair();
const receipt: Receipt = {
  v: 1,
  order: order.id,
  orderHash: 'a'.repeat(64),
  node: order.aud,
  kind: 'action',
  mode: 'apply',
  outcome: 'succeeded',
  code: null,
  detail: 'done',
  plan: null,
  verification: [],
  data: null,
  startedAt: 1,
  finishedAt: 2,
};
const recording: RecordingHeader = {
  v: 1,
  session: randomUUID(),
  node: order.aud,
  index: 0,
  prev: null,
  from: 1,
  to: 2,
  events: 3,
  sha256: 'b'.repeat(64),
  offset: 0,
  bytes: 10,
  last: false,
  ended: null,
};

describe('documents of the node', () => {
  it('verify under the node’s receipt key and no other', async () => {
    const [one, two] = [await signReceipt(receipt, receiptKey), await signRecordingHeader(recording, receiptKey)];
    expect(await verifyReceipt(one, receiptKey.publicText)).toMatchObject({ ok: true, value: receipt });
    expect(await verifyRecordingHeader(two, receiptKey.publicText)).toMatchObject({ ok: true, value: recording });
    const other = createKeyPair().publicText;
    expect(await verifyReceipt(one, other)).toMatchObject({ ok: false, code: 'RECEIPT_REFUSED' });
    expect(await verifyRecordingHeader(two, other)).toMatchObject({ ok: false, code: 'RECORDING_BROKEN' });
    expect(await verifyReceipt(one, 'not a key')).toMatchObject({ ok: false, code: 'RECEIPT_REFUSED' });
  });

  it('do not pass for one another', async () => {
    expect(await verifyReceipt(await signRecordingHeader(recording, receiptKey), receiptKey.publicText)).toMatchObject({
      ok: false,
    });
    expect(await verifyRecordingHeader(await signReceipt(receipt, receiptKey), receiptKey.publicText)).toMatchObject({
      ok: false,
    });
  });

  it('a receipt proof holds for its link key and token only', async () => {
    const of = { linkKey: createKeyPair().publicText, tokenId: randomUUID() };
    const proof = await signReceiptProof(of, receiptKey);
    expect(await verifyReceiptProof(proof, receiptKey.publicText, of)).toMatchObject({ ok: true });
    const refused = { ok: false, code: 'ENROLMENT_REFUSED' };
    expect(await verifyReceiptProof(proof, receiptKey.publicText, { ...of, tokenId: randomUUID() })).toMatchObject(
      refused,
    );
    expect(
      await verifyReceiptProof(proof, receiptKey.publicText, { ...of, linkKey: receiptKey.publicText }),
    ).toMatchObject(refused);
    expect(await verifyReceiptProof(proof, createKeyPair().publicText, of)).toMatchObject(refused);
  });
});

it('a key that is no key pins nothing', async () => {
  const jws = await signJws({ a: 1 }, authority, { typ: 'x', kid: 'k' });
  expect(pinnedKeys([{ kid: 'k', key: 'short' }]).size).toBe(0);
  expect(await verifyJws(jws, { typ: 'x' }, new Map())).toMatchObject({ ok: false, problem: 'signature' });
});
