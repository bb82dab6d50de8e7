import { closeSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileFailed, openNew, writeAll } from './write-durably.ts';

/**
 * Two files between the executor and a shell host that systemd starts: its options, which are its standard input, and
 * its one line of answer, its standard output. `hauban-shell@.service` names the same paths. They are the owner's only,
 * and gone when the shell has started.
 */
export interface ShellExchange {
  /** What the host has said so far. */
  answer(): string;
  remove(): void;
}

/** Fails when there are such files already: a session is opened once. */
export function createShellExchange(folder: string, session: string, options: string): ShellExchange {
  const optionsFile = join(folder, `${session}.options`);
  const answerFile = join(folder, `${session}.answer`);
  try {
    for (const [path, text] of [
      [optionsFile, options],
      [answerFile, ''],
    ] as const) {
      const descriptor = openNew(path, { mode: 0o600, gid: null });
      try {
        writeAll(descriptor, Buffer.from(text));
      } finally {
        closeSync(descriptor);
      }
    }
  } catch (error) {
    throw fileFailed(optionsFile, 'cannot write', error);
  }
  return {
    answer: () => {
      try {
        return readFileSync(answerFile, 'utf8');
      } catch (error) {
        throw fileFailed(answerFile, 'cannot read', error);
      }
    },
    remove: () => {
      rmSync(optionsFile, { force: true });
      rmSync(answerFile, { force: true });
    },
  };
}
