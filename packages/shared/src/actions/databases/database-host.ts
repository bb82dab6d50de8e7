/** What the actions on databases need of a machine. Ids begin with the engine: `mariadb/w4a100010_shop`. */

export type DatabaseEngine = 'mariadb' | 'postgresql';

export interface DatabaseState {
  readonly charset: string;
  readonly collation: string;
  /** PostgreSQL: the role without login that owns it and what is in it. Empty for MariaDB, which knows no owners. */
  readonly owner: string;
}

export interface DatabaseUserState {
  /** As the server keeps it; `unknown` for a login of another kind (socket, certificate, superuser). */
  readonly passwordHash: string;
  /** Connections at a time. */
  readonly maxConnections: number;
}

/** `other`: rights that no action of ours gives. */
export type DatabaseRights = 'all' | 'read' | 'other';

export interface DatabaseResources {
  /** `engine/name`. It is only taken away empty: see the task `database.clear`. */
  readonly 'database.database': DatabaseState;
  /** `mariadb/user@host`, `postgresql/user`. */
  readonly 'database.user': DatabaseUserState;
  /** `engine/name/user` with the host of MariaDB. */
  readonly 'database.grant': { readonly rights: DatabaseRights };
  /** `engine/name/label`: a complete dump below /var/backups/hosting. */
  readonly 'database.dump': { readonly kept: true };
  /** `engine/name`: the database beside it into which a dump was loaded completely. */
  readonly 'database.side': { readonly dump: string };
  /** `engine/name`: which of the two bears the name. */
  readonly 'database.live': { readonly live: 'original' | 'restored' };
  /** `engine/name`: the same for a copy that is only made by the same plan: without one, the original is live. */
  readonly 'database.placed': { readonly live: 'original' | 'restored' };
}

export interface DatabasePlace {
  readonly engine: DatabaseEngine;
  readonly name: string;
}

export interface DatabaseTasks {
  /** A dump that stays whatever happens; nothing when it is complete already. */
  readonly 'database.keep-dump': DatabasePlace & { readonly label: string };
  /** Fills an empty database with a kept dump. */
  readonly 'database.fill-if-empty': DatabasePlace & { readonly label: string };
  /** Takes everything out of it. */
  readonly 'database.clear': DatabasePlace;
  /** Removes the database beside it: `side` from a restore, `old` from a swap. */
  readonly 'database.discard': DatabasePlace & { readonly which: 'side' | 'old' };
  /** Removes what an interrupted dump, restore or exchange left. */
  readonly 'database.tidy': DatabasePlace;
}

export interface DatabaseFacts {
  readonly tables: number;
  /** Views, triggers, routines, events: what a swap in MariaDB can not move. */
  readonly programs: number;
  readonly sizeBytes: number;
  /** Who has rights on it, as in ids of grants. */
  readonly users: readonly string[];
}

export interface DumpFacts {
  readonly file: string;
  readonly sizeBytes: number;
  /** Null: somebody put the file there, it was not dumped here. */
  readonly sha256: string | null;
  readonly tables: number | null;
}

export interface DatabaseListing {
  readonly databases: readonly (DatabaseFacts & { readonly name: string })[];
  readonly users: readonly string[];
  /** Grants of MariaDB whose name has a wildcard, so that they open more than one database. */
  readonly wideGrants: readonly string[];
}

export interface DatabaseQueries {
  /** Null: there is no such database, or not of hosting. `which`: the one itself, or one beside it. */
  readonly 'database.facts': {
    readonly args: DatabasePlace & { readonly which: 'live' | 'side' | 'old' };
    readonly answer: DatabaseFacts | null;
  };
  /** Names of databases that a user has rights on or owns things in. */
  readonly 'database.user-databases': {
    readonly args: { readonly engine: DatabaseEngine; readonly user: string };
    readonly answer: readonly string[];
  };
  readonly 'database.dump-facts': {
    readonly args: DatabasePlace & { readonly label: string };
    readonly answer: DumpFacts | null;
  };
  /** Labels of the complete dumps that are kept, sorted. */
  readonly 'database.dump-labels': { readonly args: DatabasePlace; readonly answer: readonly string[] };
  /** The dump that a swap put in place and that was not discarded since; null when there is none. */
  readonly 'database.placed-dump': { readonly args: DatabasePlace; readonly answer: string | null };
  readonly 'database.list': { readonly args: { readonly engine: DatabaseEngine }; readonly answer: DatabaseListing };
}
