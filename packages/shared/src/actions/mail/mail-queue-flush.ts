import Type from 'typebox';
import { countOf } from '../count-of.ts';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { mailLocks, meantMessages, QueueArgs } from './mail-args.ts';

const Args = Type.Object(
  {
    ...QueueArgs.properties,
    all: Type.Optional(Type.Boolean({ title: 'All', description: 'The whole queue instead of some messages' })),
  },
  { additionalProperties: false },
);

/** Each id is a start of postqueue. */
const MOST = 100;

export const mailQueueFlush = defineAction({
  name: 'mail.queue-flush',
  version: 1,
  title: 'Try waiting mail again',
  docs: `Has Postfix try messages of the queue again now: those of the filter (at most 100), or all. Messages on hold stay. Whether the other side takes them shows in mail.queue-list. There is nothing to undo.`,
  risk: 'medium',
  roles: ['mail'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['postqueue'],
  normalise: (args) =>
    Object.keys(args).length === 1 && args.all !== false
      ? { ok: true, args }
      : { ok: false, problem: 'Give exactly one of ids, sender, senderDomain, recipientDomain and all: true.' },
  locks: mailLocks,
  plan: (host, { all, ...filter }) =>
    planChanges(host, async (planner) => {
      if (all === true) return planner.task('mail.queue-flush', { ids: null }, 'Try all waiting messages again');
      const messages = (await meantMessages(planner, filter)).filter((message) => !message.held);
      if (messages.length > MOST) planner.note(`Only the first ${MOST} of ${messages.length} are tried.`);
      const ids = messages.slice(0, MOST).map((message) => message.id);
      if (ids.length > 0) planner.task('mail.queue-flush', { ids }, `Try ${ids.length} waiting messages again`);
      return undefined;
    }),
  async verify(host) {
    const { total } = await host.queries.ask('mail.queue', { filter: {}, limit: 1 });
    return [{ name: 'Postfix answers', ok: true, saw: `${countOf(total, 'message')} in the queue` }];
  },
});
