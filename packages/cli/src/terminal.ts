import { isatty } from 'node:tty';
import { createInterface } from 'node:readline/promises';
import Table from 'cli-table3';
import { plainLine } from './plain-text.ts';

/** The terminal as an argument, so that tests can read what was said. */
export interface Terminal {
  readonly isInteractive: boolean;
  out(text: string): void;
  err(text: string): void;
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string>;
  /** Ctrl-C, or a request to end; the result gives both their usual meaning back. */
  onInterrupt(listener: () => void): () => void;
}

export function createTerminal(): Terminal {
  return {
    isInteractive: isatty(0) && isatty(1),
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    ask: async (question, options = {}) => {
      const reader = createInterface({
        input: process.stdin,
        output: process.stderr,
        terminal: isatty(0),
      });
      try {
        if (options.hidden === true && isatty(0)) {
          process.stderr.write(question);
          // readline echoes what is typed through its output; a muted one keeps the password off the screen.
          (reader as unknown as { _writeToOutput: (text: string) => void })._writeToOutput = () => undefined;
          const answer = await reader.question('');
          process.stderr.write('\n');
          return answer;
        }
        return await reader.question(question);
      } finally {
        reader.close();
      }
    },
    onInterrupt: (listener) => {
      process.once('SIGINT', listener).once('SIGTERM', listener);
      return () => void process.off('SIGINT', listener).off('SIGTERM', listener);
    },
  };
}

/** A table for people; every cell is made safe for the terminal. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const blank = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const table = new Table({
    head: [...head],
    chars: blank,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map(plainLine));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Local time of the reader, to the second. */
export function localTime(atMs: number | null, none = 'never'): string {
  if (atMs === null) return none;
  const date = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function percent(ratio: number | null): string {
  return ratio === null ? '-' : `${Math.round(ratio * 100)} %`;
}
