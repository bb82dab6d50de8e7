import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { DumpArgs, knownDatabase, normaliseDatabase, placeId, placeLocks } from './database-args.ts';

export const databaseDump = defineAction({
  name: 'database.dump',
  version: 1,
  title: 'Dump a database',
  docs: `Writes a consistent dump of a database to /var/backups/hosting/ACCOUNT, which only root can read, with its checksum and number of tables. The dump program runs without privileges and with a login that sees this database only. It stops before the disk is full. A complete dump of that label is kept and not made again. Undo removes the dump.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: DumpArgs,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['mariadb', 'mariadb-dump', 'psql', 'pg_dump', 'gzip'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  async plan(host, args) {
    const { engine, name, label } = args;
    const place = { engine, name };
    const dump = await host.queries.ask('database.dump-facts', { ...place, label });
    const planned = await planChanges(host, async (planner) => {
      if (dump !== null) return planner.note(`Kept already: ${dump.file}, ${dump.sizeBytes} bytes.`);
      const { tables, sizeBytes } = await knownDatabase(planner, place);
      planner.note(`${tables} tables, about ${sizeBytes} bytes before compression.`);
      planner.task('database.tidy', place, 'Remove what an interrupted dump left', 'undo');
      await planner.resource('database.dump', `${placeId(place)}/${label}`, { kept: true });
    });
    return planned.ok ? { ...planned, data: dump } : planned;
  },
  async verify(host, { engine, name, label }) {
    const dump = await host.queries.ask('database.dump-facts', { engine, name, label });
    const saw = dump === null ? 'no dump' : `${dump.sizeBytes} bytes, ${dump.tables ?? '?'} tables, ${dump.sha256}`;
    return [{ name: 'It is complete', ok: dump !== null && dump.sizeBytes > 0, saw }];
  },
});
