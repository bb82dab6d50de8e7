import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadTotpKey, storeTotpKey } from './totp-key.ts';
import { TOTP_KEY_BYTES } from './totp-seal.ts';

const key = new Uint8Array(TOTP_KEY_BYTES).fill(7);
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-totp-'));
  file = join(folder, 'key');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is read as it was stored; none is null', () => {
  expect(loadTotpKey(file)).toBeNull();
  storeTotpKey(file, { key, isComplete: true });
  expect(loadTotpKey(file)).toEqual({ key, isComplete: true });
});

it.each([
  ['no JSON', '{'],
  ['of another kind', '{"v":1,"is":"x","key":"","isComplete":true}'],
  ['with a short key', `{"v":1,"is":"hauban-totp-key","key":"${'A'.repeat(42)}","isComplete":true}`],
  ['with a second spelling of a key', `{"v":1,"is":"hauban-totp-key","key":"${'A'.repeat(42)}B","isComplete":true}`],
  ['longer than any is', ' '.repeat(2000)],
])('a file %s is refused, and is not "no key yet"', (_name, text) => {
  writeFileSync(file, text, { mode: 0o600 });
  expect(() => loadTotpKey(file)).toThrow(expect.objectContaining({ code: 'CONFIG_BAD' }) as Error);
});

it('a file that others may read is refused', () => {
  storeTotpKey(file, { key, isComplete: true });
  chmodSync(file, 0o640);
  expect(() => loadTotpKey(file)).toThrow(expect.objectContaining({ code: 'CONFIG_BAD' }) as Error);
});
