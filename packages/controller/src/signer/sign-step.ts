import { authorityStepHash, authorityVersion, verifyNextStep } from '@hauban/link';
import type { ErrorCode } from '@hauban/shared/errors';
import {
  AUTHORITY_STEP_TYPE,
  checkAuthorityStep,
  parseWith,
  type Assertion,
  type AuthorityStep,
  type Bundle,
  type SignedStep,
} from '@hauban/shared/protocol';
import type { AuthorityRing } from './authority-ring.ts';
import type { BundleStore } from './bundle-store.ts';

interface Ground {
  readonly ring: AuthorityRing;
  readonly store: BundleStore;
  readonly nowMs: number;
}

interface Refused {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
}
type StepAnswer = { readonly ok: true; readonly signed: SignedStep } | Refused;

const refuse = (code: ErrorCode, detail: string): Refused => ({ ok: false, code, detail });

/** How long a draft may wait for its approvals, and the longest overlap. */
const DRAFT_LIVES_MS = 7 * 86_400_000;
const LONGEST_OVERLAP_MS = 30 * 86_400_000;

/** The next step as it would be signed now. Makes the next key when there is none. */
export function draftStep(
  { controller, overlapMs }: { readonly controller: string; readonly overlapMs: number },
  { ring, store, nowMs }: Ground,
): AuthorityStep {
  const last = ring.chain.steps.at(-1);
  return {
    v: 1,
    is: 'hauban-authority-step',
    controller,
    version: authorityVersion(ring.chain) + 1,
    previous: last === undefined ? null : authorityStepHash(last),
    before: ring.newest.publicText,
    next: ring.candidate().publicText,
    bundle: store.current?.version ?? 0,
    issuedAt: nowMs,
    retireAt: nowMs + Math.min(overlapMs, LONGEST_OVERLAP_MS),
  };
}

function checkTimes({ issuedAt, retireAt }: AuthorityStep, nowMs: number): Refused | null {
  if (issuedAt > nowMs + 60_000 || issuedAt < nowMs - DRAFT_LIVES_MS)
    return refuse('AUTHORITY_STALE', 'The draft of the new authority key is older than a week: make a new one.');
  return retireAt < issuedAt || retireAt > issuedAt + LONGEST_OVERLAP_MS
    ? refuse('AUTHORITY_MALFORMED', 'The old key is taken for 30 days at most.')
    : null;
}

function checkFleet(step: AuthorityStep, { ring }: Ground, bundle: Bundle | null): Refused | null {
  const known = bundle?.controller ?? ring.chain.steps[0]?.controller ?? step.controller;
  if (step.controller !== known)
    return refuse('AUTHORITY_CONTROLLER', 'The new authority key is for the nodes of another controller.');
  return step.next === ring.candidate().publicText
    ? null
    : refuse('AUTHORITY_FORKED', 'The signer has made another key to follow: make a new draft.');
}

/** The key is not used at all for a step that nobody approved, where there are owners. */
const checkApproved = (approvals: readonly Assertion[], bundle: Bundle | null): Refused | null =>
  bundle === null || approvals.length > 0 ? null : refuse('AUTHORITY_QUORUM', 'No owner has approved this step.');

/**
 * Signs the step to the next key with both, stores it, and only then gives it away. The step that was signed last once
 * more gives its signed text once more: the first answer may have been lost on the way.
 */
export async function signNextStep(
  value: unknown,
  approvals: readonly Assertion[],
  ground: Ground,
): Promise<StepAnswer> {
  const parsed = parseWith(checkAuthorityStep, value);
  if (!parsed.ok) return refuse('AUTHORITY_MALFORMED', `The step is not well-formed: ${parsed.problem}.`);
  const step = parsed.value;
  const { ring, store, nowMs } = ground;
  const { current: bundle } = store;
  const last = ring.chain.steps.at(-1);
  const lastSigned = ring.steps.at(-1);
  if (last !== undefined && lastSigned !== undefined && authorityStepHash(last) === authorityStepHash(step))
    return { ok: true, signed: lastSigned };
  const early = checkTimes(step, nowMs) ?? checkFleet(step, ground, bundle) ?? checkApproved(approvals, bundle);
  if (early !== null) return early;
  const { chain } = ring;
  const kind = { typ: AUTHORITY_STEP_TYPE };
  const byBefore = await ring.newest.sign(step, kind);
  const byNext = await ring.candidate().sign(step, kind);
  const signed: SignedStep = { byBefore, byNext, approvals: [...approvals] };
  // By the nodes' own check: the signed text leaves the signer only when it holds.
  const by = { controllerId: step.controller, ground: { by: 'owners', bundle } } as const;
  const verified = await verifyNextStep(signed, chain, by);
  if (!verified.ok) return refuse(verified.code, verified.detail);
  // Another question may have been answered meanwhile.
  if (ring.chain !== chain || store.current !== bundle)
    return refuse('AUTHORITY_FORKED', 'Another step or policy bundle was signed meanwhile.');
  ring.add(signed, step);
  return { ok: true, signed };
}
