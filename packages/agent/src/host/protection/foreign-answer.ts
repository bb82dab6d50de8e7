import { formatPrefix, parsePrefix, type Host, type Program, type RunResult } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { saidBy } from '../run-program.ts';

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

/** What such programs put before what they say: it differs each time, and a plan made twice has to be the same plan. */
const LOG_HEAD = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban\S*\s+\[\d+\]: [A-Z]+\s+/;
const JSON_LOG =
  /^\{"level":"[a-z]{1,10}","msg":("(?:[^"\\\p{Cc}]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"),"time":"[^"]{1,40}"\}$/u;

/** Why a program failed, as one line without times and process numbers. */
export function whyItFailed(result: RunResult): string {
  const [first = ''] = saidBy(result).split('\n');
  const message = JSON_LOG.exec(first)?.[1];
  return foreignLine(message === undefined ? first.replace(LOG_HEAD, '') : (JSON.parse(message) as string));
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
