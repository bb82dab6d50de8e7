import { canonicalJson } from '@hauban/link';
import type { ApprovalStatement } from '@hauban/shared/protocol';

const SHOWN_NODES = 20;

/** What is approved, for a person: first what, then a line each for where, how, until when and why. */
export function statementWords(
  statement: ApprovalStatement,
  hostNames: ReadonlyMap<string, string>,
  title: (action: string) => string,
): string[] {
  const { what, targets, exp, reason } = statement;
  const names = targets.map((id) => hostNames.get(id) ?? id);
  const shown = names.slice(0, SHOWN_NODES).join(', ');
  const rest = names.length > SHOWN_NODES ? ` and ${names.length - SHOWN_NODES} more` : '';
  const count = names.length === 1 ? 'one node' : `${names.length} nodes`;
  return [
    what.kind === 'shell'
      ? `Open a shell as ${what.user}`
      : `${what.kind === 'undo' ? 'Undo: ' : ''}${title(what.action)} (${what.action})`,
    `On ${count}: ${shown}${rest}`,
    ...(what.kind !== 'shell' ? [`Arguments: ${canonicalJson(what.args)}`] : []),
    ...(what.kind === 'action' && what.planHash !== null ? [`Only the plan ${what.planHash.slice(0, 12)}`] : []),
    `Until ${new Date(exp).toISOString()}`,
    `Reason: ${reason ?? 'none given'}`,
  ];
}
