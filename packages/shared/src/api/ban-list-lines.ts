import { formatPrefix } from '../actions/address.ts';
import { parseBanTarget } from '../actions/params.ts';

/** What was pasted, or lies in a file, read line by line. */
export interface BanListLines {
  /** Canonical, each once. */
  readonly targets: readonly string[];
  /** What is wrong, by the number of the line as an editor shows it, from 1. Foreign text: not yet safe to show. */
  readonly problems: readonly { readonly line: number; readonly says: string }[];
}

/** As published lists write remarks: a line of its own, or behind the address. */
const REMARK = /[#;].*$/;
/** Longer than any address; the rest of a line that is none is of no interest. */
const TOLD_LENGTH = 60;

/** An address or a prefix a line; empty lines and remarks count as lines and say nothing. */
export function parseBanListLines(text: string): BanListLines {
  const targets = new Set<string>();
  const problems: { line: number; says: string }[] = [];
  for (const [index, whole] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const typed = whole.replace(REMARK, '').trim();
    if (typed === '') continue;
    const told = typed.length > TOLD_LENGTH ? `${typed.slice(0, TOLD_LENGTH)}…` : typed;
    const parsed = parseBanTarget(told, false);
    if (parsed.ok) targets.add(formatPrefix(parsed.value));
    else problems.push({ line: index + 1, says: parsed.problem });
  }
  return { targets: [...targets], problems };
}
