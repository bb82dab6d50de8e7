import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../arch/source-tree.ts';
import type { SecurityCheck } from './scan-checks.ts';

/**
 * The kept result of the last passes, by the checks' ids. `killed` names the test that fails without the check (`file: name`, or the file alone for its hooks);
 * `survived` is the list that may only get shorter, each with what is known about it.
 */
export interface MutationRecord {
  readonly killed: Readonly<Record<string, string>>;
  readonly survived: Readonly<Record<string, Survivor>>;
}

/** File and name of a killing test as the record has them. */
export function killerOf(said: string): { readonly file: string; readonly test: string | null } {
  const end = said.indexOf('.test.ts') + '.test.ts'.length;
  return { file: said.slice(0, end), test: said.length === end ? null : said.slice(end + 2) };
}

const say = ({ file, test }: { readonly file: string; readonly test: string | null }): string =>
  test === null ? file : `${file}: ${test}`;

export interface Survivor {
  readonly text: string;
  /** Did any test in the tests' own process get there at all? */
  readonly isReached: boolean;
  /** Why no test can tell the difference; null: a test is missing. */
  readonly reason: string | null;
}

export const RECORD_FILE = 'test/mutation/record.json';

export const loadRecord = (): MutationRecord =>
  JSON.parse(readFileSync(join(ROOT, RECORD_FILE), 'utf8')) as MutationRecord;

const sorted = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));

export function saveRecord({ killed, survived }: MutationRecord): void {
  const whole = { killed: sorted(Object.entries(killed)), survived: sorted(Object.entries(survived)) };
  writeFileSync(join(ROOT, RECORD_FILE), `${JSON.stringify(whole, null, 2)}\n`);
}

/** The record with the verdicts of a pass over `tried`; what is no check any more is dropped. */
export function updateRecord(
  before: MutationRecord,
  checks: readonly SecurityCheck[],
  tried: ReadonlySet<number>,
  verdicts: {
    readonly killedBy: ReadonlyMap<number, { readonly file: string; readonly test: string | null }>;
    readonly reached: ReadonlySet<number>;
  },
): MutationRecord {
  const killed: Record<string, string> = {};
  const survived: Record<string, Survivor> = {};
  for (const [number, { id, text }] of checks.entries()) {
    const kill = verdicts.killedBy.get(number);
    const known = before.killed[id];
    const lived = before.survived[id];
    if (kill !== undefined) killed[id] = say(kill);
    else if (tried.has(number)) {
      const isReached = verdicts.reached.has(number) || lived?.isReached === true;
      survived[id] = { text, isReached, reason: lived?.reason ?? null };
    } else if (known !== undefined) killed[id] = known;
    else if (lived !== undefined) survived[id] = lived;
  }
  return { killed, survived };
}
