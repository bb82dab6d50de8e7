import { visibleLine } from '../format/visible-text.ts';

const MAX = 160;

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? value.join(',') : JSON.stringify(value);
}

/** Arguments on one line: `name=w4a100010 uid=100010`. */
export function argsText(args: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(args).map(([name, value]) => `${name}=${valueText(value)}`);
  return visibleLine(parts.join(' '), MAX);
}
