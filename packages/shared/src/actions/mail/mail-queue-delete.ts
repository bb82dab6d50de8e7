import { countOf } from '../count-of.ts';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { mailLocks, meantMessages, messagesNow, normaliseQueue, QueueArgs } from './mail-args.ts';
import { idsOf } from './mail-queue-changes.ts';

export const mailQueueDelete = defineAction({
  name: 'mail.queue-delete',
  version: 1,
  title: 'Delete waiting mail',
  docs: `Deletes messages of the queue, by their ids, sender, sender's domain or recipients' domain; at most 1000 a run. Each id is looked for again afterwards. Nobody can bring a message back, and neither sender nor recipient is told: use mail.queue-hold when in doubt.`,
  risk: 'high',
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
      const ids = (await meantMessages(planner, args)).map((message) => message.id);
      if (ids.length === 0) return;
      planner.add({
        kind: 'task',
        task: 'mail.queue-delete',
        args: { ids },
        title: `Delete ${countOf(ids.length, 'message')} (can not be undone)`,
        when: 'apply',
        irreversible: true,
      });
    }),
  async verify(host, _args, changes) {
    const ids = idsOf(changes, 'mail.queue-delete');
    const left = [...(await messagesNow(host, ids)).keys()];
    const saw = `${ids.length - left.length} of ${ids.length} are gone${left.length === 0 ? '' : `, not ${left[0] ?? ''}`}`;
    return [{ name: 'They are gone', ok: left.length === 0, saw }];
  },
});
