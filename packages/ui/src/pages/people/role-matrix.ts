import type { AccessRule } from '@hauban/shared/api';

/** Kinds of rights, one column each. */
export const MATRIX_COLUMNS = ['read', 'action', 'shell', 'attach', 'edit-node', 'override-window', 'admin'] as const;
type MatrixColumn = (typeof MATRIX_COLUMNS)[number];

const isShell = (column: MatrixColumn): boolean => column === 'shell' || column === 'attach';

const gives = ({ what }: AccessRule, column: MatrixColumn): boolean =>
  column === 'action' ? what.some((each) => each.startsWith('action:')) : what.includes(column);

/** Everywhere, at any time, by any user, every action, at once. */
const isWhole = ({ what, where, how }: AccessRule, column: MatrixColumn): boolean =>
  where === 'everywhere' &&
  how.window === null &&
  !how.needsApproval &&
  (!isShell(column) || how.runAs.includes('*')) &&
  (column !== 'action' || what.includes('action:*'));

/** How much of one kind of right the rules give together. */
export function matrixCell(rules: readonly AccessRule[], column: MatrixColumn): 'yes' | 'part' | 'no' {
  const giving = rules.filter((rule) => gives(rule, column));
  if (giving.length === 0) return 'no';
  return giving.some((rule) => isWhole(rule, column)) ? 'yes' : 'part';
}
