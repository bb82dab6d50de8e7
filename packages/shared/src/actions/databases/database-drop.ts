import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges, refuse } from '../planner.ts';
import {
  DatabaseName,
  DumpLabel,
  Engine,
  knownDatabase,
  normaliseDatabase,
  placeId,
  placeLocks,
} from './database-args.ts';

const Args = Type.Object(
  { engine: Engine, name: DatabaseName, label: Type.Optional(DumpLabel) },
  { additionalProperties: false },
);

export const databaseDrop = defineAction({
  name: 'database.drop',
  version: 1,
  title: 'Drop a database',
  docs: `Removes a database after a dump of it was kept below /var/backups/hosting (label: dropped). Rights on it are revoked first, because MariaDB keeps them and would open a later database of the same name. Refused while a restored or an old copy lies beside it, and when a dump of that label is kept already. Stop the site first: what is written between the dump and the end is lost. Undo makes the database again, fills it from the dump and gives the rights back; the dump stays.`,
  risk: 'high',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['mariadb', 'mariadb-dump', 'psql', 'pg_dump', 'pg_restore', 'gzip'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const { engine, name, label = 'dropped' } = args;
      const place = { engine, name };
      if ((await host.queries.ask('database.facts', { ...place, which: 'live' })) === null) return;
      const { tables, users } = await knownDatabase(planner, place);
      for (const which of ['side', 'old'] as const)
        if ((await host.queries.ask('database.facts', { ...place, which })) !== null)
          refuse(`a copy of ${name} (${which}) lies beside it: use database.discard first`);
      if ((await host.queries.ask('database.dump-facts', { ...place, label })) !== null)
        refuse(`a dump of ${name} called ${label} is kept already: give another label`);
      planner.task('database.tidy', place, 'Remove what an interrupted dump left', 'undo');
      planner.task('database.keep-dump', { ...place, label }, `Keep a dump of ${name} (${tables} tables) as ${label}`);
      for (const user of users) await planner.resource('database.grant', `${placeId(place)}/${user}`, null);
      planner.task('database.fill-if-empty', { ...place, label }, `Fill ${name} from the dump ${label}`, 'undo');
      planner.task('database.clear', place, `Remove everything in ${name}`);
      await planner.resource('database.database', placeId(place), null);
    }),
  async verify(host, { engine, name, label = 'dropped' }, changes) {
    const facts = await host.queries.ask('database.facts', { engine, name, which: 'live' });
    const dump = await host.queries.ask('database.dump-facts', { engine, name, label });
    const isGone = { name: 'It is gone', ok: facts === null, saw: facts === null ? 'gone' : 'still there' };
    if (changes.length === 0) return [isGone];
    return [isGone, { name: 'The dump is kept', ok: dump !== null, saw: dump?.file ?? 'no dump' }];
  },
});
