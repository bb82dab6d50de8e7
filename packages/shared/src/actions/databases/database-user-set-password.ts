import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  DatabaseHost,
  DatabaseUser,
  Engine,
  normaliseDatabase,
  PasswordHash,
  userId,
  userLocks,
  verifyPassword,
} from './database-args.ts';

const Args = Type.Object(
  { engine: Engine, user: DatabaseUser, host: Type.Optional(DatabaseHost), passwordHash: PasswordHash },
  { additionalProperties: false },
);

export const databaseUserSetPassword = defineAction({
  name: 'database-user.set-password',
  version: 1,
  title: 'Set the password of a database user',
  docs: `Gives a user of hosting another password, by its hash. Connections that stand go on; the site needs the new password in its configuration. Refused for users that log in by something else than a password, such as the server's own. Undo brings the old hash back.`,
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
      const now = await host.resources.read('database.user', userId(args));
      if (now === null) return refuse(`there is no user ${userId(args)}`);
      if (now.passwordHash === 'unknown') return refuse(`${userId(args)} does not log in by a password of its own`);
      await planner.resource('database.user', userId(args), { ...now, passwordHash: args.passwordHash });
    }),
  verify: (host, args) => verifyPassword(host, userId(args), args.passwordHash),
});
