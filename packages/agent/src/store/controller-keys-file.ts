import { HaubanError } from '@hauban/shared/errors';
import {
  checkAuthorityStep,
  checkLinkStep,
  integer,
  list,
  literal,
  object,
  parseJson,
  text,
  UUID_PATTERN,
  type Checked,
} from '@hauban/shared/protocol';
import { readOwnFile } from './read-own-file.ts';
import { writeDurably } from './write-durably.ts';

/** Link keys of the controller that were followed to since the enrolment; the link process's own file. */
const checkControllerKeys = object({
  v: literal(1),
  /** Of which enrolment. */
  controllerId: text(36, { pattern: new RegExp(UUID_PATTERN) }),
  root: text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ }),
  steps: list(checkLinkStep, 10_000),
  authoritySteps: list(checkAuthorityStep, 10_000),
  /** Version of the authority key that the executor obeys. */
  obeyed: integer(0, 10_000),
});
export type ControllerKeysFile = Checked<typeof checkControllerKeys>;

const MAX_BYTES = 16 * 1024 * 1024;

function readOwnBytes(path: string): ReturnType<typeof readOwnFile> {
  try {
    return readOwnFile(path, MAX_BYTES);
  } catch (error) {
    throw new HaubanError('CONFIG_BAD', `${path} cannot be read.`, { cause: error });
  }
}

/** Null: none yet. CONFIG_BAD when it is damaged: nobody knows then which keys were replaced. */
export function loadControllerKeys(path: string): ControllerKeysFile | null {
  const bytes = readOwnBytes(path);
  if (bytes === null) return null;
  const parsed = bytes === 'unfit' ? null : parseJson(checkControllerKeys, bytes.toString());
  if (parsed?.ok === true) return parsed.value;
  const why = parsed?.problem ?? 'it is too long, or no file';
  throw new HaubanError(
    'CONFIG_BAD',
    `${path} is damaged (${why}), so nobody knows which link keys of the controller were replaced: remove it, or enrol this node again.`,
  );
}

/** Throws HaubanError FILE_FAILED. */
export const storeControllerKeys = (path: string, keys: ControllerKeysFile): void =>
  writeDurably(path, Buffer.from(`${JSON.stringify(keys)}\n`), { mode: 0o600, gid: null });
