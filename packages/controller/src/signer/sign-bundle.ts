import { bundleChallenge, bundleHash, parseBundle, pinnedKeys, verifyAssertion, verifyNextBundle } from '@hauban/link';
import type { ErrorCode } from '@hauban/shared/errors';
import { BUNDLE_TYPE, type Assertion, type Bundle, type SignedBundle } from '@hauban/shared/protocol';
import type { AuthorityRing } from './authority-ring.ts';
import { bundleProblem } from './bundle-rules.ts';
import type { BundleStore } from './bundle-store.ts';

interface Refused {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
}
type BundleAnswer = { readonly ok: true; readonly signed: SignedBundle } | Refused;

const refuse = (code: ErrorCode, detail: string): Refused => ({ ok: false, code, detail });

/**
 * Signs the next version of the policy bundle, stores it, and only then gives it away. The first version is approved by
 * its own owners: that proves, before anything depends on them, that their passkeys work here. Every later one by a
 * quorum of the owners of the version before (rule BUNDLE3). The newest bundle once more gives its signed text once
 * more: the first answer may have been lost on the way.
 */
export async function signNextBundle(
  value: unknown,
  approvals: readonly Assertion[],
  { ring, store }: { readonly ring: AuthorityRing; readonly store: BundleStore },
): Promise<BundleAnswer> {
  const parsed = parseBundle(value);
  if (!parsed.ok) return refuse('BUNDLE_MALFORMED', `The bundle is not well-formed: ${parsed.problem}.`);
  const bundle = parsed.value;
  const { current } = store;
  const known = store.find(bundle.version);
  if (known !== null && current !== null && bundleHash(current) === bundleHash(bundle))
    return { ok: true, signed: known };
  const problem = bundleProblem(bundle);
  if (problem !== null) return refuse('BUNDLE_UNUSABLE', `The bundle cannot be lived with: ${problem}.`);
  const early = current === null ? checkFirst(bundle, approvals) : checkKnown(approvals);
  if (early !== null) return early;
  const key = ring.newest;
  const signed: SignedBundle = { jws: await key.sign(bundle, { typ: BUNDLE_TYPE }), approvals: [...approvals] };
  // By the nodes' own check: the signed text leaves the signer only when it holds.
  const authorityKeys = pinnedKeys([{ kid: key.kid, key: key.publicText }]);
  const { controller: controllerId } = current ?? bundle;
  const verified = await verifyNextBundle(signed, current, { authorityKeys, controllerId });
  if (!verified.ok) return refuse(verified.code, verified.detail);
  // Another question may have been answered meanwhile.
  if (store.current !== current || ring.newest !== key)
    return refuse('BUNDLE_FORKED', 'Another version was signed meanwhile.');
  store.add(signed, bundle);
  return { ok: true, signed };
}

/** Owners of the first version, as many as its own quorum, each by a passkey that it lists. */
function checkFirst(bundle: Bundle, approvals: readonly Assertion[]): Refused | null {
  const owners = new Set<string>();
  for (const approval of approvals) {
    const verified = verifyAssertion(approval, bundleChallenge(bundle), bundle);
    if (!verified.ok) return refuse(verified.code, verified.detail);
    if (verified.operator.isOwner) owners.add(verified.operator.id);
  }
  return owners.size >= bundle.quorum
    ? null
    : refuse('BUNDLE_QUORUM', `${owners.size} of the ${bundle.quorum} owners that it needs have approved it.`);
}

/** The key is not used at all for a bundle that nobody approved. */
const checkKnown = (approvals: readonly Assertion[]): Refused | null =>
  approvals.length > 0 ? null : refuse('BUNDLE_QUORUM', 'Nobody has approved this version.');
