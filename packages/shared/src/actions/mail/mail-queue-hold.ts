import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { mailLocks, normaliseQueue, QueueArgs } from './mail-args.ts';
import { planHeld, verifyHeld } from './mail-queue-changes.ts';

export const mailQueueHold = defineAction({
  name: 'mail.queue-hold',
  version: 1,
  title: 'Hold waiting mail',
  docs: `Puts messages of the queue on hold: Postfix keeps them and tries none of them, until they are released. At most 1000 a run. Undo releases those that were not on hold before.`,
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
  plan: (host, args) => planChanges(host, (planner) => planHeld(planner, args, true)),
  verify: (host, _args, changes) => verifyHeld(host, changes, true),
});
