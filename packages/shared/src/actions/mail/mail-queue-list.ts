import { countOf } from '../count-of.ts';
import { defineAction } from '../define-action.ts';
import { QueueArgs } from './mail-args.ts';

export const mailQueueList = defineAction({
  name: 'mail.queue-list',
  version: 1,
  title: 'Show the mail queue',
  docs: `Answers with the number of messages that wait in Postfix, the domains of senders and recipients and the reasons that most of them have, and the first 200 messages; with a filter, of those that match. Changes nothing.`,
  risk: 'low',
  roles: ['mail'],
  needsRoot: true,
  readOnly: true,
  args: QueueArgs,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['postqueue'],
  normalise: (args) =>
    Object.keys(args).length <= 1
      ? { ok: true, args }
      : { ok: false, problem: 'Give at most one of ids, sender, senderDomain and recipientDomain.' },
  locks: () => [],
  async plan(host, args) {
    const data = await host.queries.ask('mail.queue', { filter: args, limit: 200 });
    return {
      ok: true,
      changes: [],
      notes: [`${countOf(data.total, 'message')} in the queue, ${data.matching} match.`],
      data,
    };
  },
  verify: () => Promise.resolve([]),
});
