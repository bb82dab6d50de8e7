import type { KeyObject } from 'node:crypto';
import type { ErrorCode } from '@hauban/shared/errors';
import {
  checkOrder,
  checkReceipt,
  checkRecordingHeader,
  literal,
  object,
  ORDER_TYPE,
  parseWith,
  RECEIPT_TYPE,
  RECORDING_TYPE,
  text,
  UUID_PATTERN,
  type Check,
  type Order,
  type Receipt,
  type RecordingHeader,
} from '@hauban/shared/protocol';
import { sha256Hex } from './digest.ts';
import { peekJws, signJws, verifyJws, type PinnedKeys } from './jws.ts';
import { keyThumbprint, publicKeyFrom, type KeyPair } from './key-pair.ts';

/** The documents that travel signed: orders by an authority key, the others by the node's receipt key. One pair of functions each. */

/** `ok: false` carries the code that the refusal has everywhere, and a sentence. */
export type Verified<T> =
  | { readonly ok: true; readonly value: T; readonly kid: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

interface Codes {
  readonly malformed: ErrorCode;
  readonly signature: ErrorCode;
}

/** Shape first, then signature, as rule ORDER2 orders them; the value is handed out only when both hold. */
async function verifyDocument<T>(
  compact: string,
  document: { readonly typ: string; readonly check: Check<T>; readonly codes: Codes },
  keys: PinnedKeys,
): Promise<Verified<T>> {
  const peeked = peekJws(compact);
  if (!peeked.ok) return { ok: false, code: document.codes[peeked.problem], detail: peeked.why };
  const shaped = parseWith(document.check, peeked.payload);
  if (!shaped.ok) return { ok: false, code: document.codes.malformed, detail: shaped.problem };
  const verified = await verifyJws(compact, { typ: document.typ }, keys);
  if (!verified.ok) return { ok: false, code: document.codes[verified.problem], detail: verified.why };
  return { ok: true, value: shaped.value, kid: verified.kid };
}

/** The one key of a node under its thumbprint; empty for a text that is no key, so that everything is refused. */
function onlyKey(publicText: string): PinnedKeys {
  const kid = keyThumbprint(publicText);
  const key = publicKeyFrom(publicText);
  return new Map(kid === null || key === null ? [] : [[kid, key]]);
}

function ownKid(key: KeyPair): string {
  const kid = keyThumbprint(key.publicText);
  if (kid === null) throw new TypeError('an Ed25519 key has 32 bytes');
  return kid;
}

/** Authority keys as they are pinned (`trust.json`, `enrolled`). A damaged entry is left out: what it signed is refused. */
export function pinnedKeys(keys: readonly { readonly kid: string; readonly key: string }[]): PinnedKeys {
  const pinned = new Map<string, KeyObject>();
  for (const { kid, key } of keys) {
    const publicKey = publicKeyFrom(key);
    if (publicKey !== null) pinned.set(kid, publicKey);
  }
  return pinned;
}

/** What identifies an order's content (rule ORDER4) and stands in its receipt: hex SHA-256 of the compact form. */
export const orderHash = (jws: string): string => sha256Hex(jws);

export const signOrder = (order: Order, key: KeyPair, kid: string): Promise<string> =>
  signJws(order, key, { typ: ORDER_TYPE, kid });

/** Rules ORDER1 and the first two checks of ORDER2; audience, times, replay and policy are the executor's. */
export const verifyOrder = (jws: string, authority: PinnedKeys): Promise<Verified<Order>> =>
  verifyDocument(
    jws,
    { typ: ORDER_TYPE, check: checkOrder, codes: { malformed: 'ORDER_MALFORMED', signature: 'ORDER_SIGNATURE' } },
    authority,
  );

export const signReceipt = (receipt: Receipt, key: KeyPair): Promise<string> =>
  signJws(receipt, key, { typ: RECEIPT_TYPE, kid: ownKid(key) });

/** Signature and shape (rule ORDER7); that node and order hash are the expected ones is the caller's check. */
export const verifyReceipt = (jws: string, receiptKey: string): Promise<Verified<Receipt>> =>
  verifyDocument(
    jws,
    { typ: RECEIPT_TYPE, check: checkReceipt, codes: { malformed: 'RECEIPT_REFUSED', signature: 'RECEIPT_REFUSED' } },
    onlyKey(receiptKey),
  );

export const signRecordingHeader = (header: RecordingHeader, key: KeyPair): Promise<string> =>
  signJws(header, key, { typ: RECORDING_TYPE, kid: ownKid(key) });

/** Signature and shape (rule SHELL7); chain and data hash are the caller's check. */
export const verifyRecordingHeader = (jws: string, receiptKey: string): Promise<Verified<RecordingHeader>> =>
  verifyDocument(
    jws,
    {
      typ: RECORDING_TYPE,
      check: checkRecordingHeader,
      codes: { malformed: 'RECORDING_BROKEN', signature: 'RECORDING_BROKEN' },
    },
    onlyKey(receiptKey),
  );

const KEY_ROTATION_TYPE = 'hauban-key-rotation+jwt';
const checkKeyRotation = object({ v: literal(1), nodeId: text(36), before: text(43), next: text(43) });

/** A new link key takes the place of another one; signed by both (rule KEYS8). */
export interface KeyRotationOf {
  readonly nodeId: string;
  readonly before: string;
  readonly next: string;
}

export const signKeyRotation = ({ nodeId, before, next }: KeyRotationOf, key: KeyPair): Promise<string> =>
  signJws({ v: 1, nodeId, before, next }, key, { typ: KEY_ROTATION_TYPE, kid: ownKid(key) });

/** True only for exactly this change, signed by `signer`. */
export async function isKeyRotationBy(jws: string, signer: string, of: KeyRotationOf): Promise<boolean> {
  const codes = { malformed: 'LINK_KEY_REFUSED', signature: 'LINK_KEY_REFUSED' } as const;
  const document = { typ: KEY_ROTATION_TYPE, check: checkKeyRotation, codes };
  const verified = await verifyDocument(jws, document, onlyKey(signer));
  if (!verified.ok) return false;
  const { nodeId, before, next } = verified.value;
  return nodeId === of.nodeId && before === of.before && next === of.next;
}

export const RECEIPT_PROOF_TYPE = 'hauban-receipt-proof+jwt';
const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const checkReceiptProof = object({ v: literal(1), linkKey: text(43), tokenId: uuid });

/** What the receipt key says at enrolment: I belong to this link key, for this token (rule ENROL5). */
export interface ReceiptProofOf {
  readonly linkKey: string;
  readonly tokenId: string;
}

export const signReceiptProof = (of: ReceiptProofOf, key: KeyPair): Promise<string> =>
  signJws({ v: 1, linkKey: of.linkKey, tokenId: of.tokenId }, key, { typ: RECEIPT_PROOF_TYPE, kid: ownKid(key) });

/** True only for a proof by `receiptKey` over exactly this link key and token. */
export async function verifyReceiptProof(
  jws: string,
  receiptKey: string,
  of: ReceiptProofOf,
): Promise<Verified<ReceiptProofOf>> {
  const codes = { malformed: 'ENROLMENT_REFUSED', signature: 'ENROLMENT_REFUSED' } as const;
  const verified = await verifyDocument(
    jws,
    { typ: RECEIPT_PROOF_TYPE, check: checkReceiptProof, codes },
    onlyKey(receiptKey),
  );
  if (verified.ok && (verified.value.linkKey !== of.linkKey || verified.value.tokenId !== of.tokenId))
    return { ok: false, code: 'ENROLMENT_REFUSED', detail: 'the receipt key is proven for another link key or token' };
  return verified;
}
