/** Apache, nginx, PHP, sites and certificates. */
import type { ActionDefinition } from '../define-action.ts';
import { apacheReload } from './apache-reload.ts';
import { apacheRestart } from './apache-restart.ts';
import { certificateScan } from './certificate-scan.ts';
import { nginxReload } from './nginx-reload.ts';
import { nginxRestart } from './nginx-restart.ts';
import { phpSetLimits } from './php-set-limits.ts';
import { phpSwitchVersion } from './php-switch-version.ts';
import { siteBlockPath } from './site-block-path.ts';
import { siteCreate } from './site-create.ts';
import { sitePreflight } from './site-preflight.ts';
import { siteRemove } from './site-remove.ts';
import { siteUnblockPath } from './site-unblock-path.ts';
import { siteUpdate } from './site-update.ts';
import { tlsInstall } from './tls-install.ts';
import { tlsRenew } from './tls-renew.ts';

export const WEB_ACTIONS: readonly ActionDefinition[] = [
  apacheReload,
  apacheRestart,
  certificateScan,
  nginxReload,
  nginxRestart,
  phpSetLimits,
  phpSwitchVersion,
  siteBlockPath,
  siteCreate,
  sitePreflight,
  siteRemove,
  siteUnblockPath,
  siteUpdate,
  tlsInstall,
  tlsRenew,
];
