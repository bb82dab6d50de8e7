import { systemClock } from '@hauban/link';
import { linkKeysOf } from '../compose-link-keys.ts';
import { createBundles } from '../compose-trust.ts';
import { loadControllerConfig } from '../config.ts';
import { createSignerClient } from '../signer/index.ts';
import { sharedOf } from './command-parts.ts';
import { loadIdentity } from './load-identity.ts';
import { parseOverlap } from './overlap-option.ts';
import { publicUrlOf } from './public-url.ts';
import { say } from './standard-output.ts';
import { withDatabase } from './with-database.ts';

/** Works beside a running controller, which hands the step to the nodes. */
export async function rotateAuthorityKey(args: readonly string[]): Promise<void> {
  const overlapMs = parseOverlap(args);
  const config = loadControllerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const { controllerId } = identity;
    const signer = createSignerClient(config.signerSocket, systemClock);
    const { bundles, authority } = createBundles(sharedOf(database), database, {
      controllerId,
      linkKeys: linkKeysOf(database, identity),
      signer,
      publicUrl: publicUrlOf(config, config.port),
      links: () => [],
    });
    try {
      await bundles.state();
      const outcome = await authority.rotate(overlapMs, { name: 'system', address: null });
      const { followed, nodes } = (await bundles.state()).authority;
      if (outcome.is === 'waiting')
        say(
          `Authority key ${outcome.version} is drafted. ${outcome.needed} owners have to approve it on the page Trust, within a week; until then nothing changes.`,
        );
      else
        say(
          `Authority key ${outcome.version} is in force. Nodes take the old one until ${new Date(outcome.retireAt).toISOString()}. ${followed} of ${nodes} nodes have followed; each of the others does when it is connected. Make a backup now: an older one cannot sign for nodes that have followed.`,
        );
    } finally {
      signer.close();
    }
  });
}
