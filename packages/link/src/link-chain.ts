import type { ErrorCode } from '@hauban/shared/errors';
import {
  checkLinkStep,
  LINK_STEP_TYPE,
  parseWith,
  type LinkItem,
  type LinkStep,
  type SignedLinkStep,
} from '@hauban/shared/protocol';
import { authorityVersion, verifyNextStep, type AuthorityChain } from './authority-chain.ts';
import { canonicalJson } from './canonical-json.ts';
import { sha256Hex } from './digest.ts';
import { peekJws, signJws, verifyJws } from './jws.ts';
import { keyThumbprint, type KeyPair } from './key-pair.ts';
import { pinnedKeys } from './signed-documents.ts';

/** Which link key of the controller follows on which (rules KEYS19 to KEYS22), as a node goes by it. */
export interface LinkChain {
  readonly controllerId: string;
  /** As pinned by the enrolment. */
  readonly root: string;
  /** Verified, the oldest first, without a gap. */
  readonly steps: readonly LinkStep[];
  /** Authority keys that steps are signed by: those of the enrolment, and those that were followed to since. */
  readonly authority: AuthorityChain;
  /** Version of the authority key that the executor obeys, as far as it said; 0: not known. */
  readonly obeyed: number;
}

type LinkRefusal = { readonly ok: false; readonly code: ErrorCode; readonly detail: string };
type Followed = { readonly ok: true; readonly chain: LinkChain; readonly isNew: boolean } | LinkRefusal;

const no = (code: ErrorCode, detail: string): LinkRefusal => ({ ok: false, code, detail });
const kidOf = (key: string): string => keyThumbprint(key) ?? '';

/** Hex SHA-256 of the canonical JSON: what the next step names as `previous`, and what root allows the signer to sign. */
export const linkStepHash = (step: LinkStep): string => sha256Hex(canonicalJson(step));

/** One of the two signatures that link keys make. */
export const signLinkStep = (step: LinkStep, key: KeyPair): Promise<string> =>
  signJws(step, key, { typ: LINK_STEP_TYPE, kid: kidOf(key.publicText) });

export const newestLinkKey = ({ root, steps }: Pick<LinkChain, 'root' | 'steps'>): string => steps.at(-1)?.next ?? root;

/** The newest one, the one before it until its time is over, and those that are refused by name. */
export function linkKeysAt(
  chain: Pick<LinkChain, 'root' | 'steps'>,
  nowMs: number,
): { readonly newest: string; readonly alsoTaken: string | null; readonly retired: readonly string[] } {
  const newest = newestLinkKey(chain);
  const last = chain.steps.at(-1);
  const alsoTaken = last !== undefined && nowMs < last.retireAt ? last.before : null;
  const former = chain.steps.map(({ before }) => before);
  return { newest, alsoTaken, retired: former.filter((key) => key !== alsoTaken) };
}

function peekLinkStep(jws: string): LinkStep | LinkRefusal {
  const peeked = peekJws(jws);
  const parsed = peeked.ok ? parseWith(checkLinkStep, peeked.payload) : null;
  return parsed?.ok === true ? parsed.value : no('LINK_STEP_MALFORMED', parsed?.problem ?? 'it is not a signed text');
}

/** The very next step over exactly the key that is gone by, to a key that never was one. */
function checkPlace(step: LinkStep, chain: LinkChain): LinkRefusal | null {
  const last = chain.steps.at(-1);
  const isNext = last === undefined || (step.version === last.version + 1 && step.previous === linkStepHash(last));
  if (step.before !== newestLinkKey(chain) || !isNext)
    return no('LINK_STEP_FORKED', 'it follows on another key than the one that is gone by');
  const former = [chain.root, ...chain.steps.map(({ next }) => next)];
  return former.includes(step.next) ? no('LINK_STEP_FORKED', 'a key that was replaced does not come back') : null;
}

/** Never backwards, and never another content of a step that was taken. Null: it may be the next one. */
function checkKnown(step: LinkStep, { steps }: LinkChain): 'known' | LinkRefusal | null {
  const newest = steps.at(-1)?.version ?? 1;
  const known = steps.find(({ version }) => version === step.version);
  if (known !== undefined && linkStepHash(known) === linkStepHash(step)) return 'known';
  if (known !== undefined && known.version === newest)
    return no('LINK_STEP_FORKED', `link key ${step.version} is held with another content`);
  return step.version <= newest && steps.length > 0
    ? no('LINK_STEP_OLD', `link key ${step.version} is older than link key ${newest}, which is gone by`)
    : null;
}

/** By the newest authority key that is known here, and by none older than the one that the executor obeys. */
function authorityKeyOf(step: LinkStep, { authority, obeyed }: LinkChain): string | LinkRefusal {
  const newest = authorityVersion(authority);
  if (step.authority !== newest || step.authority < obeyed)
    return no(
      'LINK_STEP_AUTHORITY',
      `it is signed by authority key ${step.authority}, and key ${Math.max(newest, obeyed)} is obeyed`,
    );
  return authority.steps.at(-1)?.next ?? authority.root[0]?.key ?? '';
}

/** By the authority, which has the right, and by both link keys, which proves that somebody has them. */
async function checkSignatures(signed: SignedLinkStep, step: LinkStep, authorityKeys: readonly string[]) {
  const signers: readonly (readonly [string, string])[] = [
    ...authorityKeys.map((key) => [signed.byAuthority, key] as const),
    [signed.byBefore, step.before],
    [signed.byNext, step.next],
  ];
  for (const [jws, key] of signers) {
    const verified = await verifyJws(jws, { typ: LINK_STEP_TYPE }, pinnedKeys([{ kid: kidOf(key), key }]));
    if (!verified.ok) return no('LINK_STEP_SIGNATURE', verified.why);
    const same = parseWith(checkLinkStep, verified.payload);
    if (!same.ok || linkStepHash(same.value) !== linkStepHash(step))
      return no('LINK_STEP_SIGNATURE', 'the keys signed different statements');
  }
  return null;
}

/** May this key be gone by after the one at the end of `chain`? Never throws for bad input. */
async function takeLinkStep(signed: SignedLinkStep, chain: LinkChain): Promise<Followed> {
  const step = peekLinkStep(signed.byAuthority);
  if ('ok' in step) return step;
  if (step.controller !== chain.controllerId)
    return no('LINK_STEP_CONTROLLER', 'it is for the nodes of another controller');
  const known = checkKnown(step, chain);
  if (known === 'known') return { ok: true, chain, isNew: false };
  if (known !== null) return known;
  const authorityKey = authorityKeyOf(step, chain);
  if (typeof authorityKey !== 'string') return authorityKey;
  const refusal = checkPlace(step, chain) ?? (await checkSignatures(signed, step, [authorityKey]));
  return refusal ?? { ok: true, chain: { ...chain, steps: [...chain.steps, step] }, isNew: true };
}

/**
 * Follows steps in the order in which they came; the first that does not hold ends it. A step of the authority key counts
 * here by its two signatures alone: it only leads to a link key, which the old link key has to sign for as well.
 */
export async function followLinkItems(items: readonly LinkItem[], from: LinkChain): Promise<Followed> {
  let [chain, isNew] = [from, false];
  for (const item of items) {
    if ('byAuthority' in item) {
      const taken = await takeLinkStep(item, chain);
      if (!taken.ok) return taken;
      chain = taken.chain;
      isNew ||= taken.isNew;
      continue;
    }
    const { authority, controllerId } = chain;
    const next = await verifyNextStep(item, authority, { controllerId, ground: { by: 'enrolment' } });
    if (!next.ok) return next;
    if (next.isNew) chain = { ...chain, authority: { ...authority, steps: [...authority.steps, next.step] } };
    isNew ||= next.isNew;
  }
  return { ok: true, chain, isNew };
}
