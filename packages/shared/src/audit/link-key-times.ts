import { fromBase64Url, parseJson, type LinkStep, type SignedLinkStep } from '../protocol/index.ts';
import { auditStepLine, checkStepLine } from './export-lines.ts';
import { openLinkStep, type AuditCrypto } from './head.ts';

/** When a link key of the controller was in force, Unix ms: what it signs at another time is no evidence. */
export interface LinkKeyTime {
  readonly key: string;
  readonly from: number;
  readonly until: number;
}

/** A controller that runs while its key is replaced hears of it within seconds. */
const HEARS_WITHIN_MS = 60_000;

/** A row may be older than the key that signs it first. */
export const isInTime = ({ from, until }: LinkKeyTime, at: number, of: 'statement' | 'row' = 'statement'): boolean =>
  (of === 'row' || at >= from) && at <= until + HEARS_WITHIN_MS;

/** The step in such a line of an export, in its one written form; null: it is none. */
export function stepInLine(source: string): SignedLinkStep | null {
  if (!source.startsWith('{"t":"step"')) return null;
  const parsed = parseJson(checkStepLine, source);
  return parsed.ok && auditStepLine(parsed.value.signed) === source ? parsed.value.signed : null;
}

interface KeyStep {
  readonly before: string;
  readonly next: string;
  readonly issuedAt: number;
  readonly retireAt: number;
}

const named = (jws: string): Pick<LinkStep, 'before' | 'next'> | null => {
  const body = /^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\./.exec(jws)?.[1] ?? '';
  const parsed = parseJson((value) => value as Partial<LinkStep> | null, decode(body));
  const { before, next } = (parsed.ok ? parsed.value : null) ?? {};
  return typeof before === 'string' && typeof next === 'string' ? { before, next } : null;
};

function decode(base64Url: string): string {
  const bytes = fromBase64Url(base64Url);
  return bytes === null ? '' : new TextDecoder().decode(bytes);
}

/** Signed by both of its keys, the same statement, for this controller. */
function openStep({ byBefore, byNext }: SignedLinkStep, controller: string, crypto: AuditCrypto): KeyStep | null {
  const keys = named(byBefore);
  if (keys === null) return null;
  const [ours, theirs] = [openLinkStep(byBefore, keys.before, crypto), openLinkStep(byNext, keys.next, crypto)];
  if (ours === null || theirs === null || JSON.stringify(ours) !== JSON.stringify(theirs)) return null;
  return ours.controller === controller ? ours : null;
}

/**
 * Keys that may have signed this log, from those that were given along the steps in both directions: an old key names its
 * successor, and a new one says which it replaced. Null: a step is not signed, or leads to no key that was given.
 */
export function linkKeyTimes(
  signed: readonly SignedLinkStep[],
  given: readonly string[],
  controller: string,
  crypto: AuditCrypto,
): readonly LinkKeyTime[] | null {
  const times = new Map(given.map((key) => [key, { key, from: 0, until: Number.MAX_SAFE_INTEGER }]));
  let waiting: KeyStep[] = [];
  for (const one of signed) {
    const step = openStep(one, controller, crypto);
    if (step === null) return null;
    // Who has stolen an old key could name another successor for it.
    if (waiting.some(({ before, next }) => before === step.before || next === step.next)) return null;
    waiting.push(step);
  }
  while (waiting.length > 0) {
    const reached = waiting.filter(({ before, next }) => times.has(before) || times.has(next));
    if (reached.length === 0) return null;
    for (const { before, next, issuedAt, retireAt } of reached) {
      const [old, fresh] = [times.get(before), times.get(next)];
      times.set(before, { key: before, from: old?.from ?? 0, until: Math.min(old?.until ?? retireAt, retireAt) });
      times.set(next, {
        key: next,
        from: Math.max(fresh?.from ?? issuedAt, issuedAt),
        until: fresh?.until ?? Number.MAX_SAFE_INTEGER,
      });
    }
    waiting = waiting.filter((step) => !reached.includes(step));
  }
  return [...times.values()];
}
