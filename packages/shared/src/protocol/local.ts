import { checkTrustItem } from './authority-step.ts';
import {
  flag,
  integer,
  json,
  list,
  literal,
  nullable,
  object,
  oneOf,
  parseJson,
  text,
  type Check,
  type Checked,
  type Parsed,
} from './check.ts';
import { UUID_PATTERN } from './ids.ts';
import { checkSignedReceiptStep } from './receipt-step.ts';
import { SHELL_ENDINGS } from './shell-exit.ts';

/**
 * Messages between the link process (unprivileged) and the executor (root) over the Unix socket, each framed as
 * a 4-byte big-endian length, one kind byte (`LOCAL_KINDS`), then the body. The executor treats every byte as hostile.
 */
export const LOCAL_KINDS = { json: 1, shell: 2 } as const;
export const LOCAL_LIMIT_BYTES = 1024 * 1024 + 64;

const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const jws = text(400_000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });

const toExecutor = {
  /** An order as it came over the link; action or shell permit. */
  order: object({ t: literal('order'), jws }),
  'receipt.ack': object({ t: literal('receipt.ack'), order: uuid }),
  'recording.ack': object({ t: literal('recording.ack'), session: uuid, index: integer(0, 2 ** 31) }),
  /** As it came over the link: what the controller says it has; nothing is given up for it (rule KEYS28). */
  'receipt-key.held': object({ t: literal('receipt-key.held'), version: integer(1, 1_000_000) }),
  /** As they came over the link; the executor believes none of it. */
  bundles: object({ t: literal('bundles'), items: list(checkTrustItem, 50) }),
  /** Asks for facts, open shells, unacknowledged receipts and recording chunks; sent after each `ready`. */
  sync: object({ t: literal('sync') }),
} as const;

const fromExecutor = {
  facts: object({
    t: literal('facts'),
    isRoot: flag,
    actions: list(object({ name: text(64), version: integer(1, 10_000) }), 500),
    policyText: text(65_536, { multiline: true }),
    shells: list(uuid, 1000),
    bundle: integer(0, 1_000_000),
    authority: integer(0, 10_000),
  }),
  taken: object({ t: literal('taken'), order: uuid }),
  progress: object({
    t: literal('progress'),
    order: uuid,
    step: text(500),
    done: integer(0, 100_000),
    total: integer(0, 100_000),
  }),
  /** The last of what the programs of an order printed since the message before (rule ORDER15). */
  output: object({ t: literal('output'), order: uuid, text: text(4096, { multiline: true }) }),
  receipt: object({ t: literal('receipt'), jws }),
  'receipt-key.step': object({ t: literal('receipt-key.step'), step: checkSignedReceiptStep }),
  /** A shell host listens at this socket path (below the run folder): the link process connects to it. */
  'shell.started': object({ t: literal('shell.started'), session: uuid, socket: text(100) }),
  'shell.refused': object({ t: literal('shell.refused'), session: uuid, code: text(64), detail: text(500) }),
  /** A recording chunk file is ready to be read by the link process. */
  'recording.ready': object({
    t: literal('recording.ready'),
    session: uuid,
    index: integer(0, 2 ** 31),
    file: text(300),
  }),
} as const;

type MessageOf<T extends Record<string, Check<unknown>>> = { [K in keyof T]: Checked<T[K]> }[keyof T];
export type ToExecutor = MessageOf<typeof toExecutor>;
export type FromExecutor = MessageOf<typeof fromExecutor>;

function parseLocal<T>(table: Record<string, Check<T>>, source: string): Parsed<T> {
  const typed = parseJson(json, source);
  if (!typed.ok) return typed;
  const type = typeof typed.value === 'object' && typed.value !== null ? (typed.value as { t?: unknown }).t : undefined;
  const check = typeof type === 'string' && Object.hasOwn(table, type) ? table[type] : undefined;
  return check === undefined ? { ok: false, problem: 't must be a known message type' } : parseJson(check, source);
}

export const parseToExecutor = (source: string): Parsed<ToExecutor> => parseLocal<ToExecutor>(toExecutor, source);
export const parseFromExecutor = (source: string): Parsed<FromExecutor> =>
  parseLocal<FromExecutor>(fromExecutor, source);

/** Recording chunk header (rule SHELL7): signed by the receipt key as JWS with `typ: hauban-recording+jwt`. */
export const RECORDING_TYPE = 'hauban-recording+jwt';
export const checkRecordingHeader = object({
  v: literal(1),
  session: uuid,
  node: uuid,
  index: integer(0, 2 ** 31),
  /** SHA-256 (hex) of the previous chunk's JWS, or null for chunk 0. */
  prev: nullable(text(64, { pattern: /^[0-9a-f]{64}$/ })),
  /** Times of the first and last event, Unix ms. */
  from: integer(0, 8_640_000_000_000_000),
  to: integer(0, 8_640_000_000_000_000),
  events: integer(0, 10_000_000),
  /** SHA-256 (hex) of the deflated data. */
  sha256: text(64, { pattern: /^[0-9a-f]{64}$/ }),
  /** Output bytes recorded before this chunk and in it. */
  offset: integer(0, 2 ** 50),
  bytes: integer(0, 2 ** 31),
  last: flag,
  /** Why the session ended, in the last chunk. */
  ended: nullable(oneOf(SHELL_ENDINGS)),
});
export type RecordingHeader = Checked<typeof checkRecordingHeader>;

/** A recording chunk as it travels (frame type 5) and lies on disk: 4-byte JWS length, JWS (ASCII), deflated data. */
export function splitRecordingChunk(bytes: Uint8Array): { readonly jws: string; readonly data: Uint8Array } | null {
  if (bytes.length < 5) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  if (length < 10 || length > 8192 || 4 + length > bytes.length) return null;
  const source = new TextDecoder('utf-8').decode(bytes.subarray(4, 4 + length));
  return /^[A-Za-z0-9_.-]+$/.test(source) ? { jws: source, data: bytes.subarray(4 + length) } : null;
}
