import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@hauban/link';
import { createController } from '../app.ts';
import type { OutsideWitness } from '../audit/outside-witness.ts';
import { createWitnessFile } from '../audit/witness-file.ts';
import { createWitnessUrl } from '../audit/witness-url.ts';
import { loadAuthority, loadClientSecret, loadControllerConfig, type ControllerConfig } from '../config.ts';
import { createLinkKeyFolder } from '../enrolment/link-key-folder.ts';
import { loadTotpSeal } from '../people/load-totp-seal.ts';
import { parseSignOnSettings } from '../people/oidc-settings.ts';
import { createTotpSecretsRepository } from '../people/totp-secrets.repository.ts';
import { createLog } from '../runtime/index.ts';
import { createSignerClient } from '../signer/index.ts';
import { createKeyRing } from '../webhooks/key-ring.ts';
import { parseWebhookSettings } from '../webhooks/webhook-settings.ts';
import { loadIdentity } from './load-identity.ts';
import { publicUrlOf } from './public-url.ts';
import { tellReady } from './standard-output.ts';
import { stopSignal } from './stop-signal.ts';
import { withDatabase } from './with-database.ts';

/** A stop that takes longer than this is cut off. */
const STOP_WITHIN_MS = 15_000;

function readVersion(): string {
  const source = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(source) as { version?: unknown };
  return typeof version === 'string' ? version : '0.0.0';
}

function witnessesOf({ auditWitnessFile, auditWitnessUrl }: ControllerConfig): OutsideWitness[] {
  return [
    ...(auditWitnessFile === null ? [] : [createWitnessFile(auditWitnessFile)]),
    ...(auditWitnessUrl === null ? [] : [createWitnessUrl(auditWitnessUrl)]),
  ];
}

export async function serve(): Promise<void> {
  const config = loadControllerConfig(process.env);
  const log = createLog(config.logLevel);
  const stopped = stopSignal();
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const signer = createSignerClient(config.signerSocket, systemClock);
    const publicUrl = publicUrlOf(config, config.port);
    const { tls, uiDir, trustedProxies } = config;
    const totpSeal = await loadTotpSeal(join(config.controllerDir, 'totp-key.json'), {
      repository: createTotpSecretsRepository(database),
      transaction: database.transaction,
      random: systemRandom,
      log,
    });
    const parts = {
      database,
      identity,
      loadLinkKey: createLinkKeyFolder(config.controllerDir).find,
      signer,
      log,
      publicUrl,
      tls,
      uiDir,
      trustedProxies,
      totpSeal,
      version: readVersion(),
      auditWitnesses: witnessesOf(config),
      webhooks: {
        ring: createKeyRing(config.controllerDir),
        settings: parseWebhookSettings(config.webhookText, loadAuthority),
      },
      signOnProviders: config.signOnText === null ? [] : parseSignOnSettings(config.signOnText, loadClientSecret),
    };
    const controller = await createController(parts);
    const port = await controller.start(config.host, config.port);
    log.info({ host: config.host, port, url: publicUrl.origin }, 'ready');
    tellReady({ url: publicUrlOf(config, port).origin, port });
    await stopped;
    log.info({}, 'stopping');
    setTimeout(() => {
      log.error({}, 'the stop took too long and was cut off');
      process.exit(1);
    }, STOP_WITHIN_MS).unref();
    await controller.stop();
    signer.close();
  });
}
