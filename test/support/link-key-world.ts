/** What a controller needs to have its link key replaced: a database, a folder of keys, a signer that runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, type Database } from '../../packages/controller/src/db/index.ts';
import { createControllerIdentityRepository } from '../../packages/controller/src/enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../../packages/controller/src/enrolment/controller-identity.service.ts';
import { createLinkKeyFolder, type LinkKeyFolder } from '../../packages/controller/src/enrolment/link-key-folder.ts';
import { createLog, type Log } from '../../packages/controller/src/runtime/index.ts';
import { createSignerClient, runSigner, type SignerClient } from '../../packages/controller/src/signer/index.ts';
import { systemClock } from '../../packages/link/src/index.ts';
import { createTestDatabase, type TestDatabase } from './postgres-database.ts';

export interface LinkKeyWorld {
  readonly root: string;
  readonly fixture: TestDatabase;
  readonly database: Database;
  readonly folder: LinkKeyFolder;
  readonly signer: SignerClient;
  readonly signerDir: string;
  readonly log: Log;
  /** As a start of the controller loads it. */
  identity(): ReturnType<typeof loadControllerIdentity>;
  stop(): Promise<void>;
}

export async function createLinkKeyWorld(): Promise<LinkKeyWorld> {
  const log = createLog('silent');
  const root = mkdtempSync(join(tmpdir(), 'hb-'));
  const fixture = await createTestDatabase();
  const database = createDatabase({ url: fixture.url });
  const folder = createLinkKeyFolder(join(root, 'controller'));
  const signerDir = join(root, 'signer');
  const settings = { socketPath: join(root, 'run', 's.sock'), keyDir: signerDir };
  const running = await runSigner({ ...settings, passphrase: { credential: null, file: null } }, systemClock, log);
  const signer = createSignerClient(settings.socketPath, systemClock);
  return {
    ...{ root, fixture, database, folder, signer, signerDir, log },
    identity: () =>
      loadControllerIdentity(createControllerIdentityRepository(database), folder.current(), systemClock, folder.find),
    stop: async () => {
      signer.close();
      await running.stop();
      await database.close();
      await fixture.drop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
