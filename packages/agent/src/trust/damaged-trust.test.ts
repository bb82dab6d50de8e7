import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, createKeyPair, sha256Hex } from '@hauban/link';
import type { SignedBundle, SignedStep } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReceiptKeyFiles } from '../executor/receipt-key-files.ts';
import { ReceiptKeys, type ReceiptKeysParts } from '../executor/receipt-keys.ts';
import { receiptStepsFile } from '../store/receipt-key-names.ts';
import { AuthorityStore } from './authority-store.ts';
import { BundleStore } from './bundle-store.ts';
import { createAuthorityFile, createBundleFile, createReceiptStepsFile } from './trust-files.ts';

const uuid = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const root = [{ kid: 'k', key: createKeyPair().publicText }];
const step: SignedStep = { byBefore: 'a.b.c', byNext: 'a.b.c', approvals: [] };
const bundle: SignedBundle = { jws: 'a.b.c', approvals: [] };

let folder: string;
let said: unknown[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-trust-'));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const log = {
  warn: (fields: object) => void said.push((fields as { code?: unknown }).code),
  error: () => undefined,
  info: () => undefined,
};
const at = (name: string): string => join(folder, name);
const authorityStore = (): AuthorityStore => {
  const trust = () => ({ controllerId: uuid, authority: { root, steps: [] } });
  return new AuthorityStore({ file: createAuthorityFile(at('authority')), trust, log });
};
const bundleStore = (authority: AuthorityStore): BundleStore => {
  const file = createBundleFile(at('bundle'));
  return new BundleStore({ file, authority, trust: () => ({ controllerId: uuid }), log, changed: () => expect.fail() });
};

describe('a list of steps on disk', () => {
  it.each([
    ['authority', createAuthorityFile],
    ['receipt', createReceiptStepsFile],
  ])('of the %s key is read as it was written, and as nothing when it is of another kind', (name, create) => {
    const file = create(at(name));
    expect(file.load()).toEqual({ is: 'none' });
    file.store([]);
    expect(file.load()).toEqual({ is: 'held', value: [] });
    const steps = [{ evil: 1 }];
    writeFileSync(at(name), JSON.stringify({ v: 1, hash: sha256Hex(canonicalJson(steps)), steps }));
    expect(file.load()).toMatchObject({ is: 'damaged' });
  });
});

describe('a file of the trust that is damaged', () => {
  it('KEYS15 of the authority: no step and no bundle is taken', async () => {
    writeFileSync(at('authority'), 'x');
    const authority = authorityStore();
    expect(await authority.take(step, null)).toMatchObject({ ok: false, code: 'AUTHORITY_DAMAGED' });
    const bundles = bundleStore(authority);
    bundles.take([bundle]);
    await bundles.settled();
    expect(said).toEqual(['AUTHORITY_DAMAGED']);
  });

  it('BUNDLE5 of the bundle: nothing is taken in its place, neither a bundle nor a step', async () => {
    writeFileSync(at('bundle'), 'x');
    const bundles = bundleStore(authorityStore());
    bundles.take([bundle, step]);
    await bundles.settled();
    expect(said).toEqual(['BUNDLE_DAMAGED', 'BUNDLE_DAMAGED']);
  });

  it('KEYS25 of the receipt key: it is not replaced, and nobody is told a version', () => {
    const key = at('receipt-key.json');
    const files = createReceiptKeyFiles(key);
    const { publicText } = files.current();
    writeFileSync(receiptStepsFile(key), 'x');
    const identity = () => ({ nodeId: uuid, controllerId: uuid });
    const parts = { files, identity, clock: new FakeClock(), log } as unknown as ReceiptKeysParts;
    const keys = new ReceiptKeys(parts);
    const failed = expect.objectContaining({ code: 'FILE_FAILED' }) as Error;
    expect(() => keys.version).toThrow(failed);
    expect(() => keys.rotate()).toThrow(failed);
    expect(keys.key().publicText).toBe(publicText);
  });
});
