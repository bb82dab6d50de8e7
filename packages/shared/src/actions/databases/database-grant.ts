import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  DatabaseHost,
  DatabaseName,
  DatabaseUser,
  Engine,
  grantId,
  knownDatabase,
  normaliseDatabase,
  placeLocks,
  Rights,
  userId,
  userLocks,
} from './database-args.ts';

const Args = Type.Object(
  { engine: Engine, name: DatabaseName, user: DatabaseUser, host: Type.Optional(DatabaseHost), rights: Rights },
  { additionalProperties: false },
);

export const databaseGrant = defineAction({
  name: 'database.grant',
  version: 1,
  title: 'Give a user rights on a database',
  docs: `Gives a user all rights on one database, or reading only (MariaDB). The underscore of the name is escaped, so that no other database is opened with it. In PostgreSQL the user becomes a member of the role that owns the database, and what it makes there belongs to that role. Rights of another kind that somebody gave by hand are refused. Undo restores what was there.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['mariadb', 'psql'],
  normalise: normaliseDatabase,
  locks: (args) => [...placeLocks(args), ...userLocks(args)],
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { engine, name, user, rights } = args;
      await knownDatabase(planner, { engine, name });
      if ((await host.resources.read('database.user', userId(args))) === null) refuse(`there is no user ${user}`);
      const before = await planner.resource('database.grant', grantId(args), { rights });
      if (before?.rights === 'other')
        refuse(`${user} has rights on ${name} that were given by hand: take them away first`);
    }),
  async verify(host, args) {
    const now = await host.resources.read('database.grant', grantId(args));
    return [{ name: 'The server gives it', ok: now?.rights === args.rights, saw: now?.rights ?? 'nothing' }];
  },
});
