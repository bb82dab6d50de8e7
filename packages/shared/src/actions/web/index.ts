/** Apache, PHP and sites. */
import type { ActionDefinition } from '../define-action.ts';
import { apacheReload } from './apache-reload.ts';
import { phpSwitchVersion } from './php-switch-version.ts';

export const WEB_ACTIONS: readonly ActionDefinition[] = [apacheReload, phpSwitchVersion];
