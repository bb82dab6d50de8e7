/**
 * Actions: one file each, by family; the list of them, the engine that applies and reverts their changes, and the
 * interface `Host` through which they touch a machine. No I/O here.
 */
import { ACCOUNT_ACTIONS } from './accounts/index.ts';
import { DATABASE_ACTIONS } from './databases/index.ts';
import { BALANCER_ACTIONS } from './balancer/index.ts';
import type { ActionDefinition } from './define-action.ts';
import { HYPERVISOR_ACTIONS } from './hypervisor/index.ts';
import { MAIL_ACTIONS } from './mail/index.ts';
import { NODE_ACTIONS } from './node/index.ts';
import { PACKAGE_ACTIONS } from './packages/index.ts';
import { PROTECTION_ACTIONS } from './protection/index.ts';
import { SERVICE_ACTIONS } from './services/index.ts';
import { createStateActions } from './state/index.ts';
import { STORAGE_ACTIONS } from './storage/index.ts';
import { WEB_ACTIONS } from './web/index.ts';

/** Those that a wished state can be made of. */
const ITEM_ACTIONS: ReadonlyMap<string, ActionDefinition> = new Map(
  [
    ACCOUNT_ACTIONS,
    BALANCER_ACTIONS,
    DATABASE_ACTIONS,
    HYPERVISOR_ACTIONS,
    MAIL_ACTIONS,
    NODE_ACTIONS,
    PACKAGE_ACTIONS,
    PROTECTION_ACTIONS,
    SERVICE_ACTIONS,
    STORAGE_ACTIONS,
    WEB_ACTIONS,
  ]
    .flat()
    .map((action) => [action.name, action]),
);

/** Every action that exists, by name. A new one is one file and one line in its family's list. */
export const ACTIONS: ReadonlyMap<string, ActionDefinition> = new Map([
  ...ITEM_ACTIONS,
  ...createStateActions((name) => ITEM_ACTIONS.get(name)).map((action) => [action.name, action] as const),
]);

export * from './address.ts';
export * from './change.ts';
export * from './count-of.ts';
export * from './custom/custom-manifest.ts';
export * from './custom/define-custom.ts';
export * from './define-action.ts';
export * from './describe-change.ts';
export * from './engine.ts';
export * from './host.ts';
export * from './hosting-layout.ts';
export { MOST_CREATED } from './accounts/index.ts';
export { isJailPath, JAIL_DEVICES, JAIL_FOLDERS } from './accounts/jail-layout.ts';
export { MAIL_KEPT, MAIL_ROOT } from './mail/mail-layout.ts';
export * from './params.ts';
export * from './parse-arguments.ts';
export * from './web/probe-page.ts';
export * from './resource.ts';
export { counterItem, desiredKey, MOST_APPLIED, MOST_COMPARED, orderedActions, whyNoItem } from './state/index.ts';
export type { Compared, Deviation, StateItem } from './state/index.ts';
export type * from './accounts/account-host.ts';
export type * from './balancer/balancer-host.ts';
export type * from './custom/custom-host.ts';
export type * from './databases/database-host.ts';
export type * from './hypervisor/hypervisor-host.ts';
export type * from './mail/mail-host.ts';
export type * from './node/node-host.ts';
export type * from './packages/package-host.ts';
export type * from './protection/ban-answer.ts';
export { listOfReason, MOST_LIST_ENTRIES, partOf, partsFor } from './protection/ban-list-parts.ts';
export { createPrefixIndex } from './protection/prefix-index.ts';
export { banSetOf, type BanSet } from './protection/ban-sources.ts';
export type * from './protection/protection-host.ts';
export type * from './services/service-host.ts';
export { isSnapshotId } from './storage/snapshot-id.ts';
export { isStoreName } from './storage/storage-host.ts';
export { checkPath, restoreFolderOf, snapshotsOf, SNAPSHOTS_ROOT } from './storage/storage-args.ts';
export type * from './storage/storage-host.ts';
export type * from './web/web-host.ts';
