/** Databases of hosting accounts in MariaDB and PostgreSQL, with their users, rights and dumps. */
import type { ActionDefinition } from '../define-action.ts';
import { databaseCreate } from './database-create.ts';
import { databaseDiscard } from './database-discard.ts';
import { databaseDrop } from './database-drop.ts';
import { databaseDump } from './database-dump.ts';
import { databaseGrant } from './database-grant.ts';
import { databaseList } from './database-list.ts';
import { databaseRestore } from './database-restore.ts';
import { databaseRevoke } from './database-revoke.ts';
import { databaseSwap } from './database-swap.ts';
import { databaseUserCreate } from './database-user-create.ts';
import { databaseUserDrop } from './database-user-drop.ts';
import { databaseUserSetPassword } from './database-user-set-password.ts';

export const DATABASE_ACTIONS: readonly ActionDefinition[] = [
  databaseCreate,
  databaseDiscard,
  databaseDrop,
  databaseDump,
  databaseGrant,
  databaseList,
  databaseRestore,
  databaseRevoke,
  databaseSwap,
  databaseUserCreate,
  databaseUserDrop,
  databaseUserSetPassword,
];
