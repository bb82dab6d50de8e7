import type { AccountQueries } from '@hauban/shared/actions';

export type LimitFacts = AccountQueries['account.quota-facts']['answer'];

/** What limits one account on one kind of file system. Reading and writing come after `facts` with a kind. */
export interface DiskLimit {
  facts(account: string): Promise<LimitFacts>;
  /** MiB; null: none. */
  read(account: string): Promise<number | null>;
  write(account: string, limitMiB: number | null): Promise<void>;
}

export const MIB_BYTES = 1024 * 1024;
export const notLimited = (says: string): LimitFacts => ({ kind: null, usedMiB: 0, says });
