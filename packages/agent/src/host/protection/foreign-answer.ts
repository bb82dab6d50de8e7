import { formatPrefix, parsePrefix, type Host, type Program, type RunResult } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** Of a reason, a jail, an origin: whoever writes a log line or a block list may have a hand in them. */
const LONGEST_LINE = 200;
// eslint-disable-next-line no-control-regex -- control characters are what is replaced here
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Foreign text as one line that moves no cursor and turns no reading direction. */
export const foreignLine = (text: string): string => text.slice(0, LONGEST_LINE).replaceAll(UNPRINTABLE, '\ufffd');

/** Canonical text of an address or prefix, or null: other programs write addresses in their own ways. */
export function canonicalTarget(text: string): string | null {
  const prefix = parsePrefix(text);
  return prefix === null ? null : formatPrefix(prefix);
}

/** Part of an id of ours: nothing but a canonical text goes on to a program. */
export function checkTarget(text: string): string {
  if (canonicalTarget(text) !== text)
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(text.slice(0, 60))} is no address in canonical form`);
  return text;
}

/** Null: it is not installed. */
export async function runIfThere(
  programs: Host['programs'],
  program: Program,
  args: readonly string[],
): Promise<RunResult | null> {
  try {
    return await programs.run(program, args, { timeoutMs: 20_000 });
  } catch (error) {
    if (error instanceof HaubanError && error.code === 'PROGRAM_MISSING') return null;
    throw error;
  }
}
