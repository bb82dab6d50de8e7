import { createCipheriv, randomBytes, randomUUID, scryptSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleChallenge, bundleHash, createKeyPair, keyPairToJwk, systemClock } from '@hauban/link';
import type { Bundle } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import { createLog } from '../runtime/index.ts';
import { openSealedKey, sealKey } from './key-seal.ts';
import { runSigner } from './run-signer.ts';
import { readSecretFile } from './secret-file.ts';
import { createSignerClient } from './signer-client.ts';

const PASSPHRASE = 'a long passphrase of the tests';
const site = { rpId: 'hauban.example', origin: 'https://hauban.example' };
const ann = { id: randomUUID(), key: createSoftwarePasskey(site) };
const first: Bundle = {
  v: 1,
  is: 'hauban-bundle',
  controller: randomUUID(),
  version: 1,
  previous: null,
  issuedAt: 1,
  rpId: site.rpId,
  origins: [site.origin],
  operators: [{ id: ann.id, name: 'ann', isOwner: true, credentials: [ann.key.credential] }],
  quorum: 1,
  needs: { high: 1, rootShell: 1, shell: 0 },
  limits: { startMs: 60_000, queuedMs: 3_600_000, ordersPerMinute: 600 },
};

let folder: string;
const inKeys = (name: string): string => join(folder, 'keys', name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-signer-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = () =>
  runSigner(
    {
      socketPath: join(folder, 'signer.sock'),
      keyDir: join(folder, 'keys'),
      passphrase: { credential: null, file: null },
    },
    systemClock,
    createLog('silent'),
  );
async function refusesToStart(says: string): Promise<void> {
  const detail = expect.stringContaining(says) as string;
  await expect(run()).rejects.toMatchObject({ code: 'CONFIG_BAD', detail });
}
/** A signer that has signed these bundles and these many steps, and is stopped. */
async function makeFolder(bundles: number, steps = 0): Promise<void> {
  const signer = await run();
  const client = createSignerClient(join(folder, 'signer.sock'), systemClock);
  for (let made = 0, bundle = first; made < bundles; made += 1) {
    await client.signBundle(bundle, [ann.key.approve(ann.id, bundleChallenge(bundle))]);
    bundle = { ...bundle, version: bundle.version + 1, previous: bundleHash(bundle) };
  }
  for (let made = 0; made < steps; made += 1) await client.signStep(await client.draftStep(first.controller, 0), []);
  client.close();
  await signer.stop();
}

describe("whoever may write in the signer's folder", () => {
  it('cannot take a bundle away and close the gap with the one after it', async () => {
    await makeFolder(2);
    renameSync(inKeys('bundles/000002.json'), inKeys('bundles/000003.json'));
    await refusesToStart('it is missing');
  });

  it('cannot put a bundle in twice, so that the next one takes the place of another', async () => {
    await makeFolder(1);
    copyFileSync(inKeys('bundles/000001.json'), inKeys('bundles/000002.json'));
    await refusesToStart('the version before once more');
  });

  it('cannot put another approval under a bundle that is signed', async () => {
    await makeFolder(2);
    const path = inKeys('bundles/000002.json');
    const signed = JSON.parse(readFileSync(path, 'utf8')) as { readonly approvals: object[] };
    writeFileSync(path, JSON.stringify({ ...signed, approvals: [] }));
    await refusesToStart('bundles/000002.json is damaged (0 of ');
  });

  it('cannot take the first step between the keys away and number the second as the first', async () => {
    await makeFolder(0, 2);
    renameSync(inKeys('steps/000002.json'), inKeys('steps/000004.json'));
    await refusesToStart('it is missing');
  });

  it('cannot put half a step there', async () => {
    await makeFolder(0, 1);
    writeFileSync(inKeys('steps/000002.json'), '{"byBefore":');
    await refusesToStart('steps/000002.json is damaged');
  });

  it('cannot put a key of their own in the place of the newest', async () => {
    await makeFolder(0, 1);
    writeFileSync(inKeys('authority-key-2.json'), keyPairToJwk(createKeyPair()), { mode: 0o600 });
    await refusesToStart('is not the one that it leads to');
  });
});

describe('a file with a secret', () => {
  const read = (name: string): string | null => readSecretFile(join(folder, name), 'key');

  it('that is a link somewhere else is refused, and is not "no key yet"', () => {
    writeFileSync(join(folder, 'other'), 'x', { mode: 0o600 });
    symlinkSync(join(folder, 'other'), join(folder, 'key'));
    expect(() => read('key')).toThrow(expect.objectContaining({ code: 'CONFIG_BAD' }) as Error);
    expect(read('none')).toBeNull();
  });

  it('that others may read, or that is too long for a key, is refused', () => {
    writeFileSync(join(folder, 'open'), 'x', { mode: 0o640 });
    writeFileSync(join(folder, 'long'), 'x'.repeat(8193), { mode: 0o600 });
    for (const name of ['open', 'long'])
      expect(() => read(name), name).toThrow(expect.objectContaining({ code: 'CONFIG_BAD' }) as Error);
  });
});

describe('a sealed key', () => {
  const plain = keyPairToJwk(createKeyPair());
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  /** By the right passphrase, but not as the signer seals. */
  function seal({ saltBytes = 16, ivBytes = 12 }): string {
    const salt = randomBytes(saltBytes);
    const iv = randomBytes(ivBytes);
    const key = scryptSync(PASSPHRASE, salt, 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 28 });
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    cipher.setAAD(Buffer.from('hauban-sealed-key v1 scrypt 16 8 1'));
    const data = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    const parts = { salt: text(salt), iv: text(iv), tag: text(cipher.getAuthTag()), data: text(data) };
    return JSON.stringify({ v: 1, is: 'hauban-sealed-key', logN: 16, r: 8, p: 1, ...parts });
  }

  it('with a short salt, which could be guessed at for many at once, or another nonce is not taken', () => {
    expect(openSealedKey(seal({}), PASSPHRASE).ok).toBe(true);
    for (const change of [{ saltBytes: 8 }, { ivBytes: 16 }])
      expect(openSealedKey(seal(change), PASSPHRASE)).toEqual({
        ok: false,
        problem: 'its parts have the wrong length',
      });
  });

  it('with a tag that was cut, or data that is no base64url, is not tried at all', () => {
    const sealed = JSON.parse(sealKey(createKeyPair(), PASSPHRASE)) as Record<string, unknown>;
    for (const change of [{ tag: 'AAAAAAAAAAAAAAAA' }, { data: 'AAAAA' }])
      expect(openSealedKey(JSON.stringify({ ...sealed, ...change }), PASSPHRASE)).toEqual({
        ok: false,
        problem: 'its parts have the wrong length',
      });
  });
});
