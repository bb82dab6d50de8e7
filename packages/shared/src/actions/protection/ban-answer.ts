import type { AskedSource } from './ban-sources.ts';

/** One ban that holds an address. */
export interface FoundBan {
  readonly source: 'hauban' | AskedSource['source'];
  /** The address, or the prefix that it lies in. */
  readonly target: string;
  /** Our set, a jail, the origin of a decision. */
  readonly where: string;
  readonly reason: string;
  /** Unix ms; null when it is not known. */
  readonly since: number | null;
  /** Unix ms; null: until lifted. */
  readonly until: number | null;
  /** Dropped so far; null when nobody counts. */
  readonly packets: number | null;
}

/** What firewall.explain answers with; read elsewhere by `parseBanAnswer` of the room `api`. */
export interface BanAnswer {
  /** Canonical. */
  readonly address: string;
  readonly bans: readonly FoundBan[];
  /** Our own bans do nothing to it, and why. */
  readonly never: { readonly target: string; readonly why: string } | null;
  readonly sources: readonly AskedSource[];
  /** Established with it now; a ban stops new ones and these. Null: this version of the node does not say. */
  readonly connections: number | null;
}
