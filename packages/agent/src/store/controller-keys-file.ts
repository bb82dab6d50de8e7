import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
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

/** Null: none yet. CONFIG_BAD when it is damaged: nobody knows then which keys were replaced. */
export function loadControllerKeys(path: string): ControllerKeysFile | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new HaubanError('CONFIG_BAD', `${path} cannot be read.`, { cause: error });
  }
  try {
    const isFit = fstatSync(descriptor).isFile() && fstatSync(descriptor).size <= MAX_BYTES;
    const parsed = isFit ? parseJson(checkControllerKeys, readFileSync(descriptor, 'utf8')) : null;
    if (parsed?.ok === true) return parsed.value;
    const why = parsed?.problem ?? 'it is too long';
    throw new HaubanError(
      'CONFIG_BAD',
      `${path} is damaged (${why}), so nobody knows which link keys of the controller were replaced: remove it, or enrol this node again.`,
    );
  } finally {
    closeSync(descriptor);
  }
}

/** Throws HaubanError FILE_FAILED. */
export const storeControllerKeys = (path: string, keys: ControllerKeysFile): void =>
  writeDurably(path, Buffer.from(`${JSON.stringify(keys)}\n`), { mode: 0o600, gid: null });
