import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { knownDatabase, normaliseDatabase, PlaceArgs, placeId, placeLocks } from './database-args.ts';

export const databaseSwap = defineAction({
  name: 'database.swap',
  version: 1,
  title: 'Put a restored database in place',
  docs: `Gives the database that database.restore made the name of the live one, in one step of the server; the live one is kept beside it until database.discard. In MariaDB tables are renamed, so a database with views, triggers, routines or events is refused. In PostgreSQL connections to it are closed. Undo changes them back.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: PlaceArgs,
  filledIn: [],
  timeoutMs: 300_000,
  programs: ['mariadb', 'psql'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const live = await knownDatabase(planner, args);
      const now = await planner.resource('database.live', placeId(args), { live: 'restored' });
      if (now === null) return refuse(`nothing is restored beside ${args.name}: use database.restore first`);
      if (now.live === 'restored') return;
      const side = await host.queries.ask('database.facts', { ...args, which: 'side' });
      if (args.engine === 'mariadb' && live.programs + (side?.programs ?? 0) > 0)
        refuse(`${args.name} holds views, triggers, routines or events, which MariaDB can not move`);
    }),
  async verify(host, args) {
    const now = await host.resources.read('database.live', placeId(args));
    return [{ name: 'The restored one is live', ok: now?.live === 'restored', saw: now?.live ?? 'nothing' }];
  },
});
