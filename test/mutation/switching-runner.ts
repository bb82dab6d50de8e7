/**
 * Runs tests with security checks switched off, many in one process: first the test as it is, then once for each check,
 * and after each failure once more with everything on. Only when it passes then was it the missing check that failed it.
 */
import { existsSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { TestRunner } from 'vitest';
import { ROOT } from '../arch/source-tree.ts';
import {
  fileKey,
  FOLDER_VARIABLE,
  placesIn,
  readJson,
  writeJson,
  type Kill,
  type Plan,
  type Reached,
  type Tainted,
} from './plan.ts';
import { switchPrograms, takeNotes } from './switched-programs.ts';
import { createSwitchboard } from './switchboard.ts';

type Hook<N extends keyof TestRunner> = Extract<TestRunner[N], (...given: never[]) => unknown>;
type Test = Parameters<Hook<'onBeforeTryTask'>>[0];
type Suite = Parameters<Hook<'onBeforeRunSuite'>>[0];

/** A test that loops or waits for ever without the check: many times its own time, and never less than this. */
const LEAST_LIMIT_MS = 2500;
const LIMIT_FACTOR = 6;

const nameOf = (test: Test): string => {
  const names: string[] = [];
  for (let at: Suite | Test | undefined = test; at !== undefined; at = at.suite) names.unshift(at.name);
  return names.filter((name) => name !== '').join(' > ');
};

interface Turn {
  readonly todo: readonly number[];
  /** 0 is the test as it is; then two for each check: without it, and the test as it is again. */
  index: number;
  ownMs: number;
  hasFailed: boolean;
  /** It does not pass twice, or not any more: no verdict from here on. What follows in this process is judged by its own first run. */
  isOver: boolean;
}

export default class SwitchingRunner extends TestRunner {
  readonly #board = createSwitchboard();
  readonly #places = placesIn(process.env[FOLDER_VARIABLE] ?? '');
  readonly #plan = readJson(this.#places.plan) as Plan;
  #file = '';
  #task: Suite | undefined;
  /** Reached and decisive outside of tests: hooks, loading. */
  readonly #beside = new Set<number>();
  readonly #reached = new Set<number>();
  readonly #tests: Record<string, { decisive: readonly number[]; ms: number }> = {};
  readonly #turns = new WeakMap<Test, Turn>();
  #isTainted = false;
  #errorsBefore = 0;
  #startedAt = 0;

  override onCollectStart(...given: Parameters<TestRunner['onCollectStart']>): void {
    super.onCollectStart(...given);
    this.#task = given[0];
    this.#file = relative(ROOT, given[0].filepath);
    const whole = this.#plan.is === 'whole' ? this.#plan.todo[this.#file] : undefined;
    if (whole !== undefined) this.#switch(whole.off);
  }

  override async onBeforeRunTask(test: Test): Promise<void> {
    const plan = this.#plan;
    if (plan.is === 'whole') {
      const whole = plan.todo[this.#file];
      const isWanted = whole?.tests.includes(nameOf(test)) === true;
      if (!isWanted || this.#isTainted) test.mode = 'skip';
    }
    if (plan.is === 'switch') {
      const todo = (plan.todo[this.#file]?.[nameOf(test)] ?? []).filter((off) => !this.#isKilled(off));
      if (todo.length === 0) test.mode = 'skip';
      else test.repeats = todo.length * 2;
      this.#turns.set(test, { todo, index: 0, ownMs: 0, hasFailed: false, isOver: false });
    }
    await super.onBeforeRunTask(test);
  }

  override onBeforeTryTask(test: Test, options?: { readonly repeats: number }): void {
    super.onBeforeTryTask(test);
    this.#errorsBefore = test.result?.errors?.length ?? 0;
    this.#startedAt = performance.now();
    const turn = this.#turns.get(test);
    if (turn === undefined) this.#startCover();
    else {
      turn.index = options?.repeats ?? 0;
      this.#switch(this.#isSkipped(turn) ? null : this.#offAt(turn));
      // Written before, taken away after: a process that ends or hangs meanwhile leaves it.
      if (this.#board.off !== null) this.#taint({ file: this.#file, test: nameOf(test), off: this.#board.off });
    }
  }

  async runTask(test: Test): Promise<void> {
    const turn = this.#turns.get(test);
    const run = TestRunner.getTestFn(test);
    if (turn !== undefined && this.#isSkipped(turn)) return;
    if (turn === undefined || turn.index === 0) await run();
    else await this.#inTime(run(), Math.max(LEAST_LIMIT_MS, turn.ownMs * LIMIT_FACTOR));
  }

  onAfterRetryTask(test: Test): void {
    const ms = performance.now() - this.#startedAt;
    const turn = this.#turns.get(test);
    const hasFailed = (test.result?.errors?.length ?? 0) > this.#errorsBefore;
    if (turn !== undefined) this.#endTurn(test, turn, hasFailed, ms);
    else if (this.#plan.is === 'cover') {
      const decisive = this.#takeDecisive();
      if (!hasFailed) this.#tests[nameOf(test)] = { decisive: [...decisive], ms };
      switchPrograms(null);
    } else if (hasFailed && this.#board.off !== null) {
      this.#kill({ off: this.#board.off, file: this.#file, test: nameOf(test) });
      this.#isTainted = true;
    }
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    const hasFailed = this.#task?.result?.state === 'fail';
    const { off } = this.#board;
    // A hook, or the file could not even be loaded.
    if (this.#plan.is === 'whole' && hasFailed && off !== null && !this.#isKilled(off))
      this.#kill({ off, file: this.#file, test: null });
    if (this.#plan.is !== 'cover') return;
    for (const off of this.#takeDecisive()) this.#beside.add(off);
    const reached: Reached = {
      file: this.#file,
      tests: this.#tests,
      beside: hasFailed ? [] : [...this.#beside],
      reached: [...this.#reached],
    };
    writeJson(join(this.#places.reached, fileKey(this.#file)), reached);
  }

  #switch(off: number | null): void {
    if (off !== this.#board.off) switchPrograms(off);
    this.#board.off = off;
  }

  #startCover(): void {
    if (this.#plan.is !== 'cover') return;
    for (const off of this.#takeDecisive()) this.#beside.add(off);
    switchPrograms(null);
  }

  /** What was decisive since the last time, here and in the programs. */
  #takeDecisive(): ReadonlySet<number> {
    const notes = takeNotes();
    const decisive = new Set([...this.#board.decisive, ...notes.decisive]);
    for (const off of [...this.#board.reached, ...notes.reached]) this.#reached.add(off);
    this.#board.reached = new Set();
    this.#board.decisive = new Set();
    return decisive;
  }

  #offAt({ todo, index }: Turn): number | null {
    return index % 2 === 0 ? null : (todo[(index - 1) / 2] ?? null);
  }

  #isSkipped(turn: Turn): boolean {
    if (turn.isOver) return true;
    if (turn.index === 0) return false;
    const off = this.#offAt(turn);
    return off === null ? !turn.hasFailed : this.#isKilled(off);
  }

  #endTurn(test: Test, turn: Turn, hasFailed: boolean, ms: number): void {
    const wasSkipped = this.#isSkipped(turn);
    const off = turn.todo[Math.floor((turn.index - 1) / 2)] ?? null;
    this.#switch(null);
    if (wasSkipped) return;
    if (turn.index === 0) {
      turn.ownMs = ms;
      // A test that fails as it is says nothing.
      if (hasFailed) this.#giveUp(test, turn);
    } else if (turn.index % 2 === 1) {
      turn.hasFailed = hasFailed;
      if (!hasFailed) this.#clear();
    } else if (off !== null) {
      turn.hasFailed = false;
      if (hasFailed) this.#giveUp(test, turn);
      else {
        this.#kill({ off, file: this.#file, test: nameOf(test) });
        this.#clear();
      }
    }
  }

  #giveUp(test: Test, turn: Turn): void {
    turn.isOver = true;
    this.#clear();
    const spoilt: Tainted = { file: this.#file, test: nameOf(test), off: null };
    writeJson(join(this.#places.tainted, fileKey(`${spoilt.file} ${spoilt.test}`)), spoilt);
  }

  async #inTime(running: unknown, limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('it does not end without this check')), limitMs);
    });
    try {
      await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #isKilled(off: number): boolean {
    return existsSync(join(this.#places.kills, String(off)));
  }

  #kill(kill: Kill): void {
    writeJson(join(this.#places.kills, String(kill.off)), kill);
  }

  #taint(tainted: Tainted): void {
    writeJson(join(this.#places.tainted, fileKey(tainted.file)), tainted);
  }

  #clear(): void {
    rmSync(join(this.#places.tainted, fileKey(this.#file)), { force: true });
  }
}
