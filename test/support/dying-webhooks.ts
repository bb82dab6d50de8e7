/** A controller's sender of webhooks as a program, which dies by SIGKILL when a receiver has answered and nothing is recorded. */
import { createKeyPair, systemClock, systemRandom } from '@hauban/link';
import { createAuditRepository } from '../../packages/controller/src/audit/audit.repository.ts';
import { createAuditService } from '../../packages/controller/src/audit/audit.service.ts';
import { createDatabase } from '../../packages/controller/src/db/index.ts';
import { createLog } from '../../packages/controller/src/runtime/index.ts';
import { createDeliverWebhooks } from '../../packages/controller/src/webhooks/deliver-webhooks.service.ts';
import { createDeliveriesRepository } from '../../packages/controller/src/webhooks/deliveries.repository.ts';
import { createReceiverJudge } from '../../packages/controller/src/webhooks/receiver-address.ts';
import { createSendWebhook } from '../../packages/controller/src/webhooks/send-webhook.ts';
import type { WebhookSettings } from '../../packages/controller/src/webhooks/webhook-settings.ts';

/** What its parent sends it. */
export interface DyingConfig {
  readonly databaseUrl: string;
  readonly settings: WebhookSettings;
}

process.once('message', (message) => {
  const { databaseUrl, settings } = message as DyingConfig;
  const database = createDatabase({ url: databaseUrl });
  const { transaction } = database;
  const clock = systemClock;
  const send = createSendWebhook({
    judge: createReceiverJudge(settings),
    ca: settings.ca,
    resolve: async () => ['127.0.0.1'],
    clock,
  });
  const pair = createKeyPair();
  void createDeliverWebhooks({
    deliveries: createDeliveriesRepository(database),
    send: async (outgoing) => {
      const outcome = await send(outgoing);
      process.kill(process.pid, 'SIGKILL');
      return outcome;
    },
    webhookKeys: { current: () => ({ pair, kid: '' }) },
    selectTargets: { resolve: async () => [] },
    audit: createAuditService({ repository: createAuditRepository(database), transaction, clock }),
    transaction,
    clock,
    random: systemRandom,
    log: createLog('silent'),
  }).tick();
});
