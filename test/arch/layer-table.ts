import { AGENT_ROWS } from './layer-rows/agent-rows.ts';
import { CONTROLLER_ROWS } from './layer-rows/controller-rows.ts';
import { CLI_ROWS, UI_ROWS } from './layer-rows/face-rows.ts';
import type { Layer } from './layer-rows/layer.ts';
import { OUTSIDE_ROWS, STANDALONE_ROWS } from './layer-rows/outside-rows.ts';
import { LINK_ROWS, SHARED_ROWS } from './layer-rows/shared-rows.ts';

/**
 * The import table: for each file, the first row that fits says what it may import; what no row names is denied.
 * Widening a row needs its reason in `why` or in a comment beside the entry. Words of the table:
 * `own` = the file's own room (the folder below src, or src itself); a path; `node:x`; `npm:x`; `@hauban/x`.
 */
export const LAYERS: readonly Layer[] = [
  ...SHARED_ROWS,
  ...LINK_ROWS,
  ...AGENT_ROWS,
  ...CONTROLLER_ROWS,
  ...UI_ROWS,
  ...CLI_ROWS,
  ...STANDALONE_ROWS,
  ...OUTSIDE_ROWS,
];
