import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  DatabaseHost,
  DatabaseUser,
  Engine,
  MaxConnections,
  normaliseDatabase,
  PasswordHash,
  userId,
  userLocks,
  verifyPassword,
} from './database-args.ts';

const Args = Type.Object(
  {
    engine: Engine,
    user: DatabaseUser,
    host: Type.Optional(DatabaseHost),
    passwordHash: PasswordHash,
    maxConnections: Type.Optional(MaxConnections),
  },
  { additionalProperties: false },
);

export const databaseUserCreate = defineAction({
  name: 'database-user.create',
  version: 1,
  title: 'Create a database user',
  docs: `Makes a user of MariaDB or PostgreSQL that may log in and nothing else, with the hash of its password and a limit of connections. The password itself never reaches the node. A user of that name with another password or limit is refused. Undo removes it.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['mariadb', 'psql'],
  normalise: normaliseDatabase,
  locks: userLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { passwordHash, maxConnections = 30 } = args;
      const before = await planner.resource('database.user', userId(args), { passwordHash, maxConnections });
      if (before !== null && planner.changes.length > 0)
        refuse(`user ${args.user} is there: use database-user.set-password`);
    }),
  verify: (host, args) => verifyPassword(host, userId(args), args.passwordHash),
});
