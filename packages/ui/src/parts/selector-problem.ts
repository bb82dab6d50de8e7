import { parseSelector } from '@hauban/shared/api';

/** What is wrong with a selector, or null; an empty one is nobody's fault here. */
export function selectorProblem(on: string): string | null {
  const parsed = on.trim() === '' ? null : parseSelector(on.trim());
  return parsed === null || parsed.ok ? null : parsed.problem;
}
