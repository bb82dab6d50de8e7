import { authorityVersion, linkStepHash } from '@hauban/link';
import type { ErrorCode } from '@hauban/shared/errors';
import { checkLinkStep, LINK_STEP_TYPE, parseWith, type LinkStep } from '@hauban/shared/protocol';
import type { AllowedStep } from './allowed-step.ts';
import type { AuthorityRing } from './authority-ring.ts';
import type { BundleStore } from './bundle-store.ts';

interface Ground {
  readonly ring: AuthorityRing;
  readonly store: BundleStore;
  readonly allowed: AllowedStep;
  readonly nowMs: number;
}

interface Refused {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
}

const refuse = (code: ErrorCode, detail: string): Refused => ({ ok: false, code, detail });

/** A command takes seconds. */
const FRESH_MS = 300_000;
const LONGEST_OVERLAP_MS = 30 * 86_400_000;

function checkTimes({ issuedAt, retireAt }: LinkStep, nowMs: number): Refused | null {
  const isFresh = Math.abs(issuedAt - nowMs) <= FRESH_MS;
  return isFresh && retireAt >= issuedAt && retireAt <= issuedAt + LONGEST_OVERLAP_MS
    ? null
    : refuse('LINK_STEP_MALFORMED', 'It is not of now, or the old link key would be taken for more than 30 days.');
}

function checkFleet(step: LinkStep, { ring, store }: Ground): Refused | null {
  const known = store.current?.controller ?? ring.chain.steps[0]?.controller ?? step.controller;
  if (step.controller !== known)
    return refuse('LINK_STEP_CONTROLLER', 'The new link key is for the nodes of another controller.');
  return step.authority === authorityVersion(ring.chain)
    ? null
    : refuse('LINK_STEP_AUTHORITY', `The authority key in force is ${authorityVersion(ring.chain)}.`);
}

/** Root of this machine has said so, about exactly this statement. */
const checkAllowed = (step: LinkStep, { allowed }: Ground): Refused | null =>
  allowed.hash() === linkStepHash(step)
    ? null
    : refuse(
        'LINK_STEP_NOT_ALLOWED',
        'A new link key is signed for only when "hauban-controller rotate-link-key" asks as root on the machine of the signer.',
      );

/** Signs "this link key follows on that one" with the authority key in force, once. */
export async function signAllowedLinkStep(
  value: unknown,
  ground: Ground,
): Promise<{ readonly ok: true; readonly jws: string; readonly step: LinkStep } | Refused> {
  const parsed = parseWith(checkLinkStep, value);
  if (!parsed.ok) return refuse('LINK_STEP_MALFORMED', `The step is not well-formed: ${parsed.problem}.`);
  const step = parsed.value;
  const refusal = checkTimes(step, ground.nowMs) ?? checkFleet(step, ground) ?? checkAllowed(step, ground);
  if (refusal !== null) return refusal;
  ground.allowed.used();
  return { ok: true, jws: await ground.ring.newest.sign(step, { typ: LINK_STEP_TYPE }), step };
}
