/**
 * One pass: which tests can see which check, then every check switched off under the tests that can, the quick ones first,
 * until one of them fails.
 */
import type { Plan, Reached } from './plan.ts';
import type { TestRuns } from './test-runs.ts';

/** Each check is first tried by so many of the quickest tests that can see it, up to this length; then by all others up to each length. */
const QUICKEST = 3;
const QUICK_MS = 1000;
const CLASSES_MS = [300, 3000, 30_000];
/** A process that ends or hangs without a check leaves the rest of its file to a new one. */
const ROUNDS_MAX = 6;

export interface Verdicts {
  /** By the check's number: the test that failed. */
  readonly killedBy: ReadonlyMap<number, { readonly file: string; readonly test: string | null }>;
  readonly reached: ReadonlySet<number>;
}

type Asked = Record<string, number[]>;
type Todo = Record<string, Asked>;

/** Pairs of test and check that may be asked. `given` holds tests that do not pass twice, and checks that ended a file's process. */
function todoOf(
  reached: readonly Reached[],
  wanted: (off: number) => boolean,
  isIn: (ms: number, rank: number) => boolean,
  given: ReadonlySet<string>,
): Todo {
  const byCheck = new Map<number, { readonly file: string; readonly test: string; readonly ms: number }[]>();
  for (const { file, tests } of reached)
    for (const [test, { decisive: offs, ms }] of Object.entries(tests))
      for (const off of offs)
        if (wanted(off) && !given.has(`${file} ${test}`) && !given.has(`${file} ${off}`))
          byCheck.set(off, [...(byCheck.get(off) ?? []), { file, test, ms }]);
  const todo: Todo = {};
  for (const [off, asked] of byCheck)
    for (const [rank, { file, test, ms }] of asked.toSorted((a, b) => a.ms - b.ms).entries())
      if (isIn(ms, rank)) ((todo[file] ??= {})[test] ??= []).push(off);
  return quickestFirst(todo, reached);
}

/** Its order is that of the run: what a quick file kills is asked of no slow one. */
function quickestFirst(todo: Todo, reached: readonly Reached[]): Todo {
  const costOf = (file: string, tests: Asked): number => {
    const known = reached.find((one) => one.file === file)?.tests ?? {};
    return Object.entries(tests).reduce((sum, [test, offs]) => sum + (known[test]?.ms ?? 0) * offs.length, 0);
  };
  const costs = Object.entries(todo).map(([file, tests]) => ({ file, tests, cost: costOf(file, tests) }));
  return Object.fromEntries(costs.toSorted((a, b) => a.cost - b.cost).map(({ file, tests }) => [file, tests]));
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
  const all = new Set([...wanted].filter((off) => reached.some((one) => one.reached.includes(off))));
  say(`${reached.length} test files reach ${all.size} of ${wanted.size} checks`);
  const isLeft = (off: number): boolean => wanted.has(off) && !runs.kills().has(off);
  const given = new Set<string>();
  const steps = [
    { name: 'the quickest tests', isIn: (ms: number, rank: number) => rank < QUICKEST && ms < QUICK_MS },
    ...CLASSES_MS.map((toMs) => ({ name: `tests below ${toMs} ms`, isIn: (ms: number) => ms < toMs })),
  ];
  const asked = new Set<string>();
  for (const { name, isIn } of steps) {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const todo = notAsked(todoOf(reached, isLeft, isIn, given), asked);
      if (Object.keys(todo).length === 0) break;
      const before = given.size;
      say(`${name}: ${Object.keys(todo).length} files`);
      const ended = await switchOff(runs, todo, given);
      // What else was to be asked in a process that ended is asked anew.
      for (const each of asked) if (ended.some((file) => each.startsWith(`${file} `))) asked.delete(each);
      say(`${name}, round ${round + 1}: ${runs.kills().size} killed`);
      onKills(runs.kills());
      if (given.size === before) break;
    }
  }
  await tryWhole(runs, reached, given, isLeft);
  return { killedBy: runs.kills(), reached: all };
}

/** Without what an earlier step has asked; all of it counts as asked from now on. */
function notAsked(todo: Todo, asked: Set<string>): Todo {
  const left: Todo = {};
  for (const [file, tests] of Object.entries(todo)) {
    for (const [test, offs] of Object.entries(tests)) {
      const fresh = offs.filter((off) => !asked.has(`${file} ${test} ${off}`));
      for (const off of fresh) asked.add(`${file} ${test} ${off}`);
      if (fresh.length > 0) (left[file] ??= {})[test] = fresh;
    }
  }
  return left;
}

/** Files whose process did not come to its end. */
async function switchOff(runs: TestRuns, todo: Todo, given: Set<string>): Promise<readonly string[]> {
  const end = await runs.run({ is: 'switch', todo }, Object.keys(todo));
  const tainted = runs.tainted();
  for (const { file, test, off } of tainted) {
    given.add(`${file} ${off ?? test}`);
    // A worker that was still busy when everything had been silent for minutes: the test has no end without the check.
    if (end === 'hung' && off !== null) runs.addKill({ off, file, test });
  }
  runs.clearTainted();
  return tainted.flatMap(({ file, off }) => (off === null ? [] : [file]));
}

/**
 * What is reached by hooks, by tests that do not pass twice, and what ended its process: in a process of its own, switched
 * off from the start, with all the tests before it that pass as they are.
 */
async function tryWhole(
  runs: TestRuns,
  reached: readonly Reached[],
  given: ReadonlySet<string>,
  isLeft: (off: number) => boolean,
): Promise<void> {
  const lastOf = ({ file, tests }: Reached, off: number): number =>
    Object.entries(tests).findLastIndex(
      ([test, { decisive: offs }]) =>
        offs.includes(off) && (given.has(`${file} ${test}`) || given.has(`${file} ${off}`)),
    );
  const pairs = reached.flatMap((one) => {
    const offs = new Set([...one.beside, ...Object.values(one.tests).flatMap((test) => test.decisive)]);
    return [...offs]
      .filter((off) => isLeft(off) && (one.beside.includes(off) || lastOf(one, off) >= 0))
      .map((off) => [one.file, off] as const);
  });
  const testsOf = (file: string, off: number): readonly string[] => {
    const found = reached.find((one) => one.file === file);
    if (found === undefined) return [];
    const names = Object.keys(found.tests);
    return found.beside.includes(off) ? names : names.slice(0, lastOf(found, off) + 1);
  };
  for (const batch of inRuns(pairs)) {
    const left = [...batch].filter(([, off]) => isLeft(off));
    const todo = Object.fromEntries(left.map(([file, off]) => [file, { off, tests: testsOf(file, off) }]));
    const plan: Plan = { is: 'whole', todo };
    if (left.length > 0) await runs.run(plan, Object.keys(todo));
  }
}
