import type {
  DatabaseFacts,
  DatabaseListing,
  DatabaseRights,
  DatabaseState,
  DatabaseUserState,
} from '@hauban/shared/actions';

/** One program with its arguments, run as WORKER; `env` is the whole environment. */
export interface WorkerCommand {
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What MariaDB and PostgreSQL have in common for us. `login` is `user@host` for MariaDB, `user` for PostgreSQL. */
export interface DatabaseServer {
  /** Where its data lie, to see whether the disk gets full. */
  readonly dataFolder: string;
  database(name: string): Promise<DatabaseState | null>;
  createDatabase(name: string, state: DatabaseState): Promise<void>;
  /** With everything in it; nothing when it is not there. */
  dropDatabase(name: string): Promise<void>;
  /** Only the database itself, its owner's role stays. */
  clear(name: string): Promise<void>;
  facts(name: string): Promise<DatabaseFacts | null>;
  user(login: string): Promise<DatabaseUserState | null>;
  writeUser(login: string, state: DatabaseUserState | null): Promise<void>;
  rights(name: string, login: string): Promise<DatabaseRights | null>;
  writeRights(name: string, login: string, rights: 'all' | 'read' | null): Promise<void>;
  userDatabases(login: string): Promise<readonly string[]>;
  list(): Promise<DatabaseListing>;
  /** The dump that the copy beside it was made of; null when there is none, or it is not complete. */
  sideMark(name: string): Promise<string | null>;
  /** Empty, whatever was there. */
  createSide(name: string): Promise<void>;
  markSide(name: string, dump: string): Promise<void>;
  /** Null: nothing to change with. */
  live(name: string): Promise<'original' | 'restored' | null>;
  /** The dump of which the one in place was made, while the one before is kept. */
  placedMark(name: string): Promise<string | null>;
  swap(name: string, to: 'original' | 'restored'): Promise<void>;
  /** Runs `work` with programs whose login sees `database` only, and removes that login. `owner` gives the rights. */
  withWorker(
    database: string,
    owner: string,
    work: (commands: { readonly dump: WorkerCommand; readonly load: WorkerCommand }) => Promise<void>,
  ): Promise<void>;
  removeWorker(database: string): Promise<void>;
}

export const sideOf = (name: string): string => `${name}__side`;
export const oldOf = (name: string): string => `${name}__old`;

/** Databases of MariaDB itself whose names look like ours. */
const SERVERS_OWN: readonly string[] = ['information_schema', 'performance_schema'];
const NAME = /^[a-z][a-z0-9]{2,15}_[a-z0-9]{1,40}$/;

/** As in arguments; what else lies on the server is not of hosting. */
export const isDatabaseName = (name: string): boolean => NAME.test(name) && !SERVERS_OWN.includes(name);
export const USER_NAME = /^[a-z][a-z0-9]{2,15}_[a-z0-9]{1,15}$/;
