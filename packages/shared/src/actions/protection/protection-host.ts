/** What the actions on bans need of a machine beside its own table: the bans of others. */

/** Who else bans on a hosting node. */
export type BanSource = 'fail2ban' | 'crowdsec';

/** A ban that is not ours, as its program tells it. */
export interface ForeignBan {
  /** Canonical address or prefix. */
  readonly target: string;
  /** Jail of fail2ban, origin and kind of a decision of CrowdSec. One line of foreign text. */
  readonly where: string;
  /** One line of foreign text; whoever wrote a log line or a block list may have a hand in it. */
  readonly reason: string;
  /** Unix ms; null when it is not told. */
  readonly since: number | null;
  /** Unix ms; null: until lifted. */
  readonly until: number | null;
}

/** `absent`: not installed. `silent`: installed, gave no answer that can be read. */
export type ForeignBans =
  | { readonly state: 'absent' }
  | { readonly state: 'silent'; readonly detail: string }
  | { readonly state: 'asked'; readonly bans: readonly ForeignBan[] };

/** Without times, so that a plan made twice is the same plan. */
export interface StandingBan {
  readonly banned: true;
}

export interface ProtectionResources {
  /** By `jail/target`. Put back, it lasts as long as the jail bans. */
  readonly 'fail2ban.ban': StandingBan;
  /** By target: the decisions on exactly this address or prefix. Put back, it is a ban of four hours. */
  readonly 'crowdsec.ban': StandingBan;
}

/** Who asked for a file of the sites, by Apache's access logs. */
export interface Asker {
  /** Canonical address; of IPv6 its /64. */
  readonly target: string;
  readonly requests: number;
  /** Sites whose logs have one of them. */
  readonly sites: number;
}

export interface Askers {
  /** The busiest first, at most 5,000. */
  readonly askers: readonly Asker[];
  /** Logs that were read. */
  readonly logs: number;
  /** Of some only the end was read. */
  readonly isCut: boolean;
}

export interface ProtectionQueries {
  /** @property file as `BlockedPath.path` says it @property since Unix ms @property everyMethod false: POST only @property account left out: all */
  readonly 'protection.askers': {
    readonly args: {
      readonly file: string;
      readonly since: number;
      readonly everyMethod: boolean;
      readonly account?: string;
    };
    readonly answer: Askers;
  };
  /** TCP connections with this address that are established now. */
  readonly 'protection.connections': { readonly args: { readonly address: string }; readonly answer: number };
  /** @property address those that hold this address or prefix; left out: all that were made on this node, none of a subscribed list */
  readonly 'protection.foreign-bans': {
    readonly args: { readonly source: BanSource; readonly address?: string };
    readonly answer: ForeignBans;
  };
}
