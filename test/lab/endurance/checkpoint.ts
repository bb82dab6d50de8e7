import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findRepositoryFolder } from '../lab-folders.ts';

/** What a long proof has done so far, kept in the cache, so that a run that is cut off goes on. */
export interface Checkpoint<T> {
  /** What was kept and belongs to the same proof; else null. */
  readonly load: (isSame: (kept: T) => boolean) => T | null;
  readonly save: (state: T) => void;
  readonly forget: () => void;
}

export function createCheckpoint<T>(name: string): Checkpoint<T> {
  const file = join(findRepositoryFolder(), `.cache/endurance/${name}.json`);
  return {
    load(isSame) {
      try {
        const kept = JSON.parse(readFileSync(file, 'utf8')) as T;
        return isSame(kept) ? kept : null;
      } catch (error) {
        // None yet, or one that a crash cut off: begin again.
        if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return null;
      }
    },
    save(state) {
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(`${file}.new`, JSON.stringify(state));
      renameSync(`${file}.new`, file);
    },
    forget: () => rmSync(file, { force: true }),
  };
}
