import { randomUUID } from 'node:crypto';
import type { ControllerIdentity, KeyPair } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import type { ControllerIdentityRepository } from './controller-identity.repository.ts';

/**
 * Who this controller is: an id, kept in the database, and the link key that all nodes are pinned to, kept in a file.
 * With another key no node would let it in, so the two must belong together: CONFIG_BAD otherwise. `find` gives the one that
 * shall take over, where a rotation was cut off after its commit.
 */
export async function loadControllerIdentity(
  repository: ControllerIdentityRepository,
  key: KeyPair,
  clock: Clock,
  find: (publicText: string) => KeyPair | null = () => null,
): Promise<ControllerIdentity> {
  const stored = await repository.keep({ id: randomUUID(), linkKey: key.publicText }, clock.nowMs());
  const used = stored.linkKey === key.publicText ? key : find(stored.linkKey);
  if (used === null) {
    throw new HaubanError(
      'CONFIG_BAD',
      `This database belongs to a controller with the link key ${stored.linkKey}, but the key file holds ${key.publicText}: restore the key file that belongs to the database.`,
    );
  }
  return { controllerId: stored.id, key: used };
}
