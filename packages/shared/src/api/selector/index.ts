/** Which nodes a person means: one grammar for runs, schedules, the page and the command line. Pure; never looks at a node. */
export { parseSelector, type ParsedSelector, type Selector } from './parse-selector.ts';
export type { NodeFacts } from './selector-fields.ts';
