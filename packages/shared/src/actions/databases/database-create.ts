import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { normaliseDatabase, PlaceArgs, placeId, placeLocks } from './database-args.ts';
import type { DatabasePlace, DatabaseState } from './database-host.ts';

const stateOf = ({ engine, name }: DatabasePlace): DatabaseState =>
  engine === 'mariadb'
    ? { charset: 'utf8mb4', collation: 'utf8mb4_unicode_ci', owner: '' }
    : { charset: 'UTF8', collation: 'C.UTF-8', owner: `${name}_owner` };

export const databaseCreate = defineAction({
  name: 'database.create',
  version: 1,
  title: 'Create a database',
  docs: `Makes an empty database of an account in MariaDB or PostgreSQL, in UTF-8. Nobody may use it before database.grant. In PostgreSQL it belongs to a role without login (NAME_owner), and the rights that everybody has on a new database are taken away. A database of that name that looks different is refused. Undo removes it while it is empty.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: PlaceArgs,
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['mariadb', 'psql'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const before = await planner.resource('database.database', placeId(args), stateOf(args));
      if (before !== null && planner.changes.length > 0)
        refuse(`database ${args.name} is there, with ${before.charset} ${before.collation} ${before.owner}`.trim());
    }),
  async verify(host, args) {
    const facts = await host.queries.ask('database.facts', { ...args, which: 'live' });
    return [
      { name: 'It is there', ok: facts !== null, saw: facts === null ? 'no such database' : `${facts.tables} tables` },
    ];
  },
});
