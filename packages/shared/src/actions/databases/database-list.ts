import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { Engine } from './database-args.ts';

export const databaseList = defineAction({
  name: 'database.list',
  version: 1,
  title: 'List databases',
  docs: `Answers with the databases of hosting in MariaDB or PostgreSQL (tables, size, who has rights on them), their users, and grants of MariaDB whose underscore was not escaped, so that they open the databases of others too. Changes nothing.`,
  risk: 'low',
  roles: ['database'],
  needsRoot: true,
  readOnly: true,
  args: Type.Object({ engine: Engine }, { additionalProperties: false }),
  filledIn: [],
  timeoutMs: 60_000,
  programs: ['mariadb', 'psql'],
  locks: () => [],
  async plan(host, { engine }) {
    let data: unknown = null;
    const planned = await planChanges(host, async (planner) => {
      const listing = await host.queries.ask('database.list', { engine });
      data = listing;
      planner.note(`${listing.databases.length} databases, ${listing.users.length} users.`);
      for (const grant of listing.wideGrants) planner.note(`A wildcard opens more than one database: ${grant}`);
    });
    return planned.ok ? { ...planned, data } : planned;
  },
  verify: () => Promise.resolve([]),
});
