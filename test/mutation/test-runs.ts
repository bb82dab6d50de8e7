import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../arch/source-tree.ts';
import { instrument } from './instrument.ts';
import {
  FOLDER_VARIABLE,
  placesIn,
  readJson,
  writeJson,
  type Kill,
  type Plan,
  type Reached,
  type Tainted,
} from './plan.ts';
import type { SecurityCheck } from './scan-checks.ts';

/** Beyond any single test with its own limit; a worker that loops without end writes nothing any more. */
const SILENT_MS = 180_000;

export interface TestRuns {
  /** Runs the plan with these test files (none: all); resolves when it is over or stopped writing. */
  run(plan: Plan, files?: readonly string[]): Promise<'ended' | 'hung'>;
  reached(): readonly Reached[];
  kills(): ReadonlyMap<number, Kill>;
  /** What was being tried in the processes that did not come to their end. */
  tainted(): readonly Tainted[];
  clearTainted(): void;
  /** A kill that no worker could write. */
  addKill(kill: Kill): void;
}

function readAll<T>(folder: string): T[] {
  return readdirSync(folder).map((name) => readJson(join(folder, name)) as T);
}

/** Newest change in the folders, Unix ms. */
const changedMs = (folders: readonly string[]): number => Math.max(...folders.map((each) => statSync(each).mtimeMs));

/** Test runs of one set of checks; `folder` is new and belongs to it. A check's number is its place in the list. */
export function createTestRuns(
  folder: string,
  texts: ReadonlyMap<string, string>,
  checks: readonly SecurityCheck[],
): TestRuns {
  const places = placesIn(folder);
  for (const each of [places.reached, places.kills, places.tainted]) mkdirSync(each, { recursive: true });
  const numbers = new Map(checks.map((check, number) => [check, number]));
  const paths = [...new Set(checks.map(({ path }) => path))];
  const sources = paths.map((path) => {
    const own = checks.filter((check) => check.path === path);
    return [path, instrument(texts.get(path) ?? '', own, (check) => numbers.get(check) ?? -1)];
  });
  writeJson(places.sources, Object.fromEntries(sources));

  return {
    async run(plan, files = []) {
      writeJson(places.plan, plan);
      const log = openSync(join(folder, `${plan.is}.log`), 'a');
      const startedAt = Date.now();
      const child = spawn(
        process.execPath,
        [
          join(ROOT, 'scripts/plain-login.mjs'),
          join(ROOT, 'node_modules/vitest/vitest.mjs'),
          ...['run', '--config', join(ROOT, 'test/mutation/vitest.config.ts'), '--reporter=default'],
          ...files,
        ],
        {
          cwd: ROOT,
          env: {
            ...process.env,
            [FOLDER_VARIABLE]: folder,
            NO_COLOR: '1',
            VITEST: undefined,
            VITEST_WORKER_ID: undefined,
          },
          stdio: ['ignore', log, log],
          detached: true,
        },
      );
      closeSync(log);
      let isHung = false;
      const watch = setInterval(() => {
        const lastMs = Math.max(startedAt, changedMs([places.reached, places.kills, places.tainted]));
        if (plan.is === 'cover' || Date.now() - lastMs < SILENT_MS || child.pid === undefined) return;
        isHung = true;
        process.kill(-child.pid, 'SIGKILL');
      }, 5000);
      await new Promise((resolve) => child.once('close', resolve));
      clearInterval(watch);
      return isHung ? 'hung' : 'ended';
    },
    reached: () => readAll<Reached>(places.reached),
    kills: () => new Map(readAll<Kill>(places.kills).map((kill) => [kill.off, kill])),
    tainted: () => readAll<Tainted>(places.tainted),
    clearTainted: () => {
      for (const name of readdirSync(places.tainted)) rmSync(join(places.tainted, name));
    },
    addKill: (kill) => writeJson(join(places.kills, String(kill.off)), kill),
  };
}
