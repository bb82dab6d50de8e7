import Type from 'typebox';
import { defineAction } from '../define-action.ts';
import { planChanges } from '../planner.ts';
import { DatabaseName, Engine, normaliseDatabase, placeLocks } from './database-args.ts';

const Args = Type.Object(
  {
    engine: Engine,
    name: DatabaseName,
    which: Type.Union([Type.Literal('side'), Type.Literal('old')], {
      title: 'Which copy',
      description: 'side: what database.restore made. old: what was live before database.swap',
    }),
  },
  { additionalProperties: false },
);

export const databaseDiscard = defineAction({
  name: 'database.discard',
  version: 1,
  title: 'Discard a copy of a database',
  docs: `Removes the copy beside a database that a restore (side) or a swap (old) left. The live database is not touched. Nobody can bring the copy back: a dump of it has to be made before, if it is wanted.`,
  risk: 'high',
  roles: ['database'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 300_000,
  programs: ['mariadb', 'psql'],
  normalise: normaliseDatabase,
  locks: placeLocks,
  plan: (host, args) =>
    planChanges(host, async (planner) => {
      const facts = await host.queries.ask('database.facts', args);
      if (facts === null) return;
      planner.add({
        kind: 'task',
        task: 'database.discard',
        args,
        title: `Remove the copy (${args.which}) of ${args.name}, ${facts.tables} tables (can not be undone)`,
        when: 'apply',
        irreversible: true,
      });
    }),
  async verify(host, args) {
    const facts = await host.queries.ask('database.facts', args);
    return [{ name: 'It is gone', ok: facts === null, saw: facts === null ? 'gone' : 'still there' }];
  },
});
