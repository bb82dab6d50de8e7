import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  authorityBundleKeys,
  canonicalJson,
  peekJws,
  verifyNextBundle,
  writeDurably,
  type AuthorityChain,
} from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { checkSignedBundle, parseJson, type Bundle, type SignedBundle } from '@hauban/shared/protocol';

/**
 * The signer's own memory of the policy bundle: one file a version, `000001.json` and so on. Whoever holds the
 * controller and its database cannot take a version away from here, nor put one in.
 */
export interface BundleStore {
  /** Null: there is none yet, and nothing needs approval. */
  readonly current: Bundle | null;
  /** As it was signed; null for a version that does not exist. */
  find(version: number): SignedBundle | null;
  /** On disk before it counts. The caller has verified that it follows the current one. */
  add(signed: SignedBundle, bundle: Bundle): void;
}

const fileOf = (version: number): string => `${String(version).padStart(6, '0')}.json`;
const FILE = /^\d{6}\.json$/;

const damaged = (path: string, why: string): HaubanError =>
  new HaubanError(
    'CONFIG_BAD',
    `The policy bundle ${path} is damaged (${why}): bring the signer's folder back from a backup; without it nothing is signed.`,
  );

/** The first version says whose fleet it is about; the others are about the same. */
function controllerOf(signed: SignedBundle, current: Bundle | null): string {
  if (current !== null) return current.controller;
  const peeked = peekJws(signed.jws);
  const { controller } = (peeked.ok ? peeked.payload : {}) as { readonly controller?: unknown };
  return typeof controller === 'string' ? controller : '';
}

function readSigned(path: string): SignedBundle {
  const parsed = parseJson(checkSignedBundle, readFileSync(path, 'utf8'));
  if (!parsed.ok) throw damaged(path, parsed.problem);
  return parsed.value;
}

/** Reads and verifies the whole chain; a gap or a damaged file stops the signer: it must not forget what needs approval. */
export async function loadBundleStore(keyDir: string, authority: AuthorityChain): Promise<BundleStore> {
  const folder = join(keyDir, 'bundles');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const chain: SignedBundle[] = [];
  let current: Bundle | null = null;
  const files = readdirSync(folder)
    .filter((name) => FILE.test(name))
    .toSorted();
  for (const name of files) {
    const path = join(folder, name);
    const expected = fileOf(chain.length + 1);
    if (name !== expected) throw damaged(join(folder, expected), 'it is missing');
    const signed = readSigned(path);
    const controllerId = controllerOf(signed, current);
    const authorityKeys = authorityBundleKeys(authority, signed.jws);
    const verified = await verifyNextBundle(signed, current, { authorityKeys, controllerId });
    if (!verified.ok) throw damaged(path, verified.detail);
    if (!verified.isNew) throw damaged(path, 'it is the version before once more');
    current = verified.bundle;
    chain.push(signed);
  }
  return {
    get current() {
      return current;
    },
    find: (version) => chain[version - 1] ?? null,
    add: (signed, bundle) => {
      if (bundle.version !== chain.length + 1) throw new TypeError('a bundle is stored after the one before it');
      writeDurably(join(folder, fileOf(bundle.version)), `${canonicalJson(signed)}\n`, { mode: 0o600 });
      chain.push(signed);
      current = bundle;
    },
  };
}
