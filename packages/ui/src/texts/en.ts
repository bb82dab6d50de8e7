import { audit } from './en/audit.ts';
import { banLists } from './en/ban-lists.ts';
import { bans } from './en/bans.ts';
import { nodes } from './en/nodes.ts';
import { people } from './en/people.ts';
import { pools } from './en/pools.ts';
import { roles } from './en/roles.ts';
import { runs } from './en/runs.ts';
import { sharedWords } from './en/shared-words.ts';
import { shells } from './en/shells.ts';
import { signOn } from './en/sign-on.ts';
import { times } from './en/times.ts';
import { trust } from './en/trust.ts';

/** English. The parts follow the areas of the page. */
export const en = {
  ...sharedWords,
  ...nodes,
  ...runs,
  ...bans,
  ...banLists,
  ...shells,
  ...people,
  ...roles,
  ...audit,
  ...trust,
  ...signOn,
  ...pools,
  ...times,
} as const;
