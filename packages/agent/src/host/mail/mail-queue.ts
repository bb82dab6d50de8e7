import type { QueueCounts, QueuedMessage, QueueFilter, QueueListing } from '@hauban/shared/actions';
import { eachLine } from '../program-lines.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';

/** `postqueue -j`: one JSON object a line. A queue of a hacked site has 100,000 of them, so lines are read as they come. */
const TIMEOUT_MS = 60_000;
const COUNTED = 20;
/** Names that are told apart; senders of spam are many. */
const COUNT_LIMIT = 10_000;
const REASON_LENGTH = 120;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const domainOf = (address: string): string =>
  (address.includes('@') ? address.slice(address.lastIndexOf('@') + 1) : address).toLowerCase();

/** Null for a line that is no message of a queue. */
export function parseQueueLine(line: string): (QueuedMessage & { readonly to: readonly string[] }) | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return null;
  const {
    queue_id: id,
    queue_name: queue,
    sender,
    recipients,
    message_size: size,
    arrival_time: arrived,
  } = value as Record<string, unknown>;
  const list = Array.isArray(recipients) ? (recipients as Record<string, unknown>[]) : [];
  if (typeof id !== 'string' || !QUEUE_ID.test(id)) return null;
  return {
    id,
    held: queue === 'hold',
    sender: text(sender),
    recipient: text(list[0]?.['address']),
    recipients: list.length,
    reason: text(list.find((entry) => typeof entry['delay_reason'] === 'string')?.['delay_reason']).slice(
      0,
      REASON_LENGTH,
    ),
    sizeBytes: Number(size),
    arrivedAtS: Number(arrived),
    to: list.map((entry) => text(entry['address'])),
  };
}

/** Never `ALL`, never `-`: those are other words of postsuper. */
export const QUEUE_ID = /^(?:[0-9A-F]{5,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,24})$/;

/** Compared as text: what a sender calls itself can be no pattern. */
export function matcher(filter: QueueFilter): (message: QueuedMessage & { readonly to: readonly string[] }) => boolean {
  const ids = filter.ids === undefined ? null : new Set(filter.ids);
  return (message) =>
    (ids === null || ids.has(message.id)) &&
    (filter.sender === undefined || message.sender.toLowerCase() === filter.sender.toLowerCase()) &&
    (filter.senderDomain === undefined || domainOf(message.sender) === filter.senderDomain) &&
    (filter.recipientDomain === undefined ||
      message.to.some((address) => domainOf(address) === filter.recipientDomain));
}

class Counter {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    if (this.#counts.has(name) || this.#counts.size < COUNT_LIMIT)
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  most(): QueueCounts {
    return [...this.#counts]
      .toSorted(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
      .slice(0, COUNTED)
      .map(([name, messages]) => ({ name, messages }));
  }
}

/** Reads the whole queue once; of the messages that match, the `limit` first by id. */
export async function readQueue(filter: QueueFilter, limit: number): Promise<QueueListing> {
  const isMeant = matcher(filter);
  const [senders, recipients, reasons] = [new Counter(), new Counter(), new Counter()];
  let [total, matching] = [0, 0];
  let messages: QueuedMessage[] = [];
  const keepFirst = (): void => {
    messages = messages.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
  };
  await eachLine(PROGRAM_PATHS.postqueue, ['-j'], TIMEOUT_MS, (line) => {
    const parsed = line === null ? null : parseQueueLine(line);
    if (parsed === null) return;
    total += 1;
    if (!isMeant(parsed)) return;
    const { to, ...message } = parsed;
    matching += 1;
    senders.add(domainOf(message.sender));
    for (const domain of new Set(to.map(domainOf))) recipients.add(domain);
    reasons.add(message.reason === '' ? 'no reason yet' : message.reason);
    messages.push(message);
    if (messages.length > limit * 2) keepFirst();
  });
  keepFirst();
  return {
    total,
    matching,
    messages,
    bySenderDomain: senders.most(),
    byRecipientDomain: recipients.most(),
    byReason: reasons.most(),
  };
}
