/** Services of a node: start, stop, restart and reload units that hosting needs. */
import type { ActionDefinition } from '../define-action.ts';
import { serviceReload } from './service-reload.ts';
import { serviceRestart } from './service-restart.ts';
import { serviceStart } from './service-start.ts';
import { serviceStop } from './service-stop.ts';

export const SERVICE_ACTIONS: readonly ActionDefinition[] = [serviceReload, serviceRestart, serviceStart, serviceStop];
