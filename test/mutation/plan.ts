/** What the driver tells the test workers, and what they answer: files in one folder, named by the environment. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of a run. */
export const FOLDER_VARIABLE = 'HAUBAN_MUTATION_FOLDER';

export type Plan =
  /** Every test once, as it is; what it reaches is written down. */
  | { readonly is: 'cover' }
  /** Each test again for each of these checks switched off: test file, test name, numbers. */
  | { readonly is: 'switch'; readonly todo: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> }
  /** A whole test file with one check switched off from its start. */
  | {
      readonly is: 'whole';
      readonly todo: Readonly<Record<string, { readonly off: number; readonly tests: readonly string[] }>>;
    };

/** Of one test file: where each test could see a difference, and where the hooks and the loading of the file could. */
export interface Reached {
  readonly file: string;
  readonly tests: Readonly<Record<string, { readonly decisive: readonly number[]; readonly ms: number }>>;
  readonly beside: readonly number[];
  /** All that it came by. */
  readonly reached: readonly number[];
}

/**
 * `off` null: a test that did not pass any more with every check on, so that nothing else is asked of it in one process
 * with others. A number: what was being tried when the process came to its end.
 */
export interface Tainted {
  readonly file: string;
  readonly test: string;
  readonly off: number | null;
}

export interface Kill {
  readonly off: number;
  readonly file: string;
  /** Null: a hook, or the loading of the file. */
  readonly test: string | null;
}

export const fileKey = (file: string): string => createHash('sha256').update(file).digest('hex').slice(0, 16);

export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
export const writeJson = (path: string, value: unknown): void => writeFileSync(path, JSON.stringify(value));

export const placesIn = (folder: string) => ({
  plan: join(folder, 'plan.json'),
  /** Instrumented sources by path. */
  sources: join(folder, 'sources.json'),
  reached: join(folder, 'reached'),
  kills: join(folder, 'kills'),
  tainted: join(folder, 'tainted'),
  /** By worker: what its programs have switched off, and what they reached. */
  programs: join(folder, 'programs'),
});
