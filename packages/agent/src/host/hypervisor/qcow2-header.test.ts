import { describe, expect, it } from 'vitest';
import { parseQcow2Header } from './qcow2-header.ts';
import { buildSeedImage, readSeedKeys, seedTexts } from './seed-image.ts';

function header(change: (bytes: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.alloc(104);
  bytes.writeUInt32BE(0x51_46_49_fb, 0);
  bytes.writeUInt32BE(3, 4);
  bytes.writeBigUInt64BE(2n ** 30n, 24);
  change(bytes);
  return bytes;
}

describe('the header of a template', () => {
  it('says how large the disk is', () => expect(parseQcow2Header(header())).toEqual({ ok: true, sizeBytes: 2 ** 30 }));

  it.each([
    ['a backing file', (bytes: Buffer) => bytes.writeBigUInt64BE(512n, 8), /leans on another file/],
    ['the length of its name alone', (bytes: Buffer) => bytes.writeUInt32BE(11, 16), /leans on another file/],
    ['a data file', (bytes: Buffer) => bytes.writeBigUInt64BE(4n, 72), /lie in another file/],
    ['a data file among other features', (bytes: Buffer) => bytes.writeBigUInt64BE(7n, 72), /lie in another file/],
    ['encryption', (bytes: Buffer) => bytes.writeUInt32BE(2, 32), /is encrypted/],
    ['no magic', (bytes: Buffer) => bytes.writeUInt32BE(0, 0), /is no qcow2 disk/],
    ['an old version', (bytes: Buffer) => bytes.writeUInt32BE(2, 4), /has version 2/],
    ['no size', (bytes: Buffer) => bytes.writeBigUInt64BE(0n, 24), /impossible size/],
    ['an endless size', (bytes: Buffer) => bytes.writeBigUInt64BE(2n ** 63n, 24), /impossible size/],
  ])('with %s is refused', (_name, change, wanted) => {
    const bytes = header((target) => void change(target));
    expect(parseQcow2Header(bytes)).toMatchObject({ ok: false, problem: expect.stringMatching(wanted) });
  });

  it('that is too short is refused', () =>
    expect(parseQcow2Header(header().subarray(0, 103))).toMatchObject({ ok: false }));
});

describe('the seed of a guest', () => {
  const KEY = `ssh-ed25519 ${'A'.repeat(68)} a@b`;
  const imageOf = (keys: readonly string[], guest = 'web1'): Buffer => {
    const { metaData, userData } = seedTexts(guest, keys);
    return buildSeedImage(metaData, userData);
  };

  it('says its keys again; equal keys make equal images', () => {
    for (const keys of [
      [],
      [KEY],
      [KEY, KEY.replace('ed25519', 'rsa')],
      Array.from({ length: 10 }, (_, at) => `${KEY}${at}`),
    ]) {
      expect(readSeedKeys(imageOf(keys), 'web1')).toEqual(keys);
      expect(imageOf(keys).equals(imageOf(keys))).toBe(true);
    }
  });

  it('of another guest, cut short or changed is none of ours', () => {
    expect(readSeedKeys(imageOf([KEY]), 'web2')).toBeNull();
    expect(readSeedKeys(imageOf([KEY]).subarray(0, 45_000), 'web1')).toBeNull();
    expect(readSeedKeys(Buffer.alloc(50_000), 'web1')).toBeNull();
    const changed = imageOf([KEY]);
    changed.write('x', 100);
    expect(readSeedKeys(changed, 'web1')).toBeNull();
  });
});
