import { walk, type Source } from '../arch/source-tree.ts';
import { indexCode } from './code-index.ts';
import { roomOf } from './rooms.ts';
import type { SecurityCheck } from './scan-checks.ts';

/** Codes that the rooms refuse with, of which no function with a listed check in it speaks: a hole in the scanner. */
export function codesWithoutCheck(
  sources: readonly Source[],
  checks: readonly SecurityCheck[],
  codes: ReadonlySet<string>,
): readonly string[] {
  const code = indexCode(sources.filter(({ path }) => roomOf(path) !== null));
  const spoken = new Set<string>();
  const checked = new Set<string>();
  for (const { program, path } of code.sources) {
    const own = checks.filter((check) => check.path === path);
    walk(program, (node) => {
      const value = node.type === 'Literal' ? node['value'] : undefined;
      if (typeof value !== 'string' || !codes.has(value)) return;
      spoken.add(value);
      const around = code.functionOf(node)?.node ?? program;
      if (own.some(({ start, end }) => start >= around.start && end <= around.end)) checked.add(value);
    });
  }
  return [...spoken].filter((each) => !checked.has(each)).toSorted();
}
