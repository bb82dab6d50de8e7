import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import { DumpArgs, knownDatabase, normaliseDatabase, placeId, placeLocks } from './database-args.ts';

export const databaseRestore = defineAction({
  name: 'database.restore',
  version: 1,
  title: 'Restore a database beside itself',
  docs: `Loads a kept dump into a new database beside the live one, which is not touched: look at it, then use database.swap. What a dump holds is not trusted: the client runs without privileges and can start no programs, its login has rights on the new database only, and it stops before the disk is full. A dump whose checksum changed since it was made is refused. Views, triggers and routines of another definer are refused by MariaDB. Undo removes the new database.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: DumpArgs,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['mariadb', 'psql', 'pg_restore', 'gzip'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { engine, name, label } = args;
      const place = { engine, name };
      await knownDatabase(planner, place);
      const dump = await host.queries.ask('database.dump-facts', { ...place, label });
      if (dump === null) return refuse(`there is no dump ${label} of ${name}`);
      if (dump.sha256 === null) planner.note(`${dump.file} was not made on this node: it is loaded as it is.`);
      if ((await host.queries.ask('database.facts', { ...place, which: 'old' })) !== null)
        refuse(`the database that ${name} was before the last swap is still there: use database.discard first`);
      const side = await host.resources.read('database.side', placeId(place));
      if (side?.dump === label) return planner.note(`The dump ${label} is restored beside ${name} already.`);
      if (side !== null)
        refuse(`the dump ${side.dump} is restored beside ${name}: use database.swap or database.discard first`);
      planner.task('database.tidy', place, 'Remove what an interrupted restore left', 'undo');
      await planner.resource('database.side', placeId(place), { dump: label });
      return undefined;
    }),
  async verify(host, { engine, name, label }) {
    const side = await host.queries.ask('database.facts', { engine, name, which: 'side' });
    const dump = await host.queries.ask('database.dump-facts', { engine, name, label });
    const isWhole = side !== null && (dump?.tables ?? side.tables) === side.tables;
    return [{ name: 'All tables are there', ok: isWhole, saw: `${side?.tables ?? 0} of ${dump?.tables ?? 'unknown'}` }];
  },
});
