/** Debian packages: lists, security updates. */
import type { ActionDefinition } from '../define-action.ts';
import { packageListUpdates } from './package-list-updates.ts';
import { packageRefresh } from './package-refresh.ts';
import { packageUpgradeSecurity } from './package-upgrade-security.ts';

export const PACKAGE_ACTIONS: readonly ActionDefinition[] = [
  packageListUpdates,
  packageRefresh,
  packageUpgradeSecurity,
];
