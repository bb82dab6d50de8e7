import type { ErrorCode } from '@hauban/shared/errors';
import {
  checkReceiptStep,
  parseWith,
  RECEIPT_STEP_TYPE,
  type ReceiptStep,
  type SignedReceiptStep,
} from '@hauban/shared/protocol';
import { canonicalJson } from './canonical-json.ts';
import { sha256Hex } from './digest.ts';
import { peekJws, verifyJws } from './jws.ts';
import { keyThumbprint } from './key-pair.ts';
import { pinnedKeys } from './signed-documents.ts';

/** Where the controller stands with a node's receipt key (rules KEYS26 to KEYS28). */
export interface ReceiptKeyHeld {
  readonly controllerId: string;
  readonly nodeId: string;
  readonly version: number;
  readonly key: string;
  /** Of the step that led to it; null: the enrolment did. */
  readonly stepHash: string | null;
}

/** `next`: it may be taken. `held`: it is the one that was taken last. `old`, `ahead`: it says nothing here. */
export type TakenReceiptStep =
  | { readonly is: 'next'; readonly step: ReceiptStep; readonly hash: string }
  | { readonly is: 'held' | 'old' | 'ahead' }
  | { readonly is: 'refused'; readonly code: ErrorCode; readonly detail: string };

const no = (code: ErrorCode, detail: string): TakenReceiptStep => ({ is: 'refused', code, detail });
const kidOf = (key: string): string => keyThumbprint(key) ?? '';

/** Hex SHA-256 of the canonical JSON: what the next step names as `previous`. */
export const receiptStepHash = (step: ReceiptStep): string => sha256Hex(canonicalJson(step));

/** Of that node of that controller, and of no other. */
function checkOwner(step: ReceiptStep, held: ReceiptKeyHeld): TakenReceiptStep | null {
  if (step.node !== held.nodeId) return no('RECEIPT_STEP_NODE', 'it is for another node');
  return step.controller === held.controllerId
    ? null
    : no('RECEIPT_STEP_NODE', 'it is for the node of another controller');
}

/** The very next one, over exactly the key and the step that are gone by. */
function checkPlace(step: ReceiptStep, hash: string, held: ReceiptKeyHeld): TakenReceiptStep | null {
  if (step.version < held.version) return { is: 'old' };
  if (step.version > held.version + 1) return { is: 'ahead' };
  if (step.version === held.version && hash === held.stepHash) return { is: 'held' };
  if (step.version === held.version)
    return no('RECEIPT_STEP_FORKED', `receipt key ${held.version} is held with another content`);
  return step.before === held.key && step.previous === held.stepHash
    ? null
    : no('RECEIPT_STEP_FORKED', 'it follows on another key than the one that is gone by');
}

/** By the key before, which has the right, and by the new one, which proves that somebody has it. */
async function checkSignatures(signed: SignedReceiptStep, step: ReceiptStep): Promise<TakenReceiptStep | null> {
  for (const [jws, key] of [
    [signed.byBefore, step.before],
    [signed.byNext, step.next],
  ] as const) {
    const verified = await verifyJws(jws, { typ: RECEIPT_STEP_TYPE }, pinnedKeys([{ kid: kidOf(key), key }]));
    if (!verified.ok) return no('RECEIPT_STEP_SIGNATURE', verified.why);
    const same = parseWith(checkReceiptStep, verified.payload);
    if (!same.ok || receiptStepHash(same.value) !== receiptStepHash(step))
      return no('RECEIPT_STEP_SIGNATURE', 'the two keys signed different statements');
  }
  return null;
}

/** May this receipt key be gone by after the one that is held? Never throws for bad input. */
export async function verifyReceiptStep(signed: SignedReceiptStep, held: ReceiptKeyHeld): Promise<TakenReceiptStep> {
  const peeked = peekJws(signed.byBefore);
  if (!peeked.ok) return no('RECEIPT_STEP_MALFORMED', peeked.why);
  const parsed = parseWith(checkReceiptStep, peeked.payload);
  if (!parsed.ok) return no('RECEIPT_STEP_MALFORMED', parsed.problem);
  const step = parsed.value;
  const hash = receiptStepHash(step);
  const refused = checkOwner(step, held) ?? checkPlace(step, hash, held) ?? (await checkSignatures(signed, step));
  return refused ?? { is: 'next', step, hash };
}
