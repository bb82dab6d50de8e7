import Type, { type Static } from 'typebox';
import {
  DatabaseName,
  Engine,
  knownDatabase,
  normaliseDatabase,
  placeId,
  placeLocks,
} from '../databases/database-args.ts';
import { defineAction, type Verified } from '../define-action.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { Mode } from './restore-plan.ts';
import { Snapshot } from './storage-args.ts';

const Args = Type.Object(
  { engine: Engine, name: DatabaseName, snapshot: Snapshot, mode: Mode },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

async function planRestore(planner: Planner, { engine, name, snapshot, mode }: Args): Promise<void> {
  const { queries, resources } = planner.host;
  const place = { engine, name };
  const live = await knownDatabase(planner, place);
  if ((await queries.ask('database.placed-dump', place)) === snapshot && mode === 'in-place')
    return planner.note(`${name} is as in ${snapshot} already; the one before is kept until database.discard.`);
  if ((await queries.ask('database.dump-facts', { ...place, label: snapshot })) === null)
    refuse(`there is no ${snapshot} of ${name}`);
  if ((await queries.ask('database.facts', { ...place, which: 'old' })) !== null)
    refuse(`the database that ${name} was before the last restore is still there: use database.discard first`);
  const side = await resources.read('database.side', placeId(place));
  if (side !== null && side.dump !== snapshot)
    refuse(`${side.dump} is restored beside ${name}: use database.swap or database.discard first`);
  if (mode === 'in-place' && engine === 'mariadb' && live.programs > 0)
    refuse(`${name} holds views, triggers, routines or events, which MariaDB can not move: restore beside`);
  if (side === null || mode === 'in-place')
    planner.task('database.tidy', place, 'Remove what an interrupted restore left', 'undo');
  await planner.resource('database.side', placeId(place), { dump: snapshot });
  if (mode === 'beside') return undefined;
  planner.note('What is live now is kept beside it until database.discard.');
  await planner.resource('database.placed', placeId(place), { live: 'restored' });
  return undefined;
}

export const storageRestoreDatabase = defineAction({
  name: 'storage.restore-database',
  version: 1,
  title: 'Restore a database to a chosen time',
  docs: `Brings a database back as snapshot.create-database kept it: loaded into a new database beside the live one, as database.restore does, and with mode in-place exchanged with it in one step of the server, as database.swap does. The dump is not trusted: it is loaded without privileges by a login that sees the new database only, and refused when its checksum changed. Undo exchanges them again and removes the restored one.`,
  risk: 'medium',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['mariadb', 'psql', 'pg_restore', 'gzip'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, args) => planChanges(host, (planner) => planRestore(planner, args)),
  async verify(host, { engine, name, snapshot, mode }) {
    const place = { engine, name };
    const which = mode === 'in-place' ? 'live' : 'side';
    const facts = await host.queries.ask('database.facts', { ...place, which });
    const dump = await host.queries.ask('database.dump-facts', { ...place, label: snapshot });
    const isWhole = facts !== null && (dump?.tables ?? facts.tables) === facts.tables;
    const tables: Verified = {
      name: 'All tables are there',
      ok: isWhole,
      saw: `${facts?.tables ?? 0} of ${dump?.tables ?? 'unknown'}`,
    };
    if (mode === 'beside') return [tables];
    const placed = await host.queries.ask('database.placed-dump', place);
    return [tables, { name: 'It is in place', ok: placed === snapshot, saw: placed ?? 'the original' }];
  },
});
