import { visibleLine } from '../format/visible-text.ts';

const MAX = 160;

/** Arguments on one line: `name=w4a100010 uid=100010`. */
export function argsText(args: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(args).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return visibleLine(parts.join(' '), MAX);
}
