import { mkdirSync, statSync } from 'node:fs';
import { fileFailed } from './write-durably.ts';

/** Is there a folder at this path? A link to one counts. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Makes a folder and those above it, unless they are there. @param mode of the folders that are made */
export function ensureFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw fileFailed(path, 'cannot make', error);
  }
}
