import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { HaubanError } from '@hauban/shared/errors';
import {
  checkAuthorityStep,
  list,
  literal,
  nullable,
  object,
  parseJson,
  text,
  UUID_PATTERN,
  type Checked,
} from '@hauban/shared/protocol';
import { writeDurably } from './write-durably.ts';

/** Whom this node trusts, `trust.json`: written once by the enrolment, root's file, readable by the link process. */
const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const key = text(43, { pattern: /^[A-Za-z0-9_-]{43}$/ });
const checkTrust = object({
  v: literal(1),
  /** Address that is dialled, `ws(s)://host[:port]/link`. */
  url: text(2000, { pattern: /^wss?:\/\/[^\s]+$/ }),
  nodeId: uuid,
  controllerId: uuid,
  controllerKey: key,
  authorityKeys: list(object({ kid: text(64, { min: 1 }), key }), 8),
  /** From those keys to the one in force when this was written, verified, the oldest first. */
  authoritySteps: list(checkAuthorityStep, 10_000),
  /** Certificates (PEM) for TLS to the controller, instead of those that Node ships. */
  ca: nullable(text(65_536, { multiline: true })),
});
export type Trust = Checked<typeof checkTrust>;

/** A file of an older version of this program knows no steps: there were none. */
const parseTrust = (source: string) =>
  parseJson(
    (value, path) =>
      checkTrust(typeof value === 'object' && value !== null ? { authoritySteps: [], ...value } : value, path),
    source,
  );

const TRUST_MAX_BYTES = 1024 * 1024;

/** Null when the node is not enrolled. CONFIG_BAD when the file is damaged. */
export function loadTrust(path: string): Trust | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'ENOENT') return null;
    throw new HaubanError('CONFIG_BAD', `${path} cannot be read: ${String(error.code)}.`, { cause: error });
  }
  try {
    if (fstatSync(descriptor).size > TRUST_MAX_BYTES) throw new HaubanError('CONFIG_BAD', `${path} is too long.`);
    const parsed = parseTrust(readFileSync(descriptor, 'utf8'));
    if (parsed.ok) return parsed.value;
    throw new HaubanError(
      'CONFIG_BAD',
      `${path} is not usable (${parsed.problem}): enrol this node again with --force.`,
    );
  } finally {
    closeSync(descriptor);
  }
}

/** Mode 644: it holds no secret. The last thing that an enrolment writes. */
export const storeTrust = (path: string, trust: Trust): void =>
  writeDurably(path, Buffer.from(`${JSON.stringify(trust, null, 2)}\n`), { mode: 0o644, gid: null });
