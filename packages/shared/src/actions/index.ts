/**
 * Actions: one file each, the list of them, the engine that applies and reverts their changes, and the interface
 * `Host` through which they touch a machine. No I/O here.
 */
import { accountCreate } from './account-create.ts';
import { apacheReload } from './apache-reload.ts';
import type { ActionDefinition } from './define-action.ts';
import { firewallBan } from './firewall-ban.ts';
import { firewallList } from './firewall-list.ts';
import { firewallUnban } from './firewall-unban.ts';
import { nodePing } from './node-ping.ts';
import { phpSwitchVersion } from './php-switch-version.ts';

/** Every action that exists, by name. A new one is one file and one line here. */
export const ACTIONS: ReadonlyMap<string, ActionDefinition> = new Map(
  [accountCreate, apacheReload, firewallBan, firewallList, firewallUnban, nodePing, phpSwitchVersion].map((action) => [
    action.name,
    action,
  ]),
);

export * from './address.ts';
export * from './change.ts';
export * from './define-action.ts';
export * from './describe-change.ts';
export * from './engine.ts';
export * from './host.ts';
export * from './hosting-layout.ts';
export * from './params.ts';
export * from './parse-arguments.ts';
export * from './probe-page.ts';
