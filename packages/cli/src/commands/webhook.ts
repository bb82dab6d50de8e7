import {
  WEBHOOK_EVENTS,
  type DeliveryPage,
  type Redelivered,
  type WebhookDelivery,
  type WebhookEvent,
  type WebhookRequest,
  type WebhookRow,
} from '@hauban/shared/api';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import { print, type Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plainLine } from '../plain-text.ts';
import { localTime, renderTable } from '../terminal.ts';

interface JsonOption {
  readonly json?: boolean;
}
interface AddOptions extends JsonOption {
  readonly event: readonly string[];
  readonly on?: string;
}
interface ListOptions extends JsonOption {
  readonly state?: string;
}

async function findWebhook(api: ApiClient, wanted: string): Promise<WebhookRow> {
  const all = await api.get<WebhookRow[]>('/api/webhooks');
  const found = all.find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found;
  const says = `There is no webhook "${plainLine(wanted)}": "hauban webhook list" lists them.`;
  throw new CliError(EXIT.notFound, 'NOT_FOUND', says);
}

function stateText({ due, dead, problem, lastDeliveredAt }: WebhookRow): string {
  const parts = [
    ...(due > 0 ? [`${due} to be sent`] : []),
    ...(dead > 0 ? [`${dead} given up`] : []),
    ...(problem === null ? [] : [plainLine(problem)]),
  ];
  if (parts.length > 0) return parts.join('; ');
  return lastDeliveredAt === null ? 'nothing was sent yet' : `delivered ${localTime(lastDeliveredAt)}`;
}

function webhookTable(webhooks: readonly WebhookRow[]): string {
  if (webhooks.length === 0) return 'There is no webhook: nobody else is told of anything.';
  const rows = webhooks.map((row) => [row.name, row.events.join(' '), row.on ?? 'all nodes', row.url, stateText(row)]);
  return renderTable(['NAME', 'EVENTS', 'ON', 'URL', 'STATE'], rows);
}

function deliveryTable(deliveries: readonly WebhookDelivery[]): string {
  if (deliveries.length === 0) return 'Nothing is to be sent or was.';
  const rows = deliveries.map((row) => [
    row.id,
    row.event,
    localTime(row.happenedAt),
    row.state,
    String(row.attempts),
    row.nextAt === null ? '' : localTime(row.nextAt),
    plainLine(row.says ?? (row.status === null ? '' : `Answered ${row.status}.`)),
  ]);
  return renderTable(['ID', 'EVENT', 'HAPPENED', 'STATE', 'TRIED', 'NEXT', 'LAST'], rows);
}

const isEvent = (word: string): word is WebhookEvent => (WEBHOOK_EVENTS as readonly string[]).includes(word);

function eventsOf(words: readonly string[]): WebhookEvent[] {
  const wrong = words.find((word) => !isEvent(word));
  if (wrong === undefined) return words.filter(isEvent);
  const says = `There is no event "${plainLine(wrong)}"; there are ${WEBHOOK_EVENTS.join(', ')}.`;
  throw new CliError(EXIT.usage, 'BAD_REQUEST', says);
}

function addChanging(webhook: Command, context: Context): void {
  webhook
    .command('add')
    .argument('<name>', 'lower-case letters, digits and -')
    .argument('<url>', 'https address of the receiver')
    .description('Tell a receiver what happens; each request is signed by the controller (docs/rest-api.md)')
    .requiredOption('--event <events...>', `of ${WEBHOOK_EVENTS.join(', ')}`)
    .option('--on <selector>', 'only what is about these nodes')
    .option('--json', 'for programs')
    .action(async (name: string, url: string, { event, on, json }: AddOptions) => {
      const request: WebhookRequest = { name, url, events: eventsOf(event), ...(on === undefined ? {} : { on }) };
      const made = await context.api().post<WebhookRow>('/api/webhooks', request);
      print(context, json === true, made, () => `${made.name} is made; "hauban webhook test ${made.name}" tries it.`);
    });
  webhook
    .command('remove')
    .argument('<webhook>', 'name or id')
    .description('Delete it, with what it has not delivered')
    .action(async (wanted: string) => {
      const api = context.api();
      const { id, name } = await findWebhook(api, wanted);
      await api.delete(`/api/webhooks/${id}`);
      context.terminal.out(`${name} is deleted.`);
    });
}

function addDelivering(webhook: Command, context: Context): void {
  webhook
    .command('test')
    .argument('<webhook>', 'name or id')
    .description('Send something that means nothing, once, and see what comes of it')
    .option('--json', 'for programs')
    .action(async (wanted: string, { json }: JsonOption) => {
      const api = context.api();
      const { id, name } = await findWebhook(api, wanted);
      const tried = await api.post<WebhookDelivery>(`/api/webhooks/${id}/test`, {});
      if (tried.state !== 'delivered')
        throw new CliError(EXIT.failed, 'UNAVAILABLE', `${name}: ${plainLine(tried.says ?? 'not delivered')}`);
      print(context, json === true, tried, () => `${name} answered ${tried.status ?? ''}.`);
    });
  webhook
    .command('deliveries')
    .argument('<webhook>', 'name or id')
    .description('What it has sent and has to send, the newest first')
    .option('--state <state>', 'due, delivered or dead')
    .option('--json', 'for programs')
    .action(async (wanted: string, { state, json }: ListOptions) => {
      const api = context.api();
      const { id } = await findWebhook(api, wanted);
      const query = { limit: 200, ...(state === undefined ? {} : { state }) };
      const { deliveries } = await api.get<DeliveryPage>(`/api/webhooks/${id}/deliveries`, query);
      print(context, json === true, deliveries, () => deliveryTable(deliveries));
    });
  webhook
    .command('redeliver')
    .argument('<webhook>', 'name or id')
    .argument('[delivery]', 'id of one; without: all that were given up')
    .description('Send again what is over, with the same id')
    .option('--json', 'for programs')
    .action(async (wanted: string, deliveryId: string | undefined, { json }: JsonOption) => {
      const api = context.api();
      const { id } = await findWebhook(api, wanted);
      const body = deliveryId === undefined ? {} : { deliveryId };
      const again = await api.post<Redelivered>(`/api/webhooks/${id}/redeliver`, body);
      print(context, json === true, again, () => `${again.count} to be sent again.`);
    });
}

export function addWebhook(program: Command, context: Context): void {
  const webhook = program.command('webhook').description('Webhooks: what other software is told');
  webhook
    .command('list', { isDefault: true })
    .description('All of them, and how it stands with their deliveries')
    .option('--json', 'for programs')
    .action(async ({ json }: JsonOption) => {
      const all = await context.api().get<WebhookRow[]>('/api/webhooks');
      print(context, json === true, all, () => webhookTable(all));
    });
  webhook
    .command('show')
    .argument('<webhook>', 'name or id')
    .description('One of them')
    .option('--json', 'for programs')
    .action(async (wanted: string, { json }: JsonOption) => {
      const found = await findWebhook(context.api(), wanted);
      print(context, json === true, found, () => webhookTable([found]));
    });
  addChanging(webhook, context);
  addDelivering(webhook, context);
}
