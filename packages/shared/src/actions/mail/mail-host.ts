/** What the actions on mail need of a machine. */

export interface MailboxState {
  /** With its scheme, as Dovecot reads it; `unknown` for a line that none of our actions wrote. */
  readonly passwordHash: string;
  readonly quotaMiB: number;
  /** Nobody can log in; mail is still delivered. */
  readonly suspended: boolean;
}

export interface MailResources {
  /** By address: its lines in /etc/hosting/mail. */
  readonly 'mail.mailbox': MailboxState;
  /** By address: the folder with its messages, below its domain or among those kept of deleted mailboxes. */
  readonly 'mail.messages': { readonly place: 'live' | 'kept' };
}

export interface MailTasks {
  /** Makes Postfix's tables from the list of mailboxes. */
  readonly 'mail.index': Readonly<Record<string, never>>;
  /** Ends the sessions of a mailbox. */
  readonly 'mail.kick': { readonly address: string };
  readonly 'mail.queue-hold': { readonly ids: readonly string[] };
  readonly 'mail.queue-release': { readonly ids: readonly string[] };
  readonly 'mail.queue-delete': { readonly ids: readonly string[] };
  /** Null: the whole queue. */
  readonly 'mail.queue-flush': { readonly ids: readonly string[] | null };
}

/** Exactly one is given; compared as text, never as a pattern. None: everything. */
export interface QueueFilter {
  readonly ids?: readonly string[];
  readonly sender?: string;
  readonly senderDomain?: string;
  readonly recipientDomain?: string;
}

export interface QueuedMessage {
  readonly id: string;
  readonly held: boolean;
  readonly sender: string;
  /** Of the first recipient. */
  readonly recipient: string;
  readonly recipients: number;
  readonly reason: string;
  readonly sizeBytes: number;
  /** Unix seconds. */
  readonly arrivedAtS: number;
}

/** The most frequent first, at most 20. */
export type QueueCounts = readonly { readonly name: string; readonly messages: number }[];

export interface QueueListing {
  readonly total: number;
  readonly matching: number;
  /** In order of their ids; at most as many as asked for. */
  readonly messages: readonly QueuedMessage[];
  readonly bySenderDomain: QueueCounts;
  readonly byRecipientDomain: QueueCounts;
  readonly byReason: QueueCounts;
}

export interface MailLookup {
  readonly home: string | null;
  readonly quotaRule: string | null;
  readonly accepts: boolean;
}

export interface MailQueries {
  readonly 'mail.queue': {
    readonly args: { readonly filter: QueueFilter; readonly limit: number };
    readonly answer: QueueListing;
  };
  /** What Dovecot and Postfix themselves say of an address. */
  readonly 'mail.lookup': {
    readonly args: { readonly address: string };
    readonly answer: MailLookup;
  };
}
