import type { ErrorCode } from '@hauban/shared/errors';
import {
  BUNDLE_TYPE,
  checkBundle,
  parseWith,
  type Assertion,
  type Bundle,
  type Parsed,
  type SignedBundle,
} from '@hauban/shared/protocol';
import { verifyAssertions } from './assertion.ts';
import { canonicalJson } from './canonical-json.ts';
import { sha256, sha256Hex } from './digest.ts';
import { signJws, verifyJws, type PinnedKeys } from './jws.ts';
import type { KeyPair } from './key-pair.ts';

/** Versions of the policy bundle (rules BUNDLE1 to BUNDLE4): which one may follow on which. */
export interface BundleTrust {
  readonly authorityKeys: PinnedKeys;
  readonly controllerId: string;
}

export type BundleRefusal = { readonly ok: false; readonly code: ErrorCode; readonly detail: string };
/** `isNew: false`: it is the very version that is held. */
export type NextBundle = { readonly ok: true; readonly bundle: Bundle; readonly isNew: boolean } | BundleRefusal;

const no = (code: ErrorCode, detail: string): BundleRefusal => ({ ok: false, code, detail });

/** What the next version names as `previous`: hex SHA-256 of the canonical JSON. */
export const bundleHash = (bundle: Bundle): string => sha256Hex(canonicalJson(bundle));

/** What an owner signs to approve a version: the same hash as bytes. */
export const bundleChallenge = (bundle: Bundle): Uint8Array => sha256(canonicalJson(bundle));

export const signBundle = (bundle: Bundle, key: KeyPair, kid: string): Promise<string> =>
  signJws(bundle, key, { typ: BUNDLE_TYPE, kid });

const hasDoubles = (values: readonly string[]): boolean => new Set(values).size < values.length;

/** Shape, and that nobody is listed twice: one person under two ids would count as two. */
export function parseBundle(value: unknown): Parsed<Bundle> {
  const parsed = parseWith(checkBundle, value);
  if (!parsed.ok) return parsed;
  const { operators, version, previous, access, custom = [] } = parsed.value;
  const credentials = operators.flatMap((operator) => operator.credentials);
  if (hasDoubles(operators.map(({ id }) => id)))
    return { ok: false, problem: 'operators must each have an id of their own' };
  if (hasDoubles(credentials.map(({ id }) => id)) || hasDoubles(credentials.map(({ spki }) => spki)))
    return { ok: false, problem: 'operators must not share a key' };
  const { roles = [], people = [] } = access ?? {};
  if (hasDoubles(roles.map(({ name }) => name)) || hasDoubles(people.map(({ id }) => id)))
    return { ok: false, problem: 'access must name each role and each person once' };
  if (hasDoubles(custom.map(({ name }) => name))) return { ok: false, problem: 'custom must name each action once' };
  if ((version === 1) !== (previous === null))
    return { ok: false, problem: 'previous must be null in version 1 and a hash in every other' };
  return parsed;
}

async function readSigned(jws: string, authorityKeys: PinnedKeys): Promise<Bundle | BundleRefusal> {
  const verified = await verifyJws(jws, { typ: BUNDLE_TYPE }, authorityKeys);
  if (!verified.ok) return no(verified.problem === 'malformed' ? 'BUNDLE_MALFORMED' : 'BUNDLE_SIGNATURE', verified.why);
  const parsed = parseBundle(verified.payload);
  return parsed.ok ? parsed.value : no('BUNDLE_MALFORMED', parsed.problem);
}

/** Version 1 for whoever holds none; otherwise the very next one over exactly what is held. */
function checkPlace(next: Bundle, current: Bundle | null): BundleRefusal | null {
  const held = current?.version ?? 0;
  if (next.version < held)
    return no('BUNDLE_OLD', `version ${next.version} is older than version ${held}, which is held`);
  if (next.version === held) return no('BUNDLE_FORKED', `version ${held} is held with another content`);
  if (next.version > held + 1)
    return no('BUNDLE_SKIPPED', `version ${next.version} does not follow on version ${held}`);
  return current === null || next.previous === bundleHash(current)
    ? null
    : no('BUNDLE_FORKED', `version ${next.version} follows on another version ${held} than the one that is held`);
}

/** Enough different owners of the version before say so. */
function checkQuorum(next: Bundle, approvals: readonly Assertion[], current: Bundle): BundleRefusal | null {
  const verified = verifyAssertions(approvals, bundleChallenge(next), current);
  if (!verified.ok) return verified;
  const { operators } = verified;
  if (!operators.every(({ isOwner }) => isOwner))
    return no('APPROVAL_OPERATOR', 'a version of the policy bundle is approved by somebody who is not an owner');
  return operators.length >= current.quorum
    ? null
    : no('BUNDLE_QUORUM', `${operators.length} of the ${current.quorum} owners that it needs have approved it`);
}

/** May this be held after `current` (null: nothing is held yet)? Never throws for bad input. */
export async function verifyNextBundle(
  signed: SignedBundle,
  current: Bundle | null,
  trust: BundleTrust,
): Promise<NextBundle> {
  const next = await readSigned(signed.jws, trust.authorityKeys);
  if ('ok' in next) return next;
  if (next.controller !== trust.controllerId)
    return no('BUNDLE_CONTROLLER', 'it is for the nodes of another controller');
  if (current !== null && bundleHash(next) === bundleHash(current)) return { ok: true, bundle: current, isNew: false };
  const refusal = checkPlace(next, current) ?? (current === null ? null : checkQuorum(next, signed.approvals, current));
  return refusal ?? { ok: true, bundle: next, isNew: true };
}
