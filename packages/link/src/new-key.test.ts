import { createPublicKey, diffieHellman, sign, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createAgreementKey, createSigningKey } from './new-key.ts';

it('signs with a key of its own each time', () => {
  const [key, other] = [createSigningKey(), createSigningKey()];
  const data = Buffer.from('what is signed');
  expect(verify(null, data, createPublicKey(key), sign(null, data, key))).toBe(true);
  expect(verify(null, data, createPublicKey(other), sign(null, data, key))).toBe(false);
});

it('agrees with the other side on the public text alone', () => {
  const [ours, theirs] = [createAgreementKey(), createAgreementKey()];
  const read = (x: string) => createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  const secret = diffieHellman({ privateKey: ours.privateKey, publicKey: read(theirs.publicText) });
  expect(diffieHellman({ privateKey: theirs.privateKey, publicKey: read(ours.publicText) })).toEqual(secret);
});

it('is the only place where the product makes keys: elsewhere a collection might stop the process for ever', () => {
  const packages = fileURLToPath(new URL('../..', import.meta.url));
  const makes = /\bgenerateKey(?:Pair)?(?:Sync)?\(/;
  const found = readdirSync(packages)
    .flatMap((name) =>
      readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(name, 'src', file),
      ),
    )
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.test.ts'))
    .filter((file) => makes.test(readFileSync(join(packages, file), 'utf8')));
  expect(found).toEqual(['link/src/new-key.ts']);
});
