import Type, { type Static } from 'typebox';
import {
  DatabaseName,
  Engine,
  knownDatabase,
  normaliseDatabase,
  placeId,
  placeLocks,
} from '../databases/database-args.ts';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { snapshotName } from './snapshot-id.ts';
import { checkLabel, ClassName, Label } from './storage-args.ts';

const Args = Type.Object(
  { engine: Engine, name: DatabaseName, class: ClassName, label: Type.Optional(Label) },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

/** With `manual-` before it, it is the label of a dump, which has 40 at most. */
const MOST_LABEL = 33;
const labelOf = ({ class: className, label = '' }: Args, nowMs: number): string =>
  snapshotName(className, label, nowMs);

export const snapshotCreateDatabase = defineAction({
  name: 'snapshot.create-database',
  version: 1,
  title: 'Keep a database as it is now',
  docs: `Makes a dump of a database (as database.dump does) that is named by its period: an hour has one hourly dump, a day one daily, so a schedule may ask twice. A manual one needs a label of at most ${MOST_LABEL} characters. storage.restore-database brings it back, snapshot.prune-database removes old ones. Undo removes the dump.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['mariadb', 'mariadb-dump', 'psql', 'pg_dump', 'gzip'],
  normalise(args) {
    const problem = checkLabel(args);
    if (problem !== null) return { ok: false, problem };
    if ((args.label ?? '').length > MOST_LABEL)
      return { ok: false, problem: `label must have at most ${MOST_LABEL} characters` };
    return normaliseDatabase(args);
  },
  locks: placeLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const place = { engine: args.engine, name: args.name };
      const label = labelOf(args, host.clock.nowMs());
      const dump = await host.queries.ask('database.dump-facts', { ...place, label });
      if (dump !== null) return planner.note(`Kept already: ${dump.file}, ${dump.sizeBytes} bytes.`);
      const { tables, sizeBytes } = await knownDatabase(planner, place);
      planner.note(`${tables} tables, about ${sizeBytes} bytes before compression.`);
      planner.task('database.tidy', place, 'Remove what an interrupted dump left', 'undo');
      await planner.resource('database.dump', `${placeId(place)}/${label}`, { kept: true });
      return undefined;
    }),
  async verify(host, args, changes) {
    const planned = changes.flatMap((change) =>
      change.kind === 'resource' && change.resource === 'database.dump' ? [change.id.split('/')[2] ?? ''] : [],
    )[0];
    const label = planned ?? labelOf(args, host.clock.nowMs());
    const dump = await host.queries.ask('database.dump-facts', { engine: args.engine, name: args.name, label });
    const saw = dump === null ? `no ${label}` : `${dump.sizeBytes} bytes, ${dump.tables ?? '?'} tables, ${dump.sha256}`;
    return [{ name: 'It is complete', ok: dump?.sha256 !== null && (dump?.sizeBytes ?? 0) > 0, saw }];
  },
});
