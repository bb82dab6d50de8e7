import { canonicalJson } from '@hauban/link';
import type { Bundle } from '@hauban/shared/protocol';

/** Base64 makes a third more of it, and a JWS of the link holds 400,000. */
const MOST_BYTES = 290_000;

/**
 * What a policy bundle must have so that it can be lived with: a bundle that nobody could approve under, or that nobody
 * could ever replace, would lock everybody out of what is dangerous and of mending it. One sentence, or null.
 */
export function bundleProblem(bundle: Bundle): string | null {
  const length = Buffer.byteLength(canonicalJson(bundle));
  if (length > MOST_BYTES)
    return `it has ${length} bytes, and nodes take ${MOST_BYTES}: name fewer nodes in the rules of roles`;
  const withKey = bundle.operators.filter(({ credentials }) => credentials.length > 0);
  const owners = withKey.filter(({ isOwner }) => isOwner).length;
  const most = Math.max(bundle.needs.high, bundle.needs.rootShell, bundle.needs.shell);
  if (owners < bundle.quorum)
    return `${bundle.quorum} owners have to approve the next version, but only ${owners} of them have a passkey`;
  if (withKey.length < most)
    return `${most} people have to approve an order, but only ${withKey.length} of them have a passkey`;
  if (bundle.requesterMayApprove === false && most > 0 && withKey.length <= most)
    return `${most} people have to approve an order of somebody else, but only ${withKey.length} of all have a passkey`;
  return bundle.origins.length === 0 ? 'no origin is named, so no passkey could be used' : null;
}
