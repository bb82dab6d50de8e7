import type { ForeignBan } from '@hauban/shared/actions';
import { canonicalTarget, foreignLine } from './foreign-answer.ts';

/** A decision of CrowdSec on an address or a range. */
export interface Decision extends ForeignBan {
  readonly id: number;
  /** `ban`, `captcha` and what else its bouncers know. */
  readonly type: string;
}

/** Go's way to write a duration, such as `3h59m59.223040784s`; null when it is none, negative when it is over. */
function durationMs(text: string): number | null {
  const found = /^(-?)(?:(\d{1,7})h)?(?:(\d{1,4})m)?(?:(\d{1,4}(?:\.\d{1,12})?)s)?$/.exec(text);
  if (found === null || text === '') return null;
  const [sign, hours, minutes, seconds] = [found[1], ...found.slice(2).map((part) => Number(part ?? 0))];
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return Math.round(sign === '-' ? -ms : ms);
}

const asFields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function parseDecision(raw: unknown, since: number, nowMs: number): readonly Decision[] {
  const fields = asFields(raw);
  const leftMs = durationMs(asText(fields['duration']));
  const target = canonicalTarget(asText(fields['value']));
  const { id } = fields;
  const isAddress = /^(?:ip|range)$/i.test(asText(fields['scope']));
  if (!isAddress || target === null || leftMs === null || leftMs <= 0 || fields['simulated'] === true) return [];
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) return [];
  const type = foreignLine(asText(fields['type']));
  return [
    {
      id,
      type,
      target,
      where: foreignLine(`${asText(fields['origin'])} ${type}`),
      reason: foreignLine(asText(fields['scenario'])),
      since: Number.isFinite(since) ? since : null,
      until: nowMs + leftMs,
    },
  ];
}

/** The answer of `cscli decisions list -o json`: alerts with their decisions, `null` for none. Null: it can not be read. */
export function parseDecisions(text: string, nowMs: number): readonly Decision[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (value !== null && !Array.isArray(value)) return null;
  return asList(value).flatMap((alert) => {
    const since = Date.parse(asText(asFields(alert)['created_at']));
    return asList(asFields(alert)['decisions']).flatMap((decision) => parseDecision(decision, since, nowMs));
  });
}
