import { HaubanError } from '@hauban/shared/errors';
import {
  flag,
  integer,
  list,
  literal,
  object,
  oneOf,
  parseJson,
  text,
  type Check,
  type Checked,
} from '@hauban/shared/protocol';

/**
 * What stands inside a backup: records of a kind (1 byte), a length (4 bytes) and bytes. A manifest first; then each entry
 * (its head as JSON, its data), and the word that this is the end.
 */
const KINDS = { head: 1, data: 2, end: 3 } as const;
const MOST_BYTES = 16 * 1024 * 1024;

const name = text(63, { pattern: /^[a-z_][a-z0-9_]*$/ });
const checkManifest = object({
  is: literal('manifest'),
  controllerId: text(36),
  madeAt: integer(0, 8_640_000_000_000_000),
  /** Hashes of the migrations that have made its tables. */
  migrations: list(text(64, { pattern: /^[0-9a-f]{64}$/ }), 1000),
  partitions: list(
    object({ name, parent: name, bound: text(100, { pattern: /^FOR VALUES FROM \('?-?\d+'?\) TO \('?-?\d+'?\)$/ }) }),
    100_000,
  ),
  sequences: list(object({ name, last: text(20, { pattern: /^-?\d+$/ }), isCalled: flag }), 1000),
});
const checkTable = object({ is: literal('table'), name, columns: list(name, 1000) });
const checkFile = object({
  is: literal('file'),
  folder: oneOf(['controller', 'signer'] as const),
  /** Below that folder. */
  path: text(300, { pattern: /^(?!.*\.\.)[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/ }),
});
export type Manifest = Checked<typeof checkManifest>;
export type TableHead = Checked<typeof checkTable>;
type FileHead = Checked<typeof checkFile>;
type Head = Manifest | TableHead | FileHead;

export type BackupItem =
  | { readonly is: 'head'; readonly head: Head }
  | { readonly is: 'data'; readonly bytes: Buffer }
  | { readonly is: 'end' };

function record(kind: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

export const encodeHead = (head: Head): Buffer => record(KINDS.head, Buffer.from(JSON.stringify(head)));
export const encodeData = (bytes: Uint8Array): Buffer => record(KINDS.data, bytes);
export const encodeEnd = (): Buffer => record(KINDS.end, Buffer.alloc(0));

const wrong = (detail: string): HaubanError =>
  new HaubanError('BACKUP_DAMAGED', `The backup is not readable: ${detail}.`);

const CHECKS: Readonly<Record<string, Check<Head>>> = { manifest: checkManifest, table: checkTable, file: checkFile };

function parseHead(bytes: Buffer): Head {
  const source = bytes.toString('utf8');
  const kind = /^\{"is":"(?<kind>[a-z]+)"/.exec(source)?.groups?.['kind'] ?? '';
  const check = Object.hasOwn(CHECKS, kind) ? CHECKS[kind] : undefined;
  const parsed = check === undefined ? null : parseJson(check, source);
  if (parsed?.ok !== true) throw wrong(parsed?.problem ?? 'it holds something that this version does not know');
  return parsed.value;
}

function toItem(kind: number, bytes: Buffer): BackupItem {
  if (kind === KINDS.data) return { is: 'data', bytes };
  if (kind === KINDS.head) return { is: 'head', head: parseHead(bytes) };
  if (kind === KINDS.end && bytes.length === 0) return { is: 'end' };
  throw wrong('it holds a record that this version does not know');
}

/** The items of it; BACKUP_DAMAGED unless it begins with a manifest and ends with the end. */
export function* readItems(chunks: Iterable<Buffer>): Generator<BackupItem> {
  let waiting: Buffer = Buffer.alloc(0);
  let count = 0;
  let isOver = false;
  for (const chunk of chunks) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= 5) {
      const length = waiting.readUInt32BE(1);
      if (isOver || length > MOST_BYTES) throw wrong('a record is longer than it can be, or comes after the end');
      if (waiting.length < 5 + length) break;
      const item = toItem(waiting.readUInt8(0), waiting.subarray(5, 5 + length));
      if ((item.is === 'head' && item.head.is === 'manifest') !== (count === 0))
        throw wrong('the manifest is not in its place');
      count += 1;
      isOver = item.is === 'end';
      yield item;
      waiting = waiting.subarray(5 + length);
    }
  }
  if (!isOver || waiting.length > 0) throw wrong('it has no end');
}
