import type { AccessRule, TrustDraftRequest } from '@hauban/shared/api';
import type { Access, Bundle, BundleOperator } from '@hauban/shared/protocol';
import { bundleHash } from '@hauban/link';
import type { Candidate } from './bundles.repository.ts';
import { spkiOfCose } from './cose-key.ts';

/** What a first bundle asks for: somebody touches a key for a dangerous action and for a shell as root. */
const FIRST = {
  quorum: 1,
  needs: { high: 1, rootShell: 1, shell: 0 },
  limits: { startMs: 60_000, queuedMs: 12 * 3_600_000, ordersPerMinute: 30_000 },
} as const;
const MOST_KEYS = 10;

/** A person as a bundle lists them. Somebody without a passkey is listed too: they may ask, and cannot approve. */
export const toOperator = ({ id, name, role, passkeys }: Candidate): BundleOperator => ({
  id,
  name,
  isOwner: role === 'owner',
  credentials: passkeys
    .flatMap((passkey) => {
      const key = spkiOfCose(passkey.publicKey);
      return key === null ? [] : [{ id: passkey.id, ...key }];
    })
    .slice(0, MOST_KEYS),
});

/** Rules of the roles that were made beside the built-in ones, by name. */
export type MadeRoles = ReadonlyMap<string, readonly AccessRule[]>;

/** Who may do what, as the controller has it now: the roles that somebody has, and who has which. */
export function accessOf(people: readonly Candidate[], madeRoles: MadeRoles): Access {
  const held = [...new Set(people.map(({ role }) => role))].toSorted();
  return {
    roles: held.flatMap((name) => {
      const rules = madeRoles.get(name);
      return rules === undefined || rules.length === 0 ? [] : [{ name, rules: [...rules] }];
    }),
    people: people.map(({ id, role }) => ({ id, role })),
  };
}

export interface DraftFrom {
  readonly controllerId: string;
  readonly current: Bundle | null;
  readonly people: readonly Candidate[];
  readonly madeRoles: MadeRoles;
  readonly site: { readonly rpId: string; readonly origins: readonly string[] };
  readonly at: number;
}

/** Enough people with a passkey beside anybody who asks? Then nobody has to approve for himself. */
const hasOthers = (operators: readonly BundleOperator[], { high, rootShell, shell }: Bundle['needs']): boolean =>
  operators.filter(({ credentials }) => credentials.length > 0).length > Math.max(1, high, rootShell, shell);

/** Pins of custom actions, as asked for or as before. */
function customOf({ custom }: TrustDraftRequest, current: Bundle | null): Pick<Bundle, 'custom'> {
  const pins = custom === undefined ? current?.custom : custom;
  return pins === undefined || pins === null ? {} : { custom: pins.map((pin) => ({ ...pin })) };
}

/** The next version: people as they are now, rules as asked for or as before. */
export function draftBundle(request: TrustDraftRequest, from: DraftFrom): Bundle {
  const { current, people, site } = from;
  const before = current ?? FIRST;
  const operators = people.map(toOperator);
  const needs = { ...(request.needs ?? before.needs) };
  const mayApprove = request.requesterMayApprove ?? !hasOthers(operators, needs);
  return {
    v: 1,
    is: 'hauban-bundle',
    controller: from.controllerId,
    version: (current?.version ?? 0) + 1,
    previous: current === null ? null : bundleHash(current),
    issuedAt: from.at,
    rpId: site.rpId,
    origins: [...site.origins],
    operators,
    quorum: request.quorum ?? before.quorum,
    needs,
    limits: { ...(request.limits ?? before.limits) },
    requesterMayApprove: mayApprove,
    access: accessOf(people, from.madeRoles),
    ...customOf(request, current),
  };
}
