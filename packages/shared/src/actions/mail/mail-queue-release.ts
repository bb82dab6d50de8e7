import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { mailLocks, normaliseQueue, QueueArgs } from './mail-args.ts';
import { planHeld, verifyHeld } from './mail-queue-changes.ts';

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
  plan: (host, args) => planChanges(host, (planner) => planHeld(planner, args, false)),
  verify: (host, _args, changes) => verifyHeld(host, changes, false),
});
