/** Hosting accounts: their user, their tree, their rights. */
export { MOST_CREATED } from './account-create-many.ts';
import type { ActionDefinition } from '../define-action.ts';
import { accountCreate } from './account-create.ts';
import { accountCreateMany } from './account-create-many.ts';
import { accountDelete } from './account-delete.ts';
import { accountFixPermissions } from './account-fix-permissions.ts';
import { accountList } from './account-list.ts';
import { accountMakeJail } from './account-make-jail.ts';
import { accountRemoveJail } from './account-remove-jail.ts';
import { accountSetQuota } from './account-set-quota.ts';
import { accountSetSshKeys } from './account-set-ssh-keys.ts';
import { accountSuspend } from './account-suspend.ts';
import { accountUnsuspend } from './account-unsuspend.ts';

export const ACCOUNT_ACTIONS: readonly ActionDefinition[] = [
  accountCreate,
  accountCreateMany,
  accountDelete,
  accountFixPermissions,
  accountList,
  accountMakeJail,
  accountRemoveJail,
  accountSetQuota,
  accountSetSshKeys,
  accountSuspend,
  accountUnsuspend,
];
