import { MOST_LISTED_AT_ONCE, type BanListLines } from '@hauban/shared/api';
import { visibleLine } from '../../format/visible-text.ts';
import { texts } from '../../texts/index.ts';

const t = texts.banList;
const MOST_TOLD = 8;

/** What is wrong with pasted lines as a text of several lines, or null. */
export function linesProblem({ targets, problems }: BanListLines): string | null {
  if (problems.length > 0) {
    const told = problems.slice(0, MOST_TOLD).map(({ line, says }) => t.badLine(line, visibleLine(says)));
    return [...told, ...(problems.length > MOST_TOLD ? [t.moreBad(problems.length - MOST_TOLD)] : [])].join('\n');
  }
  if (targets.length === 0) return t.noLines;
  return targets.length > MOST_LISTED_AT_ONCE ? t.tooMany(targets.length, MOST_LISTED_AT_ONCE) : null;
}
