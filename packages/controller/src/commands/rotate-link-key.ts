import { systemClock } from '@hauban/link';
import { rotateLinkKeyHere } from '../compose-link-keys.ts';
import { loadControllerConfig, loadSignerConfig } from '../config.ts';
import { createLinkKeyFolder } from '../enrolment/link-key-folder.ts';
import { createSignerClient } from '../signer/index.ts';
import { loadIdentity } from './load-identity.ts';
import { parseOverlap } from './overlap-option.ts';
import { say } from './standard-output.ts';
import { withDatabase } from './with-database.ts';

/** Works beside a running controller, which takes the new key within seconds. */
export async function rotateLinkKey(args: readonly string[]): Promise<void> {
  const overlapMs = parseOverlap(args);
  const config = loadControllerConfig(process.env);
  const { keyDir: signerDir } = loadSignerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const signer = createSignerClient(config.signerSocket, systemClock);
    try {
      const folder = createLinkKeyFolder(config.controllerDir);
      const { version, retireAt } = await rotateLinkKeyHere(
        { database, identity, folder, signer, signerDir },
        overlapMs,
      );
      say(
        `Link key ${version} is in force. Nodes take the old one until ${new Date(retireAt).toISOString()}, and each follows when it is connected, however long it was away. Join tokens that were made before are worth nothing. Make a backup now: nodes refuse a controller that is restored from an older one.`,
      );
    } finally {
      signer.close();
    }
  });
}
