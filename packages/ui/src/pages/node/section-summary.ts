import type { Tone } from '../../parts/mark.tsx';
import { formatRelative } from '../../format/time.ts';
import { texts } from '../../texts/index.ts';

/** A certificate that ends within this time deserves a look. */
const SOON_MS = 21 * 86_400_000;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** The rows that a section holds under a name. */
function rowsOf(data: unknown, name: string): readonly Record<string, unknown>[] {
  const rows: unknown = isRecord(data) ? data[name] : undefined;
  return Array.isArray(rows) ? rows.filter(isRecord) : [];
}

export interface Summary {
  readonly tone: Tone;
  readonly text: string;
}

/** What a tired reader wants to know of a section before reading it; null: nothing in particular. */
export function sectionSummary(name: string, data: unknown, nowMs: number): Summary | null {
  if (name === 'updates') {
    const security = rowsOf(data, 'pending').filter((row) => row['isSecurity'] === true).length;
    return security === 0 ? null : { tone: 'warn', text: texts.inventory.securityUpdates(security) };
  }
  if (name !== 'certificates') return null;
  const ends = rowsOf(data, 'certificates')
    .map((row) => (typeof row['validTo'] === 'string' ? Date.parse(row['validTo']) : Number.NaN))
    .filter((at) => Number.isFinite(at));
  if (ends.length === 0) return null;
  const first = Math.min(...ends);
  const tone: Tone = first < nowMs ? 'bad' : first < nowMs + SOON_MS ? 'warn' : 'ok';
  return { tone, text: texts.inventory.nextExpiry(formatRelative(first, nowMs)) };
}
