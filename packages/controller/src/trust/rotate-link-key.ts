import { authorityVersion, followLinkItems, followSteps, linkStepHash, signLinkStep, type KeyPair } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { ControllerMessage, LinkStep, SignedLinkStep } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { LinkKeysRepository } from './link-keys.repository.ts';
import type { LinkKeysService } from './link-keys.service.ts';

export interface RotateLinkKeyParts {
  readonly linkKeys: LinkKeysService;
  readonly repository: LinkKeysRepository;
  readonly signer: {
    keys(): Promise<Pick<Extract<ControllerMessage, { t: 'enrolled' }>, 'authorityKeys' | 'authoritySteps'>>;
    /** Signs only what root of its machine has allowed by this hash. */
    signLinkStep(step: LinkStep): Promise<string>;
  };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly files: {
    /** The key that shall take over; the same one until it has. */
    next(): KeyPair;
    /** Puts it in the place of the current one. */
    adoptNext(): void;
  };
  /** Tells the signer, in a way that the controller's user has not, that it may sign this. */
  readonly allow: (hash: string) => void;
}

/**
 * The next link key, in force with the commit: a crash before it leaves the old key, one after it the new one, which the
 * next start puts in its place.
 */
export async function rotateLinkKey(
  parts: RotateLinkKeyParts,
  overlapMs: number,
): Promise<{ readonly version: number; readonly retireAt: number }> {
  const { linkKeys, repository, signer, audit, transaction, clock, files, allow } = parts;
  await linkKeys.refresh();
  const { controllerId, key: before } = linkKeys.identity;
  const next = files.next();
  const { authorityKeys, authoritySteps } = await signer.keys();
  const authority = await followSteps(authorityKeys, authoritySteps, controllerId);
  if (!authority.ok) throw new HaubanError(authority.code, `The signer's keys: ${authority.detail}.`);
  const { last } = linkKeys;
  const issuedAt = clock.nowMs();
  const step: LinkStep = {
    v: 1,
    is: 'hauban-link-step',
    controller: controllerId,
    version: linkKeys.version + 1,
    previous: last === null ? null : linkStepHash(last),
    before: before.publicText,
    next: next.publicText,
    authority: authorityVersion(authority.chain),
    issuedAt,
    retireAt: issuedAt + overlapMs,
  };
  allow(linkStepHash(step));
  const signed: SignedLinkStep = {
    byAuthority: await signer.signLinkStep(step),
    byBefore: await signLinkStep(step, before),
    byNext: await signLinkStep(step, next),
  };
  const chain = {
    controllerId,
    root: before.publicText,
    steps: last === null ? [] : [last],
    authority: authority.chain,
    obeyed: 0,
  };
  // By the nodes' own check: what they would refuse is not brought into force.
  const followed = await followLinkItems([signed], chain);
  if (!followed.ok) throw new HaubanError(followed.code, `The new link key would be refused: ${followed.detail}.`);
  const { version, retireAt } = step;
  await transaction(async (tx) => {
    const change = { controllerId, before: step.before, next: step.next };
    if (!(await repository.add(tx, { version, signed, storedAt: clock.nowMs() }, change)))
      throw new HaubanError('CONFLICT', 'The link key was replaced meanwhile.');
    audit.record(tx, { code: 'A7020W', who: 'system', detail: { version, retireAt, hash: linkStepHash(step) } });
  });
  files.adoptNext();
  return { version, retireAt };
}
