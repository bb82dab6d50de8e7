import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { mailLocks, meantMessages, messagesNow, normaliseQueue, QueueArgs } from './mail-args.ts';

export const mailQueueRelease = defineAction({
  name: 'mail.queue-release',
  version: 1,
  title: 'Release held mail',
  docs: `Takes messages of the queue off hold, so that Postfix tries them again. What is delivered can not be taken back. At most 1000 a run. Undo puts those on hold again that are still in the queue.`,
  risk: 'medium',
  roles: ['mail'],
  needsRoot: true,
  readOnly: false,
  args: QueueArgs,
  filledIn: [],
  timeoutMs: 120_000,
  programs: ['postqueue', 'postsuper'],
  normalise: normaliseQueue,
  locks: mailLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const messages = await meantMessages(planner, args);
      const ids = messages.filter((message) => message.held).map((message) => message.id);
      if (ids.length === 0) return;
      planner.task('mail.queue-hold', { ids }, `Hold ${ids.length} messages`, 'undo');
      planner.task('mail.queue-release', { ids }, `Release ${ids.length} messages`);
    }),
  async verify(host, _args, changes) {
    const ids = changes.flatMap((change) =>
      change.kind === 'task' && change.task === 'mail.queue-release' && 'ids' in change.args
        ? (change.args.ids ?? [])
        : [],
    );
    const now = await messagesNow(host, ids);
    // One that is not there any more was delivered or deleted meanwhile.
    const other = [...now.values()].filter((message) => message.held);
    return [
      {
        name: 'None is on hold',
        ok: other.length === 0,
        saw: `${now.size - other.length} of ${ids.length}, ${ids.length - now.size} gone`,
      },
    ];
  },
});
