import { systemClock, type ControllerIdentity } from '@hauban/link';
import type { ControllerConfig } from '../config.ts';
import type { Database } from '../db/index.ts';
import { createControllerIdentityRepository } from '../enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../enrolment/controller-identity.service.ts';
import { createLinkKeyFolder } from '../enrolment/link-key-folder.ts';

/** The link key of that folder, and the id in the database that it belongs to. */
export async function loadIdentity(config: ControllerConfig, database: Database): Promise<ControllerIdentity> {
  const folder = createLinkKeyFolder(config.controllerDir);
  const current = folder.current();
  const repository = createControllerIdentityRepository(database);
  const identity = await loadControllerIdentity(repository, current, systemClock, folder.find);
  // A rotation that was cut off after its commit comes to its end.
  if (identity.key.publicText !== current.publicText) folder.adoptNext();
  return identity;
}
