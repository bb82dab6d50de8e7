import type { ErrorCode } from '@hauban/shared/errors';
import {
  AUTHORITY_STEP_TYPE,
  checkAuthorityStep,
  parseWith,
  type AuthorityStep,
  type Bundle,
  type SignedStep,
} from '@hauban/shared/protocol';
import { verifyAssertions } from './assertion.ts';
import { canonicalJson } from './canonical-json.ts';
import { sha256, sha256Hex } from './digest.ts';
import { peekJws, verifyJws, type PinnedKeys } from './jws.ts';
import { keyThumbprint } from './key-pair.ts';
import { pinnedKeys } from './signed-documents.ts';

/** Which authority key follows on which (rules KEYS13 to KEYS16), and what each of them may still sign. */
export interface AuthorityChain {
  /** As pinned by the enrolment: version 1. */
  readonly root: readonly NamedKey[];
  /** Verified, the oldest first, without a gap. */
  readonly steps: readonly AuthorityStep[];
}

interface NamedKey {
  readonly kid: string;
  readonly key: string;
}

export type StepRefusal = { readonly ok: false; readonly code: ErrorCode; readonly detail: string };
/** `isNew: false`: it is a step that was taken before. */
export type NextStep = { readonly ok: true; readonly step: AuthorityStep; readonly isNew: boolean } | StepRefusal;

/**
 * Where a step is judged. `owners`: by the policy bundle that is held, which must be the one that it names; null: none
 * is. `enrolment`: the controller is believed as a whole, so that a node begins with the key in force.
 */
export type StepGround = { readonly by: 'owners'; readonly bundle: Bundle | null } | { readonly by: 'enrolment' };

const no = (code: ErrorCode, detail: string): StepRefusal => ({ ok: false, code, detail });

const ofText = (key: string): NamedKey => ({ kid: keyThumbprint(key) ?? '', key });

/** Version of the key in force; 1 is the one of the enrolment. */
export const authorityVersion = ({ steps }: AuthorityChain): number => steps.length + 1;

/** Hex SHA-256 of the canonical JSON: what the next step names as `previous`. */
export const authorityStepHash = (step: AuthorityStep): string => sha256Hex(canonicalJson(step));

/** What an owner signs to approve a step: the same hash as bytes. */
export const authorityStepChallenge = (step: AuthorityStep): Uint8Array => sha256(canonicalJson(step));

/** Keys of one version. */
function keysOf({ root, steps }: AuthorityChain, version: number): readonly NamedKey[] {
  if (version === 1) return root;
  const step = steps[version - 2];
  return step === undefined ? [] : [ofText(step.next)];
}

/** Only the newest key, and the one before it until its time is over (rule KEYS16). */
function isRetired(chain: AuthorityChain, version: number, nowMs: number): boolean {
  const newest = authorityVersion(chain);
  const last = chain.steps.at(-1);
  return version < newest - 1 || (version === newest - 1 && last !== undefined && last.retireAt <= nowMs);
}

/** Keys that an order may be signed with, and those that were replaced: an order by one of these is refused by name. */
export function authorityOrderKeys(
  chain: AuthorityChain,
  nowMs: number,
): { readonly all: PinnedKeys; readonly retired: ReadonlySet<string> } {
  const versions = Array.from({ length: authorityVersion(chain) }, (_, at) => at + 1);
  const retired = versions.filter((version) => isRetired(chain, version, nowMs));
  return {
    all: pinnedKeys(versions.flatMap((version) => keysOf(chain, version))),
    retired: new Set(retired.flatMap((version) => keysOf(chain, version)).map(({ kid }) => kid)),
  };
}

/**
 * Keys that may have signed this policy bundle: those of the one version that was in force when there was such a bundle
 * to sign. So what a replaced key signed then stays good, and what it signs later does not.
 */
export function authorityBundleKeys(chain: AuthorityChain, jws: string): PinnedKeys {
  const peeked = peekJws(jws);
  const { version } = (peeked.ok ? peeked.payload : {}) as { readonly version?: unknown };
  if (typeof version !== 'number') return new Map();
  const replacedBefore = chain.steps.filter((step) => step.bundle < version).length;
  return pinnedKeys(keysOf(chain, replacedBefore + 1));
}

async function readBy(jws: string, keys: readonly NamedKey[]): Promise<AuthorityStep | StepRefusal> {
  const verified = await verifyJws(jws, { typ: AUTHORITY_STEP_TYPE }, pinnedKeys(keys));
  if (!verified.ok)
    return no(verified.problem === 'malformed' ? 'AUTHORITY_MALFORMED' : 'AUTHORITY_SIGNATURE', verified.why);
  const parsed = parseWith(checkAuthorityStep, verified.payload);
  return parsed.ok ? parsed.value : no('AUTHORITY_MALFORMED', parsed.problem);
}

/** Not signed for: for the checks that come before the signatures. */
function peekStep(jws: string): AuthorityStep | StepRefusal {
  const peeked = peekJws(jws);
  const parsed = peeked.ok ? parseWith(checkAuthorityStep, peeked.payload) : null;
  return parsed?.ok === true ? parsed.value : no('AUTHORITY_MALFORMED', parsed?.problem ?? 'it is not a signed text');
}

const isRefusal = (value: AuthorityStep | StepRefusal): value is StepRefusal => 'ok' in value;

/** Signed by the key that it replaces, which proves the right, and by the new one, which proves that somebody has it. */
async function checkSignatures(
  { byBefore, byNext }: SignedStep,
  step: AuthorityStep,
  before: readonly NamedKey[],
): Promise<StepRefusal | null> {
  const ours = await readBy(byBefore, before);
  if (isRefusal(ours)) return ours;
  const theirs = await readBy(byNext, [ofText(step.next)]);
  if (isRefusal(theirs)) return theirs;
  return authorityStepHash(theirs) === authorityStepHash(ours)
    ? null
    : no('AUTHORITY_SIGNATURE', 'the two keys signed different statements');
}

/** The very next step over exactly the key that is obeyed, to a key that never was one. */
function checkPlace(step: AuthorityStep, chain: AuthorityChain): StepRefusal | null {
  const held = authorityVersion(chain);
  const last = chain.steps.at(-1);
  if (step.version > held + 1)
    return no('AUTHORITY_SKIPPED', `key ${step.version} does not follow on key ${held}, which is obeyed`);
  if (step.previous !== (last === undefined ? null : authorityStepHash(last)))
    return no('AUTHORITY_FORKED', 'it follows on another step');
  if (!keysOf(chain, held).some(({ key }) => key === step.before))
    return no('AUTHORITY_FORKED', 'it replaces another key than the one that is obeyed');
  const former = Array.from({ length: held }, (_, at) => keysOf(chain, at + 1)).flat();
  return former.some(({ key }) => key === step.next)
    ? no('AUTHORITY_FORKED', 'a key that was replaced does not come back')
    : null;
}

/** Never backwards, and never another content of a step that was taken (rule KEYS15). Null: it is the next one. */
function checkKnown(step: AuthorityStep, { steps }: AuthorityChain): NextStep | null {
  const known = steps[step.version - 2];
  if (known === undefined) return null;
  if (authorityStepHash(known) === authorityStepHash(step)) return { ok: true, step: known, isNew: false };
  return step.version === steps.length + 1
    ? no('AUTHORITY_FORKED', `key ${step.version} is held with another content`)
    : no('AUTHORITY_OLD', `key ${step.version} is older than key ${steps.length + 1}, which is obeyed`);
}

/** The bundle that is held says who approves (rule KEYS14). */
function checkOwners(step: AuthorityStep, { approvals }: SignedStep, bundle: Bundle | null): StepRefusal | null {
  const held = bundle?.version ?? 0;
  if (step.bundle > held)
    return no('AUTHORITY_SKIPPED', `it comes after policy bundle ${step.bundle}, and ${held} is held`);
  if (step.bundle < held)
    return no('AUTHORITY_FORKED', `it comes after policy bundle ${step.bundle}, but ${held} is held already`);
  if (bundle === null) return null;
  const verified = verifyAssertions(approvals, authorityStepChallenge(step), bundle);
  if (!verified.ok) return verified;
  const { operators } = verified;
  if (!operators.every(({ isOwner }) => isOwner))
    return no('APPROVAL_OPERATOR', 'a new authority key is approved by somebody who is not an owner');
  return operators.length >= bundle.quorum
    ? null
    : no('AUTHORITY_QUORUM', `${operators.length} of the ${bundle.quorum} owners that it needs have approved it`);
}

/** May this key be obeyed after the one at the end of `chain`? Never throws for bad input. */
export async function verifyNextStep(
  signed: SignedStep,
  chain: AuthorityChain,
  trust: { readonly controllerId: string; readonly ground: StepGround },
): Promise<NextStep> {
  const step = peekStep(signed.byBefore);
  if (isRefusal(step)) return step;
  const known = checkKnown(step, chain);
  if (known !== null) return known;
  if (step.controller !== trust.controllerId)
    return no('AUTHORITY_CONTROLLER', 'it is for the nodes of another controller');
  const { ground } = trust;
  const refusal =
    checkPlace(step, chain) ??
    (await checkSignatures(signed, step, keysOf(chain, authorityVersion(chain)))) ??
    (ground.by === 'owners' ? checkOwners(step, signed, ground.bundle) : null);
  return refusal ?? { ok: true, step, isNew: true };
}

/** The steps of an enrolment, or of the signer's own folder, one after the other; the first that does not hold ends it. */
export async function followSteps(
  root: AuthorityChain['root'],
  signed: readonly SignedStep[],
  controllerId: string,
): Promise<{ readonly ok: true; readonly chain: AuthorityChain } | StepRefusal> {
  const steps: AuthorityStep[] = [];
  for (const one of signed) {
    const next = await verifyNextStep(one, { root, steps }, { controllerId, ground: { by: 'enrolment' } });
    if (!next.ok) return next;
    if (!next.isNew) return no('AUTHORITY_FORKED', 'a step comes twice');
    steps.push(next.step);
  }
  return { ok: true, chain: { root, steps } };
}
