import {
  flag,
  integer,
  list,
  literal,
  nullable,
  object,
  parseJson,
  record,
  text,
  UUID_PATTERN,
  type Checked,
  type Parsed,
} from '@hauban/shared/protocol';

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const path = text(4096, { pattern: /^\/[^\0]*$/ });
const timeMs = integer(0, 8_640_000_000_000_000);

/** What the executor hands to a shell host on its standard input, decided in every point. Paths are absolute. */
const checkShellOptions = object({
  v: literal(1),
  session: uuid,
  node: uuid,
  /** Shown by players. */
  title: text(200),
  /** Folder of the recording, made by the executor. */
  folder: path,
  /** Socket to listen on; at most 100 bytes, the kernel takes 107. */
  socket: text(100, { pattern: /^\/[^\0]*$/ }),
  /** Group of the link process, which may connect and read chunks; null: only the own user. */
  gid: nullable(integer(0, 2 ** 32 - 2)),
  /** File of the node's receipt key. */
  receiptKey: path,
  program: path,
  args: list(text(4096), 64),
  env: record(/^[A-Z][A-Z0-9_]{0,63}$/, text(4096), 32),
  cwd: path,
  columns: integer(1, 1000),
  rows: integer(1, 1000),
  endsAt: timeMs,
  /** How long the shell goes on while nobody is attached. */
  graceMs: integer(0, 86_400_000),
  /** The shell ends after this long without input or output; 0: never. */
  idleMs: integer(0, 7 * 86_400_000),
  recordInput: flag,
  minimumFreeBytes: integer(0, 2 ** 50),
});
export type ShellOptions = Checked<typeof checkShellOptions>;

export const SHELL_OPTIONS_LIMIT_BYTES = 64 * 1024;

export const parseShellOptions = (source: string): Parsed<ShellOptions> => parseJson(checkShellOptions, source);

/** `host.json` in the recording's folder: who records it. With the start time the pid names one process for ever. */
const checkHostFile = object({ v: literal(1), session: uuid, pid: integer(1, 2 ** 31), start: text(20), socket: path });
export type HostFile = Checked<typeof checkHostFile>;

export const parseHostFile = (source: string): Parsed<HostFile> => parseJson(checkHostFile, source);

/** The one line that a shell host writes to its standard output: it has started the shell, or why not. */
const checkHostAnswer = object({ started: flag, problem: text(500) });
export type HostAnswer = Checked<typeof checkHostAnswer>;

export const parseHostAnswer = (source: string): Parsed<HostAnswer> => parseJson(checkHostAnswer, source);
