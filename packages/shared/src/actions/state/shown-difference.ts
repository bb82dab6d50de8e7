import type { Change } from '../change.ts';
import { describeChange, type DescribedChange } from '../describe-change.ts';

/** Characters of one text. */
const TEXT = 4000;
/** Lines before the first one that differs. */
const CONTEXT = 3;

/** From shortly before the first line that differs: what is cut away in front is the same in both. */
function fromDifference(before: string | null, after: string | null): readonly [string | null, string | null] {
  if (before === null || after === null || before.length + after.length <= 2 * TEXT) return [before, after];
  const [left, right] = [before.split('\n'), after.split('\n')];
  const differs = left.findIndex((line, index) => line !== right[index]);
  const from = Math.max(0, (differs === -1 ? right.length : differs) - CONTEXT);
  const cut = (lines: readonly string[]): string => [`[${from} equal lines]`, ...lines.slice(from)].join('\n');
  return [cut(left), cut(right)];
}

const short = (text: string | null): string | null =>
  text === null || text.length <= TEXT ? text : `${text.slice(0, TEXT)}\n[cut here: the whole text is longer]`;

/** What differs, as people see it, cut to a size of which hundreds fit an answer. */
export function shownDifference(changes: readonly Change[]): readonly DescribedChange[] {
  return changes.slice(0, 40).map((change) => {
    const { kind, title, before, after } = describeChange(change);
    const [left, right] = fromDifference(before, after);
    return { kind, title: title.slice(0, 300), before: short(left), after: short(right) };
  });
}
