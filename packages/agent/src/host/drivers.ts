import type {
  Host,
  HostAccounts,
  HostFiles,
  HostPhp,
  Queries,
  QueryName,
  ResourceName,
  Resources,
  TaskName,
  Tasks,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock, Random } from '@hauban/shared/time';
import type { CustomParts } from './custom/custom-parts.ts';
import type { RequireRoot } from './program-paths.ts';
import type { RehearsalCommand } from './rehearse-apart.ts';

/**
 * Drivers: how resources, tasks and questions of the families of actions (`packages/shared/src/actions/resource.ts`) are
 * done on this machine. Each family has a folder beside this file, with one function that makes its drivers.
 */
export interface ResourceDriver<N extends ResourceName> {
  /** Refuses an id that is not of its form before anything else: ids come from orders. */
  read(id: string): Promise<Resources[N] | null>;
  /** Idempotent. Returns when it is so, and durable. */
  write(id: string, value: Resources[N] | null): Promise<void>;
}
export type ResourceDrivers<T> = { readonly [N in keyof T & ResourceName]: ResourceDriver<N> };
export type TaskDrivers<T> = { readonly [N in keyof T & TaskName]: (args: Tasks[N]) => Promise<void> };
export type QueryDrivers<T> = {
  readonly [N in keyof T & QueryName]: (args: Queries[N]['args']) => Promise<Queries[N]['answer']>;
};

export interface DriverParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Programs by name, as root only. */
  readonly programs: Host['programs'];
  readonly files: HostFiles;
  /** A folder of ours for what has to be remembered; made, 0700. */
  readonly stateDirectory: string;
  readonly requireRoot: RequireRoot;
  readonly accounts: HostAccounts;
  readonly php: HostPhp;
  /** Process 1 is systemd and may be asked for units. */
  readonly isSystemd: boolean;
  /** The hoster's own programs. */
  readonly custom: CustomParts;
  readonly receiptKeys: HostReceiptKeys;
  readonly rehearsalCommand: RehearsalCommand;
}

/** The executor's own key, as an action sees it. */
export interface HostReceiptKeys {
  readonly version: number;
  key(): { readonly publicText: string };
  rotate(): void;
}

export interface FamilyDrivers<R, T, Q> {
  readonly resources: ResourceDrivers<R>;
  readonly tasks: TaskDrivers<T>;
  readonly queries: QueryDrivers<Q>;
}

function unknown(what: string, name: string): HaubanError {
  return new HaubanError('ACTION_REFUSED', `${name.slice(0, 60)} is no ${what} of this node`);
}

/** The drivers of all families as the three doors of `Host`. */
export function openDoors(
  drivers: FamilyDrivers<Resources, Tasks, Queries>,
): Pick<Host, 'resources' | 'tasks' | 'queries'> {
  const driverOf = <N extends ResourceName>(name: N): ResourceDriver<N> => {
    // A name may come from a journal of another version.
    if (!Object.hasOwn(drivers.resources, name)) throw unknown('resource', name);
    return drivers.resources[name];
  };
  return {
    resources: {
      read: async (resource, id) => driverOf(resource).read(id),
      write: async (resource, id, value) => driverOf(resource).write(id, value),
    },
    tasks: {
      async run(task, args) {
        if (!Object.hasOwn(drivers.tasks, task)) throw unknown('task', task);
        await drivers.tasks[task](args);
      },
    },
    queries: {
      async ask(query, args) {
        if (!Object.hasOwn(drivers.queries, query)) throw unknown('question', query);
        return drivers.queries[query](args);
      },
    },
  };
}
