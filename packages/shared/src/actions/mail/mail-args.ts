import Type from 'typebox';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { checkDomain, Domain } from '../params.ts';
import { refuse, type Planner } from '../planner.ts';
import { sameValue } from '../resource-changes.ts';
import type { MailboxState, MailLookup, QueuedMessage } from './mail-host.ts';

/** Arguments of the actions on mail. */

/** No colon, slash or white space: it becomes a line of a list and the name of a folder. */
export const LocalPart = Type.String({
  pattern: '^(?!.*\\.\\.)[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?$',
  maxLength: 64,
  title: 'Name before the @',
  description: 'Lower-case letters, digits and . _ + - within',
});
export const MailHash = Type.String({
  pattern:
    '^(?:\\{SHA512-CRYPT\\}\\$6\\$(?:rounds=[1-9][0-9]{3,6}\\$)?[A-Za-z0-9./]{8,16}\\$[A-Za-z0-9./]{86}|\\{ARGON2ID\\}\\$argon2id\\$v=19\\$m=[1-9][0-9]{0,6},t=[1-9][0-9]?,p=[1-9][0-9]?\\$[A-Za-z0-9+/]{11,64}\\$[A-Za-z0-9+/]{22,86})$',
  maxLength: 250,
  title: 'Hash of the password',
  description: '{SHA512-CRYPT} or {ARGON2ID} with its hash, as doveadm pw makes it',
});
export const MailQuota = Type.Integer({ minimum: 1, maximum: 1_048_576, title: 'Quota', description: 'MiB' });
/** Short and long ids of Postfix; ALL and - mean something else to postsuper, and are neither. */
const QueueId = Type.String({
  pattern: '^(?:[0-9A-F]{5,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,24})$',
  maxLength: 24,
  title: 'Queue id',
});

export const MailboxArgs = Type.Object({ domain: Domain, local: LocalPart }, { additionalProperties: false });
export type MailboxArgs = Type.Static<typeof MailboxArgs>;

/** The most messages one run works on; it says how many are left. */
const QUEUE_LIMIT = 1000;

export const QueueArgs = Type.Object(
  {
    ids: Type.Optional(Type.Array(QueueId, { minItems: 1, maxItems: QUEUE_LIMIT, uniqueItems: true, title: 'Ids' })),
    sender: Type.Optional(
      Type.String({
        pattern: '^(?:MAILER-DAEMON|[A-Za-z0-9][A-Za-z0-9._+=-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,252})$',
        maxLength: 254,
        title: 'Sender',
        description: 'A whole address; MAILER-DAEMON for bounces',
      }),
    ),
    senderDomain: Type.Optional(Domain),
    recipientDomain: Type.Optional(Domain),
  },
  { additionalProperties: false },
);
export type QueueArgs = Type.Static<typeof QueueArgs>;

type Normalised<A> = { readonly ok: true; readonly args: A } | { readonly ok: false; readonly problem: string };

export function normaliseQueue(args: QueueArgs): Normalised<QueueArgs> {
  if (Object.keys(args).length !== 1)
    return { ok: false, problem: 'Give exactly one of ids, sender, senderDomain and recipientDomain.' };
  return { ok: true, args: args.ids === undefined ? args : { ids: args.ids.toSorted() } };
}

export function normaliseMailbox<A extends MailboxArgs>(args: A): Normalised<A> {
  const problem = checkDomain(args.domain);
  return problem === null ? { ok: true, args } : { ok: false, problem };
}

export const addressOf = ({ domain, local }: MailboxArgs): string => `${local}@${domain}`;
export const mailLocks = (): readonly string[] => ['mail'];

/** The messages that are meant, and a note when there are more of them. */
export async function meantMessages(planner: Planner, args: QueueArgs): Promise<readonly QueuedMessage[]> {
  const listing = await planner.host.queries.ask('mail.queue', { filter: args, limit: QUEUE_LIMIT });
  const left = listing.matching - listing.messages.length;
  if (left > 0) planner.note(`${left} more messages match: run it again for them.`);
  const absent = (args.ids ?? []).filter((id) => !listing.messages.some((message) => message.id === id));
  if (absent.length > 0)
    planner.note(`${absent.length} of the ids are not in the queue (any more): ${absent[0] ?? ''}`);
  return listing.messages;
}

/** Reads the queue again: postsuper ends with 0 for ids that it never found. */
export async function messagesNow(host: Host, ids: readonly string[]): Promise<ReadonlyMap<string, QueuedMessage>> {
  if (ids.length === 0) return new Map();
  const { messages } = await host.queries.ask('mail.queue', { filter: { ids }, limit: QUEUE_LIMIT });
  return new Map(messages.map((message) => [message.id, message]));
}

/** The mailbox as it is; the plan is refused when there is none of ours. */
export async function knownMailbox(planner: Planner, address: string): Promise<MailboxState> {
  const now = await planner.host.resources.read('mail.mailbox', address);
  if (now === null) return refuse(`there is no mailbox ${address}`);
  if (now.passwordHash === 'unknown') refuse(`the line of ${address} was written by hand: it is left as it is`);
  return now;
}

/** Dovecot looks at its lists once a second at most: what it says is asked for again until it is so, for 5 s. */
export async function lookUpUntil(
  host: Host,
  address: string,
  isSo: (found: MailLookup) => boolean,
): Promise<MailLookup> {
  for (let left = 10; ; left -= 1) {
    const found = await host.queries.ask('mail.lookup', { address });
    if (left === 0 || isSo(found)) return found;
    await new Promise<void>((resolve) => void host.clock.after(500, resolve));
  }
}

export async function verifyMailbox(host: Host, address: string, quotaMiB: number): Promise<readonly Verified[]> {
  const rule = `*:storage=${quotaMiB}M`;
  const found = await lookUpUntil(host, address, ({ quotaRule, accepts }) => quotaRule === rule && accepts);
  return [
    { name: 'Dovecot knows it', ok: found.home !== null, saw: found.home ?? 'no such user' },
    { name: 'Dovecot has its quota', ok: found.quotaRule === rule, saw: found.quotaRule ?? 'none' },
    { name: 'Postfix accepts mail for it', ok: found.accepts, saw: found.accepts ? 'yes' : 'no' },
  ];
}

/** @param suspended what the mailbox shall be */
export async function verifySuspended(host: Host, address: string, suspended: boolean): Promise<readonly Verified[]> {
  const now = await host.resources.read('mail.mailbox', address);
  const saw = now === null ? 'no such mailbox' : now.suspended ? 'suspended' : 'not suspended';
  return [{ name: `It is ${suspended ? '' : 'not '}suspended`, ok: now?.suspended === suspended, saw }];
}

/** The lines of a mailbox, and Postfix's tables after them, also when it is undone. */
export async function planMailbox(planner: Planner, address: string, wanted: MailboxState | null): Promise<void> {
  if (sameValue(await planner.host.resources.read('mail.mailbox', address), wanted)) return;
  planner.task('mail.index', {}, 'Make the tables of Postfix', 'undo');
  await planner.resource('mail.mailbox', address, wanted);
  planner.task('mail.index', {}, 'Make the tables of Postfix');
}
