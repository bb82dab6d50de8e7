import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { DatabaseHost, DatabaseUser, Engine, loginOf, normaliseDatabase, userId, userLocks } from './database-args.ts';

const Args = Type.Object(
  { engine: Engine, user: DatabaseUser, host: Type.Optional(DatabaseHost) },
  { additionalProperties: false },
);

export const databaseUserDrop = defineAction({
  name: 'database-user.drop',
  version: 1,
  title: 'Drop a database user',
  docs: `Removes a user of MariaDB or PostgreSQL with its rights. Databases stay. Refused for users that log in by something else than a password, such as the server's own. Undo makes it again with the same password and rights.`,
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
      if (now === null) return;
      if (now.passwordHash === 'unknown') refuse(`${userId(args)} does not log in by a password of its own`);
      const user = loginOf(args);
      for (const name of await host.queries.ask('database.user-databases', { engine: args.engine, user }))
        await planner.resource('database.grant', `${args.engine}/${name}/${user}`, null);
      await planner.resource('database.user', userId(args), null);
    }),
  async verify(host, args) {
    const now = await host.resources.read('database.user', userId(args));
    return [{ name: 'It is gone', ok: now === null, saw: now === null ? 'gone' : 'still there' }];
  },
});
