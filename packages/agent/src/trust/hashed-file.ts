import { canonicalJson, sha256Hex } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { json, literal, object, parseJson, text, type Parsed } from '@hauban/shared/protocol';
import { readOwnFile, writeDurably } from '../store/index.ts';

/** What lies on disk. `damaged`: something does, but it is not what was written. */
export type Stored<T> =
  | { readonly is: 'none' }
  | { readonly is: 'held'; readonly value: T }
  | { readonly is: 'damaged'; readonly problem: string };

/** Something that is trusted, in a file that only root may read or write. */
export interface HashedFile<T> {
  readonly path: string;
  load(): Stored<T>;
  /** When it returns, it is on disk. FILE_FAILED when it cannot be. */
  store(value: T): void;
}

/** The largest bundle that a JWS can carry has less than a third of this. */
const LIMIT_BYTES = 1024 * 1024;
const hash = text(64, { pattern: /^[0-9a-f]{64}$/ });

/** The hash finds what a disk did to it; who signed it was checked before it was written. */
export function createHashedFile<T extends object>(
  path: string,
  kind: { readonly name: string; parse(value: unknown): Parsed<T> },
): HashedFile<T> {
  const parseStored = (source: string): Stored<T> => {
    const file = parseJson(object({ v: literal(1), hash, [kind.name]: json }), source);
    if (!file.ok) return { is: 'damaged', problem: file.problem };
    const parsed = kind.parse(file.value[kind.name]);
    if (!parsed.ok) return { is: 'damaged', problem: parsed.problem };
    return sha256Hex(canonicalJson(parsed.value)) === file.value.hash
      ? { is: 'held', value: parsed.value }
      : { is: 'damaged', problem: 'its hash is another one' };
  };
  return {
    path,
    load: () => {
      try {
        const bytes = readOwnFile(path, LIMIT_BYTES);
        if (bytes === null) return { is: 'none' };
        return bytes === 'unfit'
          ? { is: 'damaged', problem: 'it is too long, or no file' }
          : parseStored(bytes.toString());
      } catch (error) {
        if (!(error instanceof HaubanError)) throw error;
        return { is: 'damaged', problem: error.detail };
      }
    },
    store: (value) => {
      const content = { v: 1, hash: sha256Hex(canonicalJson(value)), [kind.name]: value };
      writeDurably(path, Buffer.from(`${JSON.stringify(content)}\n`), { mode: 0o600, gid: null });
    },
  };
}
