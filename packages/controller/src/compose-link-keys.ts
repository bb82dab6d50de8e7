/** The command `rotate-link-key`: the folders, the signer and the database of this machine. */
import { systemClock, type ControllerIdentity } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { createAudit } from './compose-audit.ts';
import type { Database } from './db/index.ts';
import type { LinkKeyFolder } from './enrolment/link-key-folder.ts';
import { createLog } from './runtime/index.ts';
import { allowLinkStep, type SignerClient } from './signer/index.ts';
import { createLinkKeysRepository } from './trust/link-keys.repository.ts';
import { LinkKeysService } from './trust/link-keys.service.ts';
import { rotateLinkKey } from './trust/rotate-link-key.ts';

export interface LinkKeyMachine {
  readonly database: Database;
  readonly identity: ControllerIdentity;
  readonly folder: LinkKeyFolder;
  readonly signer: SignerClient;
  /** The signer's own folder, which the controller's user cannot write. */
  readonly signerDir: string;
}

/** For a command: it tells nobody, and takes no other key. */
export const linkKeysOf = (database: Database, identity: ControllerIdentity): LinkKeysService =>
  new LinkKeysService({
    repository: createLinkKeysRepository(database),
    identity,
    loadKey: () => null,
    log: createLog('silent'),
  });

export function rotateLinkKeyHere(machine: LinkKeyMachine, overlapMs: number): ReturnType<typeof rotateLinkKey> {
  const { database, identity, folder, signer, signerDir } = machine;
  const repository = createLinkKeysRepository(database);
  const linkKeys = linkKeysOf(database, identity);
  const allow = (hash: string): void => {
    try {
      allowLinkStep(signerDir, hash);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      throw new HaubanError(
        'CONFIG_BAD',
        `${error.detail} Run this as root, with HAUBAN_SIGNER_DIR as the signer has it.`,
        { cause: error },
      );
    }
  };
  return rotateLinkKey(
    {
      linkKeys,
      repository,
      signer,
      audit: createAudit(database, systemClock),
      transaction: database.transaction,
      clock: systemClock,
      files: folder,
      allow,
    },
    overlapMs,
  );
}
