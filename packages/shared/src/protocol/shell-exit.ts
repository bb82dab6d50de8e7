import { integer, nullable, object, oneOf, parseJson, text, type Checked, type Parsed } from './check.ts';

/** How a shell ended; the same words in the exit frame (SHELL3) and in the last chunk of its recording (SHELL7). */
export const SHELL_ENDINGS = ['exited', 'closed', 'time-limit', 'crashed', 'link-lost', 'recording-failed'] as const;
export type ShellEnding = (typeof SHELL_ENDINGS)[number];

export const checkShellExit = object({
  ending: oneOf(SHELL_ENDINGS),
  /** Exit status of the shell; null when a signal ended it or it was not seen to end. */
  status: nullable(integer(0, 255)),
  /** Number of the signal, or null. */
  signal: nullable(integer(1, 64)),
  /** Processes of the session that could not be ended. */
  leftOver: integer(0, 100_000),
  /** One sentence for the person at the terminal. */
  detail: text(500),
});
/** Body of an exit frame. */
export type ShellExit = Checked<typeof checkShellExit>;

/** Parses the body of an exit frame. Never throws. */
export const parseShellExit = (source: string): Parsed<ShellExit> => parseJson(checkShellExit, source);
