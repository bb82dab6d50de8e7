import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { bundleHash, parseBundle } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { json, literal, object, parseJson, text, type Bundle } from '@hauban/shared/protocol';
import { fileFailed, writeDurably } from '../store/index.ts';

/** What lies on disk. `damaged`: something does, but it is not what was written. */
export type StoredBundle =
  | { readonly is: 'none' }
  | { readonly is: 'held'; readonly bundle: Bundle }
  | { readonly is: 'damaged'; readonly problem: string };

/** The file of the bundle; only root may read or write it. */
export interface BundleFile {
  readonly path: string;
  load(): StoredBundle;
  /** When it returns, the bundle is on disk (rule BUNDLE5). FILE_FAILED when it cannot be. */
  store(bundle: Bundle): void;
}

/** The largest bundle that a JWS can carry has less than a third of this. */
const LIMIT_BYTES = 1024 * 1024;

/** The hash finds what a disk did to it; who signed it was checked before it was written. */
const checkFile = object({ v: literal(1), hash: text(64, { pattern: /^[0-9a-f]{64}$/ }), bundle: json });

/** Null when there is no file. */
function readSource(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw fileFailed(path, 'cannot open', error);
  }
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() && stat.size <= LIMIT_BYTES ? readFileSync(descriptor, 'utf8') : '';
  } finally {
    closeSync(descriptor);
  }
}

function parseStored(source: string): StoredBundle {
  const file = parseJson(checkFile, source);
  if (!file.ok) return { is: 'damaged', problem: file.problem };
  const bundle = parseBundle(file.value.bundle);
  if (!bundle.ok) return { is: 'damaged', problem: bundle.problem };
  return bundleHash(bundle.value) === file.value.hash
    ? { is: 'held', bundle: bundle.value }
    : { is: 'damaged', problem: 'its hash is another one' };
}

export const createBundleFile = (path: string): BundleFile => ({
  path,
  load: () => {
    try {
      const source = readSource(path);
      return source === null ? { is: 'none' } : parseStored(source);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return { is: 'damaged', problem: error.detail };
    }
  },
  store: (bundle) =>
    writeDurably(path, Buffer.from(`${JSON.stringify({ v: 1, hash: bundleHash(bundle), bundle })}\n`), {
      mode: 0o600,
      gid: null,
    }),
});
