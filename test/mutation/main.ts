/**
 * `npm run mutation`: the whole list, an hour or more. `-- new` tries only what the record does not know and what lived;
 * `-- tidy` runs nothing and only drops what is no check any more. `-- room link executor` only these rooms, `-- new link` what is new in them. Words with a slash are test files or
 * folders: only those are asked, and what they do not reach keeps its verdict. The record is brought up to date in every
 * case.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSources } from '../arch/source-tree.ts';
import { runMutationPass, type Verdicts } from './mutation-pass.ts';
import { loadRecord, RECORD_FILE, saveRecord, updateRecord, type MutationRecord } from './record.ts';
import { ROOMS } from './rooms.ts';
import { scanChecks, type SecurityCheck } from './scan-checks.ts';
import { createTestRuns } from './test-runs.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function wantedOf(checks: readonly SecurityCheck[], record: MutationRecord, words: readonly string[]): Set<number> {
  const [mode, ...rooms] = words;
  const isWanted = ({ id, room }: SecurityCheck): boolean => {
    if (rooms.length > 0 && !rooms.includes(room)) return false;
    return mode !== 'new' || (record.killed[id] === undefined && typeof record.survived[id]?.reason !== 'string');
  };
  return new Set([...checks.entries()].filter(([, check]) => isWanted(check)).map(([number]) => number));
}

function tell(checks: readonly SecurityCheck[], { killed, survived }: MutationRecord): void {
  for (const { id, path, line, text, room } of checks) {
    const lived = survived[id];
    if (lived !== undefined && lived.reason === null)
      say(`${lived.isReached ? 'lives   ' : 'unseen  '} ${room.padEnd(14)} ${path}:${line}  ${text}`);
  }
  say(`\n${'room'.padEnd(14)} checks killed  lives unseen`);
  for (const room of [...ROOMS.map(({ name }) => name), 'all']) {
    const own = checks.filter((check) => room === 'all' || check.room === room);
    const lived = own.flatMap(({ id }) => survived[id] ?? []);
    const counts = [
      own.length,
      own.filter(({ id }) => killed[id] !== undefined).length,
      lived.filter(({ isReached }) => isReached).length,
      lived.filter(({ isReached }) => !isReached).length,
    ];
    say(`${room.padEnd(14)} ${counts.map((count) => String(count).padStart(6)).join(' ')}`);
  }
}

const words = process.env['HAUBAN_MUTATION_WORDS']?.split(' ').filter((word) => word !== '') ?? [];
const files = words.filter((word) => word.includes('/'));
const sources = loadSources();
const checks = scanChecks(sources);
const record = loadRecord();
const wanted = wantedOf(
  checks,
  record,
  words.filter((word) => !word.includes('/')),
);
if (words[0] === 'tidy') {
  const tidied = updateRecord(record, checks, new Set(), { killedBy: new Map(), reached: new Set() });
  saveRecord(tidied);
  tell(checks, tidied);
} else await tryThem();

async function tryThem(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-mutation-'));
  say(`${checks.length} checks, ${wanted.size} to try; working in ${folder}`);
  const runs = createTestRuns(folder, new Map(sources.map(({ path, text }) => [path, text])), checks);
  /** What is killed is kept at once: a pass that is stopped has not worked for nothing. */
  const keep = (killedBy: Verdicts['killedBy']): void =>
    saveRecord(updateRecord(record, checks, new Set(), { killedBy, reached: new Set() }));
  const verdicts = await runMutationPass(runs, wanted, files, say, keep);
  const judged = files.length === 0 ? wanted : new Set([...wanted].filter((off) => verdicts.reached.has(off)));
  const after = updateRecord(record, checks, judged, verdicts);
  saveRecord(after);
  tell(checks, after);
  say(`written to ${RECORD_FILE}`);
}
