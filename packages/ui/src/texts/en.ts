import { audit } from './en/audit.ts';
import { common } from './en/common.ts';
import { nodes } from './en/nodes.ts';
import { people } from './en/people.ts';
import { runs } from './en/runs.ts';
import { shells } from './en/shells.ts';

/** English. The parts follow the areas of the page. */
export const en = { ...common, ...nodes, ...runs, ...shells, ...people, ...audit } as const;
