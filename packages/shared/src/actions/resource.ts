import type { AccountQueries, AccountResources, AccountTasks } from './accounts/account-host.ts';
import type { BalancerQueries, BalancerResources, BalancerTasks } from './balancer/balancer-host.ts';
import type { CustomQueries, CustomTasks } from './custom/custom-host.ts';
import type { DatabaseQueries, DatabaseResources, DatabaseTasks } from './databases/database-host.ts';
import type { HypervisorQueries, HypervisorResources, HypervisorTasks } from './hypervisor/hypervisor-host.ts';
import type { MailQueries, MailResources, MailTasks } from './mail/mail-host.ts';
import type { NodeQueries, NodeTasks } from './node/node-host.ts';
import type { PackageQueries, PackageResources, PackageTasks } from './packages/package-host.ts';
import type { ProtectionQueries, ProtectionResources } from './protection/protection-host.ts';
import type { ServiceQueries, ServiceResources, ServiceTasks } from './services/service-host.ts';
import type { StorageQueries, StorageResources, StorageTasks } from './storage/storage-host.ts';
import type { WebQueries, WebResources, WebTasks } from './web/web-host.ts';

/**
 * What most actions need of a machine, beyond files and users: things that have a name and one value (the state of a
 * unit, a mailbox, a database), work that has no state of its own (a restart), and questions. Each family of actions
 * declares its own in `<family>/<family>-host.ts`; the agent has a driver for each (`packages/agent/src/host/<family>`).
 * All values are JSON without times of day, so that a plan made twice has the same hash.
 */
export interface Resources
  extends
    AccountResources,
    BalancerResources,
    DatabaseResources,
    HypervisorResources,
    MailResources,
    PackageResources,
    ProtectionResources,
    ServiceResources,
    StorageResources,
    WebResources {}
/** Work: its arguments and nothing else; whether it had its effect is for `verify` to see. */
export interface Tasks
  extends
    AccountTasks,
    BalancerTasks,
    CustomTasks,
    DatabaseTasks,
    HypervisorTasks,
    MailTasks,
    NodeTasks,
    PackageTasks,
    ServiceTasks,
    StorageTasks,
    WebTasks {}
/** Questions: arguments and answer. They change nothing. */
export interface Queries
  extends
    AccountQueries,
    BalancerQueries,
    CustomQueries,
    DatabaseQueries,
    HypervisorQueries,
    MailQueries,
    NodeQueries,
    PackageQueries,
    ProtectionQueries,
    ServiceQueries,
    StorageQueries,
    WebQueries {}

export type ResourceName = keyof Resources;
export type TaskName = keyof Tasks;
export type QueryName = keyof Queries;

/** A named thing is there with that value, or not (null). */
export interface ResourceChange<N extends ResourceName = ResourceName> {
  readonly kind: 'resource';
  readonly resource: N;
  /** Which one, such as `web1.example/db1`; unique within the resource. */
  readonly id: string;
  readonly before: Resources[N] | null;
  readonly after: Resources[N] | null;
  /** Nobody can bring `before` back (a message deleted from a queue): undo leaves it and says so. */
  readonly irreversible?: true;
  /** It is a part of that thing of the same id: when a later change takes the thing away, this went with it. */
  readonly partOf?: ResourceName;
}

/** Not a state but a moment: done each time its turn comes in the list. */
export interface TaskChange<N extends TaskName = TaskName> {
  readonly kind: 'task';
  readonly task: N;
  readonly args: Tasks[N];
  /** One sentence for the plan. */
  readonly title: string;
  /** `undo`: does nothing when applied, is done when the list is reverted. */
  readonly when: 'apply' | 'undo';
  /** Nobody can take its effect back: undo says so instead of doing nothing. */
  readonly irreversible?: true;
}

export interface HostResources {
  /** As it is now, null when it is not there. Fields of the value that the driver can not know are absent. */
  read<N extends ResourceName>(resource: N, id: string): Promise<Resources[N] | null>;
  /** Brings that value about (null: takes the thing away) and returns when it is so; durable over a reboot. */
  write<N extends ResourceName>(resource: N, id: string, value: Resources[N] | null): Promise<void>;
}
export interface HostTasks {
  run<N extends TaskName>(task: N, args: Tasks[N]): Promise<void>;
}
export interface HostQueries {
  ask<N extends QueryName>(query: N, args: Queries[N]['args']): Promise<Queries[N]['answer']>;
}

/** How a resource is called in a plan, and which fields of its value nobody gets to see (the hash of a password). */
export interface ResourceWords {
  readonly noun: string;
  readonly hidden?: readonly string[];
}
