import type { Plan, RunTarget } from '@hauban/shared/api';
import { plainLine, plainText } from './plain-text.ts';

const LINES_SHOWN = 200;

function block(sign: '+' | '-', text: string | null): string[] {
  if (text === null) return [];
  const lines = plainText(text).replace(/\n$/, '').split('\n');
  const shown = lines.slice(0, LINES_SHOWN).map((line) => `    ${sign} ${line}`);
  return lines.length > LINES_SHOWN ? [...shown, `    ${sign} … ${lines.length - LINES_SHOWN} more lines`] : shown;
}

/** Lines that both texts begin and end with are left out, so that a small edit in a large file is readable. */
function trimCommon(before: string | null, after: string | null): [string | null, string | null] {
  if (before === null || after === null) return [before, after];
  const old = before.split('\n');
  const young = after.split('\n');
  let head = 0;
  while (head < old.length && head < young.length && old[head] === young[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < young.length - head && old.at(-1 - tail) === young.at(-1 - tail)) tail += 1;
  return [old.slice(head, old.length - tail).join('\n'), young.slice(head, young.length - tail).join('\n')];
}

/** A plan as people read it. */
export function renderPlan(plan: Plan): string {
  if (plan.changes.length === 0)
    return ['  Nothing to do: it is so already.', ...plan.notes.map((note) => `  note: ${plainLine(note)}`)].join('\n');
  const lines = plan.changes.flatMap((change) => {
    const sign = change.before === null ? '+' : change.after === null ? '-' : '~';
    const [before, after] = trimCommon(change.before, change.after);
    return [`  ${sign} ${plainLine(change.title)}`, ...block('-', before), ...block('+', after)];
  });
  return [...lines, ...plan.notes.map((note) => `  note: ${plainLine(note)}`)].join('\n');
}

/** Outcome of one node, with what verify saw. */
export function renderOutcome(target: RunTarget): string {
  const head = `${plainLine(target.hostName)}: ${target.state}${target.code === null ? '' : ` (${plainLine(target.code)})`}${target.detail === '' ? '' : ` - ${plainLine(target.detail)}`}`;
  const checks = target.verification.map(
    (check) => `  ${check.ok ? 'ok    ' : 'FAILED'} ${plainLine(check.name)}: ${plainLine(check.saw)}`,
  );
  const data =
    target.data === null || target.data === undefined ? [] : [plainText(JSON.stringify(target.data, null, 2))];
  return [head, ...checks, ...data].join('\n');
}
