import { randomUUID } from 'node:crypto';
import { approvalChallenge, bundleChallenge, bundleHash, signBundle, type KeyPair } from '@hauban/link';
import {
  approvalStatement,
  type Assertion,
  type Bundle,
  type BundleOperator,
  type Order,
  type SignedBundle,
} from '@hauban/shared/protocol';
import { createSoftwarePasskey, type AssertionChange, type SoftwarePasskey } from './software-passkey.ts';

export const SITE = { rpId: 'fleet.example', origin: 'https://fleet.example' } as const;

/** Somebody with a key of their own. */
export interface Person {
  readonly operator: BundleOperator;
  readonly passkey: SoftwarePasskey;
  approve(challenge: Uint8Array, change?: AssertionChange): Assertion;
}

export function createPerson(name: string, isOwner: boolean, alg: -8 | -7 | -257 = -7): Person {
  const passkey = createSoftwarePasskey(SITE, alg);
  const operator: BundleOperator = { id: randomUUID(), name, isOwner, credentials: [passkey.credential] };
  return {
    operator,
    passkey,
    approve: (challenge, change) => passkey.approve(operator.id, challenge, change),
  };
}

/** Version 1 of a fleet: two owners change the bundle; one approves an action of high risk, two a shell as root. */
export const firstBundle = (controller: string, people: readonly Person[], change: Partial<Bundle> = {}): Bundle => ({
  v: 1,
  is: 'hauban-bundle',
  controller,
  version: 1,
  previous: null,
  issuedAt: Date.now(),
  rpId: SITE.rpId,
  origins: [SITE.origin],
  operators: people.map(({ operator }) => operator),
  quorum: 2,
  needs: { high: 1, rootShell: 2, shell: 1 },
  limits: { startMs: 60_000, queuedMs: 3_600_000, ordersPerMinute: 60 },
  ...change,
});

export const nextBundle = (before: Bundle, change: Partial<Bundle> = {}): Bundle => ({
  ...before,
  version: before.version + 1,
  previous: bundleHash(before),
  ...change,
});

/** Signed by the authority and approved by these people. */
export async function sealBundle(
  bundle: Bundle,
  by: { readonly authority: KeyPair; readonly kid: string },
  approvers: readonly Person[] = [],
): Promise<SignedBundle> {
  return {
    jws: await signBundle(bundle, by.authority, by.kid),
    approvals: approvers.map((person) => person.approve(bundleChallenge(bundle))),
  };
}

/** What is asked of an operator: a run on these nodes (default: the order's own). */
export interface Asked {
  readonly run?: string;
  readonly targets?: readonly string[];
}

/** The order with what these people say to it. `change` is what an attacker does to each assertion. */
export function approveOrder<T extends Order>(
  order: T,
  approvers: readonly Person[],
  asked: Asked = {},
  change?: AssertionChange,
): T {
  const run = asked.run ?? (order.kind === 'shell' ? order.session : randomUUID());
  const approved = { run, targets: asked.targets ?? [order.aud] };
  const statement = approvalStatement({ ...order, approved });
  if (statement === null) throw new TypeError('a statement needs what is approved');
  const challenge = approvalChallenge(statement);
  return { ...order, approved, approvals: approvers.map((person) => person.approve(challenge, change)) };
}
