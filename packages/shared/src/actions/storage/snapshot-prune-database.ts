import Type from 'typebox';
import { DatabaseName, Engine, normaliseDatabase, placeId, placeLocks } from '../databases/database-args.ts';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { beyondKeep, isSnapshotId } from './snapshot-id.ts';
import { AlsoArgs, KeepArgs } from './storage-args.ts';

const Args = Type.Object(
  { engine: Engine, name: DatabaseName, keep: KeepArgs, also: AlsoArgs },
  { additionalProperties: false },
);

export const snapshotPruneDatabase = defineAction({
  name: 'snapshot.prune-database',
  version: 1,
  title: 'Remove old dumps of a database',
  docs: `Keeps the newest dump of each class that snapshot.create-database made and removes the others; the plan names each. Manual ones stay, unless they are named; what database.dump made under a label of its own always stays. Of a class that is given no number all stay. Nobody can bring a removed dump back.`,
  risk: 'high',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 120_000,
  programs: [],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, { engine, name, keep, also = [] }) =>
    planChanges(host, async (planner) => {
      const labels = (await host.queries.ask('database.dump-labels', { engine, name })).filter(isSnapshotId);
      const going = new Set([...beyondKeep(labels, keep), ...also.filter((label) => labels.includes(label))]);
      planner.note(`${going.size} of ${labels.length} dumps of ${name} are removed.`);
      for (const label of [...going].toSorted())
        await planner.resource('database.dump', `${placeId({ engine, name })}/${label}`, null, { irreversible: true });
    }),
  async verify(host, { engine, name }, changes) {
    const labels = await host.queries.ask('database.dump-labels', { engine, name });
    const gone = changes.flatMap((change) => (change.kind === 'resource' ? [change.id.split('/')[2]] : []));
    const left = labels.filter((label) => gone.includes(label));
    return [{ name: 'They are gone', ok: left.length === 0, saw: left.join(', ') || `${labels.length} are kept` }];
  },
});
