import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSlotFile } from './slot-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hb-'));
  path = join(folder, 'slots');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a slot file', () => {
  it('gives back the newest text, also to another process', () => {
    const file = createSlotFile(path);
    expect(file.load()).toBeNull();
    for (const text of ['one', 'two', 'three ž', 'four']) {
      file.save(text);
      expect(createSlotFile(path).load()).toBe(text);
    }
  });

  it('keeps its size, so that a full disk does not stop it', () => {
    const file = createSlotFile(path);
    file.save('one');
    file.save('two');
    const { length } = readFileSync(path);
    for (let i = 0; i < 9; i += 1) file.save(`text ${i}`);
    expect(readFileSync(path)).toHaveLength(length);
  });

  it('still has the text before when a crash cut the write at any byte', () => {
    const file = createSlotFile(path);
    file.save('one');
    file.save('two');
    const before = readFileSync(path);
    file.save('three');
    const after = readFileSync(path);
    const changed = [...after.keys()].filter((at) => before[at] !== after[at]);
    expect(changed.length).toBeGreaterThan(40);
    for (const cut of changed.slice(1)) {
      writeFileSync(path, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]));
      expect(createSlotFile(path).load()).toBe('two');
    }
    writeFileSync(path, after);
    expect(createSlotFile(path).load()).toBe('three');
  });

  it('refuses to follow a symbolic link that somebody placed there', () => {
    symlinkSync(join(folder, 'elsewhere'), path);
    expect(() => createSlotFile(path).save('x')).toThrow(/cannot write/);
    expect(readdirSync(folder)).toEqual(['slots']);
  });
});
