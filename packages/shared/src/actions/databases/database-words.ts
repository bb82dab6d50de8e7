import type { ResourceWords } from '../resource.ts';
import type { DatabaseResources } from './database-host.ts';

export const DATABASE_WORDS: { readonly [N in keyof DatabaseResources]: ResourceWords } = {
  'database.database': { noun: 'database' },
  'database.user': { noun: 'database user', hidden: ['passwordHash'] },
  'database.grant': { noun: 'rights' },
  'database.dump': { noun: 'dump' },
  'database.side': { noun: 'restored copy of' },
  'database.live': { noun: 'content of' },
  'database.placed': { noun: 'content of' },
};
