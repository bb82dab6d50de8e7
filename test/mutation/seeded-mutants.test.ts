import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@hauban/shared/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSources } from '../arch/source-tree.ts';
import { killerOf, loadRecord } from './record.ts';
import { scanChecks } from './scan-checks.ts';
import { createTestRuns } from './test-runs.ts';

/** Of all that are killed, this many are killed again in each run. */
const SAMPLE = 15;
/** A process that a missing check has spoilt is left; the rest is tried in a new one. */
const ROUNDS_MAX = 4;
/** Checks that no test was tried against: `npm run mutation -- new` does. */
const UNTRIED_MAX = 0;
/** Checks that no test misses and for which no reason is written down. */
const LIVING_MAX = 0;
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

const sources = loadSources();
const checks = scanChecks(sources);
const record = loadRecord();
const ids = new Set(checks.map(({ id }) => id));

describe('what no test misses', () => {
  it('is still a check: what is gone leaves the list', () => {
    const gone = Object.keys(record.survived).filter((id) => !ids.has(id));
    expect(gone, 'npm run mutation -- tidy drops them').toEqual([]);
  });

  it('gets fewer, never more', () => {
    const living = Object.entries(record.survived).filter(([, { reason }]) => reason === null);
    expect(living.length).toBeLessThanOrEqual(LIVING_MAX);
  });

  it('is known of every check of today', () => {
    const untried = [...ids].filter((id) => record.killed[id] === undefined && record.survived[id] === undefined);
    expect(untried.length, `npm run mutation -- new tries these: ${untried.join('\n')}`).toBeLessThanOrEqual(
      UNTRIED_MAX,
    );
  });
});

describe('a security check that is switched off', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-mutants-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('fails the test that the record names', { timeout: 900_000 }, async () => {
    const random = new SeededRandom(SEED);
    const known = [...checks.entries()].flatMap(([off, { id }]) => {
      const { file, test } = killerOf(record.killed[id] ?? '.test.ts');
      return test === null ? [] : [{ off, file, test, rank: random.unit() }];
    });
    const sample = known.toSorted((a, b) => a.rank - b.rank).slice(0, SAMPLE);
    const runs = createTestRuns(folder, new Map(sources.map(({ path, text }) => [path, text])), checks);
    let left = sample;
    for (let round = 0; round < ROUNDS_MAX && left.length > 0; round++) {
      const todo: Record<string, Record<string, number[]>> = {};
      for (const { off, file, test } of left) ((todo[file] ??= {})[test] ??= []).push(off);
      await runs.run({ is: 'switch', todo }, Object.keys(todo));
      left = left.filter(({ off }) => !runs.kills().has(off));
    }
    // Without it the process is spoilt for every test after it: in one of its own.
    for (const { off, file, test } of left)
      await runs.run({ is: 'whole', todo: { [file]: { off, tests: [test] } } }, [file]);
    left = left.filter(({ off }) => !runs.kills().has(off));
    process.stdout.write(
      `switched off ${sample.length} of ${known.length} checks, seed ${SEED} (FUZZ_SEED repeats it)\n`,
    );
    expect(left.map(({ off, file, test }) => `${checks[off]?.path} ${checks[off]?.text}: ${file}: ${test}`)).toEqual(
      [],
    );
  });
});
