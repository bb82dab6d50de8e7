import { bundleHash } from '@hauban/link';
import type { TrustVersion } from '@hauban/shared/api';
import type { Access, Bundle } from '@hauban/shared/protocol';

const accessRow = ({ roles, people }: Access): NonNullable<TrustVersion['access']> => ({
  roles: roles.map(({ name, rules }) => ({ name, rules: [...rules] })),
  people: [...people],
});

/** A version as pages show it. */
export const toVersion = (bundle: Bundle): TrustVersion => ({
  version: bundle.version,
  hash: bundleHash(bundle),
  issuedAt: bundle.issuedAt,
  operators: bundle.operators.map(({ id, name, isOwner, credentials }) => ({
    id,
    name,
    isOwner,
    passkeys: credentials.length,
  })),
  quorum: bundle.quorum,
  needs: { ...bundle.needs },
  limits: { ...bundle.limits },
  requesterMayApprove: bundle.requesterMayApprove ?? true,
  custom: bundle.custom?.map((pin) => ({ ...pin })) ?? null,
  access: bundle.access === undefined ? null : accessRow(bundle.access),
});
