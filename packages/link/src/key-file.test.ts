import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HaubanError } from '@hauban/shared/errors';
import { loadKeyPair, loadOrCreateKeyPair, storeKeyPair, writeDurably } from './key-file.ts';
import {
  createKeyPair,
  keyPairToJwk,
  keyThumbprint,
  parseKeyPair,
  publicKeyFrom,
  signBytes,
  verifyBytes,
} from './key-pair.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-key-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('key files', () => {
  it('keep a key: mode 600, the same after reading, one file', () => {
    const path = join(folder, 'key.json');
    const made = loadOrCreateKeyPair(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['key.json']);
    const read = loadOrCreateKeyPair(path);
    expect(read.publicText).toBe(made.publicText);
    expect(verifyBytes(made.publicKey, Buffer.from('x'), signBytes(read, Buffer.from('x')))).toBe(true);
  });

  it('are absent, not refused, when there is none', () => {
    expect(loadKeyPair(join(folder, 'none.json'))).toBeNull();
  });

  it('that others may read are refused', () => {
    const path = join(folder, 'key.json');
    storeKeyPair(path, createKeyPair());
    chmodSync(path, 0o640);
    expect(() => loadKeyPair(path)).toThrow(/read by others/);
  });

  it('that are a symbolic link are refused', () => {
    const path = join(folder, 'key.json');
    storeKeyPair(join(folder, 'real.json'), createKeyPair());
    symlinkSync(join(folder, 'real.json'), path);
    expect(() => loadKeyPair(path)).toThrow(HaubanError);
  });

  it.each([
    ['empty', ''],
    ['cut', keyPairToJwk(createKeyPair()).slice(0, 50)],
    [
      'mixed of two keys',
      JSON.stringify({ ...JSON.parse(keyPairToJwk(createKeyPair())), x: createKeyPair().publicText }),
    ],
    ['huge', 'x'.repeat(5000)],
  ])('that are %s are refused without quoting them', (_name, text) => {
    const path = join(folder, 'key.json');
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => loadKeyPair(path)).toThrow(/is not usable/);
  });

  it('that are filled up with blanks are refused by their size, before they are read', () => {
    const path = join(folder, 'key.json');
    writeFileSync(path, keyPairToJwk(createKeyPair()) + ' '.repeat(1024), { mode: 0o600 });
    expect(() => loadKeyPair(path)).toThrow(/too long/);
  });

  it('writeDurably replaces a leftover of a crash, and follows no link placed under its name', () => {
    const path = join(folder, 'f');
    writeFileSync(join(folder, 'victim'), 'kept');
    symlinkSync(join(folder, 'victim'), `${path}.new`);
    writeDurably(path, 'fresh', { mode: 0o644 });
    expect(readFileSync(path, 'utf8')).toBe('fresh');
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('kept');
    expect(() => writeDurably(join(folder, 'no', 'f'), 'x', { mode: 0o644 })).toThrow(/cannot be written: ENOENT/);
  });
});

describe('keys', () => {
  it('survive their text form and have a stable thumbprint', () => {
    const pair = createKeyPair();
    const parsed = parseKeyPair(keyPairToJwk(pair));
    expect(parsed.ok && parsed.value.publicText).toBe(pair.publicText);
    expect(keyThumbprint(pair.publicText)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(keyThumbprint('short')).toBeNull();
    expect(publicKeyFrom(`${pair.publicText}A`)).toBeNull();
  });
});
