import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  DatabaseHost,
  DatabaseName,
  DatabaseUser,
  Engine,
  grantId,
  normaliseDatabase,
  placeLocks,
  userLocks,
} from './database-args.ts';

const Args = Type.Object(
  { engine: Engine, name: DatabaseName, user: DatabaseUser, host: Type.Optional(DatabaseHost) },
  { additionalProperties: false },
);

export const databaseRevoke = defineAction({
  name: 'database.revoke',
  version: 1,
  title: 'Take rights on a database away',
  docs: `Takes all rights of a user on one database away. Its connections to other databases stay. Rights of another kind that somebody gave by hand are refused, because undo could not give them back. Undo gives the rights back.`,
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
      const before = await planner.resource('database.grant', grantId(args), null);
      if (before?.rights === 'other') refuse(`${args.user} has rights on ${args.name} that were given by hand`);
    }),
  async verify(host, args) {
    const now = await host.resources.read('database.grant', grantId(args));
    return [{ name: 'No rights are left', ok: now === null, saw: now?.rights ?? 'none' }];
  },
});
