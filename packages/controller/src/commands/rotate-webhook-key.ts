import { parseArgs } from 'node:util';
import { loadControllerConfig } from '../config.ts';
import { createKeyRing } from '../webhooks/key-ring.ts';
import { createWebhookKeysRepository } from '../webhooks/webhook-keys.repository.ts';
import { rotateWebhookKey as rotate } from '../webhooks/webhook-keys.service.ts';
import { sharedOf } from './command-parts.ts';
import { say } from './standard-output.ts';
import { withDatabase } from './with-database.ts';

/** Works beside a running controller, which takes the new key within a minute of its time. */
export async function rotateWebhookKey(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { 'at-once': { type: 'boolean' } } });
  const config = loadControllerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const keys = createWebhookKeysRepository(database);
    const ring = createKeyRing(config.controllerDir);
    const { kid, signsFrom } = await rotate({ ...sharedOf(database), keys, ring }, values['at-once'] === true);
    say(`Webhooks are signed by the key ${kid} from ${new Date(signsFrom).toISOString()} on.`);
  });
}
