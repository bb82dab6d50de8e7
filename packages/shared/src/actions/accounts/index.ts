/** Hosting accounts: their user, their tree, their rights. */
import type { ActionDefinition } from '../define-action.ts';
import { accountCreate } from './account-create.ts';

export const ACCOUNT_ACTIONS: readonly ActionDefinition[] = [accountCreate];
