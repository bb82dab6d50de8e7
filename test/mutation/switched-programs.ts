/**
 * The same switches in the programs that tests start: what is bundled for them comes from the instrumented sources, and
 * asks a file of this test worker at each check. It is read anew each time: a program that lives longer than one test
 * follows, and so does one that is started without our environment.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin } from 'esbuild';
import { ROOT } from '../arch/source-tree.ts';
import { SAID, SWITCH } from './instrument.ts';
import { FOLDER_VARIABLE, placesIn, readJson } from './plan.ts';
import { isDecisive } from './switchboard.ts';

const folder = process.env[FOLDER_VARIABLE] ?? '';
const ownFile = (name: string): string => join(placesIn(folder).programs, `${process.pid}.${name}`);

export interface SwitchedPrograms {
  readonly plugins: Plugin[];
  /** Text for the start of the program. */
  readonly banner: string;
}

/** Nothing of it outside a mutation pass. */
export function switchedPrograms(): SwitchedPrograms {
  if (folder === '') return { plugins: [], banner: '' };
  const sources = readJson(placesIn(folder).sources) as Readonly<Record<string, string>>;
  const plugin: Plugin = {
    name: 'switched-checks',
    setup: (build) =>
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = sources[relative(ROOT, path)];
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      }),
  };
  return { plugins: [plugin], banner: bannerOf(ownFile('off'), ownFile('reached')) };
}

/** What is written to `.off` is the turn and the number; at each new turn a program notes anew what it reaches. */
const bannerOf = (off: string, reached: string): string => `
import { appendFileSync as noteCheck, readFileSync as askCheck } from 'node:fs';
{
  let turn = '';
  let seen = new Set();
  const note = (text) => {
    if (seen.has(text)) return;
    seen.add(text);
    try { noteCheck(${JSON.stringify(reached)}, text + '\\n'); } catch {}
  };
  globalThis.${SWITCH} = (number) => {
    let now = ' ';
    try { now = askCheck(${JSON.stringify(off)}, 'utf8'); } catch {}
    if (now !== turn) { turn = now; seen = new Set(); }
    note('reached ' + number);
    return now.split(' ')[1] === String(number);
  };
  const isDecisive = ${isDecisive.toString()};
  globalThis.${SAID} = (number, removed, value) => {
    if (isDecisive(value, removed)) note('decisive ' + number);
    return value;
  };
}
`;

let turns = 0;

/** From now on the programs of this worker run without this check (null: with all). */
export function switchPrograms(off: number | null): void {
  mkdirSync(placesIn(folder).programs, { recursive: true });
  turns += 1;
  writeFileSync(ownFile('new'), `${turns} ${off ?? ''}`);
  renameSync(ownFile('new'), ownFile('off'));
}

/** What they asked and what was decisive since this was asked last. */
export function takeNotes(): { readonly reached: readonly number[]; readonly decisive: readonly number[] } {
  if (!existsSync(ownFile('reached'))) return { reached: [], decisive: [] };
  renameSync(ownFile('reached'), ownFile('read'));
  const notes = readFileSync(ownFile('read'), 'utf8').split('\n');
  const of = (word: string): number[] =>
    notes.flatMap((note) => (note.startsWith(`${word} `) ? [Number(note.slice(word.length))] : []));
  return { reached: of('reached'), decisive: of('decisive') };
}
