/**
 * One pass: which tests reach which check, then every check switched off under the tests that reach it, the quick ones
 * first, until one of them fails.
 */
import type { Plan, Reached } from './plan.ts';
import type { TestRuns } from './test-runs.ts';

/** Tests up to this long are asked about every check left; the next class only about what those let live. */
const CLASSES_MS = [15, 300, 3000, 20_000];
/** A process that a switched-off check has spoilt is given up; the rest of its file is tried again in a new one. */
const ROUNDS_MAX = 12;

export interface Verdicts {
  /** By the check's number: the test that failed. */
  readonly killedBy: ReadonlyMap<number, { readonly file: string; readonly test: string | null }>;
  readonly reached: ReadonlySet<number>;
}

type Todo = Record<string, Record<string, number[]>>;

/** What is left for tests of this length; `given` holds what was given up in its own file's process. */
function todoOf(
  reached: readonly Reached[],
  wanted: (off: number) => boolean,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  given: ReadonlySet<string>,
): Todo {
  const todo: Todo = {};
  for (const { file, tests } of reached) {
    for (const [test, { reached: offs, ms }] of Object.entries(tests)) {
      const left = offs.filter((off) => wanted(off) && !given.has(`${file} ${off}`));
      if (ms >= fromMs && ms < toMs && left.length > 0) (todo[file] ??= {})[test] = left;
    }
  }
  return todo;
}

/** Pairs of file and check in as few runs as can be: each file once in a run. */
function* inRuns(pairs: readonly (readonly [file: string, off: number])[]): Generator<ReadonlyMap<string, number>> {
  let left = [...pairs];
  while (left.length > 0) {
    const batch = new Map<string, number>();
    const taken = new Set<number>();
    for (const [file, off] of left) {
      if (batch.has(file) || taken.has(off)) continue;
      batch.set(file, off);
      taken.add(off);
    }
    yield batch;
    left = left.filter(([file, off]) => batch.get(file) !== off);
  }
}

const reaches = ({ tests, beside }: Reached, off: number): boolean =>
  beside.includes(off) || Object.values(tests).some((test) => test.reached.includes(off));

export async function runMutationPass(
  runs: TestRuns,
  wanted: ReadonlySet<number>,
  files: readonly string[],
  say: (line: string) => void,
  onKills: (killedBy: Verdicts['killedBy']) => void,
): Promise<Verdicts> {
  await runs.run({ is: 'cover' }, files);
  const reached = runs.reached();
  if (reached.length === 0) throw new Error('no test file ran; the log in the folder of this run says why');
  const all = new Set([...wanted].filter((off) => reached.some((one) => reaches(one, off))));
  say(`${reached.length} test files reach ${all.size} of ${wanted.size} checks`);
  const isLeft = (off: number): boolean => wanted.has(off) && !runs.kills().has(off);
  const given = new Set<string>();
  for (const [place, toMs] of CLASSES_MS.entries()) {
    const fromMs = CLASSES_MS[place - 1] ?? 0;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const killed = runs.kills();
      const todo = todoOf(reached, (off) => wanted.has(off) && !killed.has(off), { fromMs, toMs }, given);
      if (Object.keys(todo).length === 0) break;
      const before = given.size;
      await switchOff(runs, todo, given);
      say(`tests below ${toMs} ms, round ${round + 1}: ${runs.kills().size} killed`);
      onKills(runs.kills());
      if (given.size === before) break;
    }
  }
  await tryWhole(runs, reached, given, isLeft);
  return { killedBy: runs.kills(), reached: all };
}

async function switchOff(runs: TestRuns, todo: Todo, given: Set<string>): Promise<void> {
  const end = await runs.run({ is: 'switch', todo }, Object.keys(todo));
  for (const { file, test, off } of runs.tainted()) {
    given.add(`${file} ${off}`);
    // A worker that was still busy when everything had been silent for minutes: the test has no end without the check.
    if (end === 'hung') runs.addKill({ off, file, test });
  }
  runs.clearTainted();
}

/** What is reached by hooks, and what spoilt its process: in a process of its own, switched off from the start. */
async function tryWhole(
  runs: TestRuns,
  reached: readonly Reached[],
  given: ReadonlySet<string>,
  isLeft: (off: number) => boolean,
): Promise<void> {
  const pairs = reached.flatMap(({ file, tests, beside }) => {
    const offs = new Set([...beside, ...Object.values(tests).flatMap((test) => test.reached)]);
    return [...offs]
      .filter((off) => isLeft(off) && (beside.includes(off) || given.has(`${file} ${off}`)))
      .map((off) => [file, off] as const);
  });
  const tests = (file: string, off: number): readonly string[] | null => {
    const found = reached.find((one) => one.file === file);
    if (found === undefined || found.beside.includes(off)) return null;
    return Object.entries(found.tests).flatMap(([name, test]) => (test.reached.includes(off) ? [name] : []));
  };
  for (const batch of inRuns(pairs)) {
    const left = [...batch].filter(([, off]) => isLeft(off));
    const todo = Object.fromEntries(left.map(([file, off]) => [file, { off, tests: tests(file, off) }]));
    const plan: Plan = { is: 'whole', todo };
    if (left.length > 0) await runs.run(plan, Object.keys(todo));
  }
}
