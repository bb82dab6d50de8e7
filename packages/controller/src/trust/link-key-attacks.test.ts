import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, keyThumbprint, signJws, systemClock } from '@hauban/link';
import { LINK_STEP_TYPE } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { rotateLinkKeyHere } from '../compose-link-keys.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createControllerIdentityRepository } from '../enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../enrolment/controller-identity.service.ts';
import { createLinkKeyFolder, type LinkKeyFolder } from '../enrolment/link-key-folder.ts';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, runSigner, type SignerClient } from '../signer/index.ts';

const HOUR_MS = 3_600_000;
const log = createLog('silent');
let root: string;
let fixture: TestDatabase;
let database: Database;
let folder: LinkKeyFolder;
let signer: SignerClient;
let stopSigner: () => Promise<void>;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'hb-'));
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  folder = createLinkKeyFolder(join(root, 'controller'));
  const settings = { socketPath: join(root, 'run', 's.sock'), keyDir: join(root, 'signer') };
  const running = await runSigner({ ...settings, passphrase: { credential: null, file: null } }, systemClock, log);
  stopSigner = () => running.stop();
  signer = createSignerClient(settings.socketPath, systemClock);
});
afterEach(async () => {
  signer.close();
  await stopSigner();
  await database.close();
  await fixture.drop();
  rmSync(root, { recursive: true, force: true });
});

/** As the command does it, with a signer that somebody has changed. */
async function rotateWith(change: Partial<SignerClient>): Promise<unknown> {
  const repository = createControllerIdentityRepository(database);
  const identity = await loadControllerIdentity(repository, folder.current(), systemClock, folder.find);
  const signerDir = join(root, 'signer');
  return rotateLinkKeyHere({ database, identity, folder, signer: { ...signer, ...change }, signerDir }, HOUR_MS);
}

describe('a new link key is not brought into force', () => {
  it('when the way to the authority key that signs it is that of another fleet', async () => {
    await signer.signStep(await signer.draftStep(randomUUID(), 0), []);
    const before = folder.current().publicText;
    await expect(rotateWith({})).rejects.toMatchObject({ code: 'AUTHORITY_CONTROLLER' });
    expect(folder.current().publicText).toBe(before);
  });

  it('when another key than the authority has signed it, which every node would refuse', async () => {
    const stranger = createKeyPair();
    const kid = keyThumbprint(stranger.publicText) ?? '';
    const before = folder.current().publicText;
    const signLinkStep: SignerClient['signLinkStep'] = (step) => signJws(step, stranger, { typ: LINK_STEP_TYPE, kid });
    await expect(rotateWith({ signLinkStep })).rejects.toMatchObject({ code: 'LINK_STEP_SIGNATURE' });
    expect(folder.current().publicText).toBe(before);
    expect(await fixture.sql`SELECT * FROM link_step`).toEqual([]);
  });
});
