import { countOf } from '../count-of.ts';
import type { Change } from '../change.ts';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import type { Planner } from '../planner.ts';
import { meantMessages, messagesNow, type QueueArgs } from './mail-args.ts';

/** What the actions on waiting messages have in common. */

type QueueTask = 'mail.queue-hold' | 'mail.queue-release' | 'mail.queue-delete';

/** The messages that the plan does this with. */
export const idsOf = (changes: readonly Change[], task: QueueTask): readonly string[] =>
  changes.flatMap((change) =>
    change.kind === 'task' && change.task === task && 'ids' in change.args ? (change.args.ids ?? []) : [],
  );

const HELD = { task: 'mail.queue-hold', verb: 'Hold', check: 'They are on hold' } as const;
const FREE = { task: 'mail.queue-release', verb: 'Release', check: 'None is on hold' } as const;

/** Holding and releasing are each other's undo. @param held what the messages shall be */
export async function planHeld(planner: Planner, args: QueueArgs, held: boolean): Promise<void> {
  const [wanted, other] = held ? [HELD, FREE] : [FREE, HELD];
  const messages = await meantMessages(planner, args);
  const ids = messages.filter((message) => message.held !== held).map((message) => message.id);
  if (ids.length === 0) return;
  planner.task(other.task, { ids }, `${other.verb} ${countOf(ids.length, 'message')}`, 'undo');
  planner.task(wanted.task, { ids }, `${wanted.verb} ${countOf(ids.length, 'message')}`);
}

export async function verifyHeld(host: Host, changes: readonly Change[], held: boolean): Promise<readonly Verified[]> {
  const { task, check } = held ? HELD : FREE;
  const ids = idsOf(changes, task);
  const now = await messagesNow(host, ids);
  // One that is not there any more was delivered or deleted meanwhile.
  const other = [...now.values()].filter((message) => message.held !== held);
  const saw = `${now.size - other.length} of ${ids.length}, ${ids.length - now.size} gone`;
  return [{ name: check, ok: other.length === 0, saw }];
}
