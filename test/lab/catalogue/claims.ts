import {
  describeChange,
  type Change,
  type PhpMaster,
  type ResourceChange,
  type TaskChange,
} from '@hauban/shared/actions';
import type { MachineReader, MachineState } from './machine-state.ts';
import { exactly } from './paths.ts';
import type { Claim, Claims, Excused } from './scenario.ts';

/** The files that the programs of passwd write, whatever user it is about. */
const USER_FILES = [/^path:\/etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)$/];

function claimOfResource({ resource, id, before, after }: ResourceChange, claims: Claims): Claim {
  const claim = claims.resources[resource] as ((id: string, before: unknown, after: unknown) => Claim) | undefined;
  if (claim === undefined) throw new Error(`no claim says what ${resource} is on the machine`);
  return claim(id, before, after);
}

function claimOfTask({ task, args }: TaskChange, claims: Claims): Claim {
  const claim = claims.tasks[task] as ((args: unknown) => Claim) | undefined;
  return claim === undefined ? { shows: [] } : claim(args);
}

function claimOfMasters(masters: readonly PhpMaster[]): Claim {
  return {
    shows: masters.map(({ configFile }) => `process:php-fpm: master process (${configFile})`),
    touches: masters.flatMap(({ socket, account, version }) => [
      exactly(`path:${socket}`),
      new RegExp(`^(?:unit:|path:/etc/systemd/).*hosting-php-${account}-${version.replace('.', '[.]')}`),
    ]),
  };
}

function claimOf(change: Change, claims: Claims): Claim {
  switch (change.kind) {
    case 'group':
    case 'user':
      return { shows: [`${change.kind}:${(change.after ?? change.before)?.name ?? ''}`], touches: USER_FILES };
    case 'directory': {
      const born = (change.initial ?? []).map(({ name }) => exactly(`path:${change.path}/${name}`));
      return { shows: [`path:${change.path}`], touches: born };
    }
    case 'file':
    case 'symlink':
      return { shows: [`path:${change.path}`] };
    case 'php-master':
      return claimOfMasters([change.master]);
    case 'php-masters':
      return claimOfMasters(change.masters);
    case 'php-check':
    case 'apache-reload':
      return { shows: [] };
    case 'bans':
      return { shows: ['nft:inet hauban'] };
    case 'resource':
      return claimOfResource(change, claims);
    default:
      return claimOfTask(change, claims);
  }
}

/** What is wrong between a plan and what changed, a sentence each: nothing unnamed, and all that is named. */
export function compareWithPlan(
  machine: MachineReader,
  [before, after]: readonly [MachineState, MachineState],
  changes: readonly Change[],
  claims: Claims,
  excused: readonly Excused[],
): readonly string[] {
  const differs = new Set(machine.differences(before, after));
  const made = changes.map((change) => claimOf(change, claims));
  const named = new Set(made.flatMap(({ shows }) => shows));
  const touched = [...made.flatMap(({ touches }) => touches ?? []), ...excused.map(({ names }) => names)];
  const unnamed = [...differs].filter((name) => !named.has(name) && !touched.some((pattern) => pattern.test(name)));
  return [
    ...unnamed.map((name) => {
      const [was, is] = [machine.valueIn(before, name), machine.valueIn(after, name)];
      return `changed and is not in the plan: ${name} (${was.slice(0, 100)} -> ${is.slice(0, 100)})`;
    }),
    ...changes.flatMap((change, index) => {
      const { shows = [] } = made[index] ?? {};
      const isSeen = shows.length === 0 || shows.some((name) => differs.has(name));
      return isSeen ? [] : [`in the plan and not on the machine: ${describeChange(change).title}`];
    }),
  ];
}
