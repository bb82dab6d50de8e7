import type { Labels } from '@hauban/shared/api';
import { LABEL_NAME, LABEL_VALUE } from '@hauban/shared/protocol';
import { texts } from '../texts/index.ts';
import { visibleLine } from '../format/visible-text.ts';

type ParsedLabels = { readonly ok: true; readonly labels: Labels } | { readonly ok: false; readonly problem: string };

/** Labels as people type them: `name=value`, one a line. */
export function parseLabels(text: string): ParsedLabels {
  const labels: Record<string, string> = {};
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const at = line.indexOf('=');
    const name = line.slice(0, Math.max(0, at)).trim();
    const value = line.slice(at + 1).trim();
    if (at === -1 || !LABEL_NAME.test(name) || !LABEL_VALUE.test(value))
      return { ok: false, problem: texts.join.badLabel(visibleLine(line, 60)) };
    labels[name] = value;
  }
  return { ok: true, labels };
}

export const labelLines = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
