import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyPair, storeKeyPair } from '@hauban/link';
import { createLinkKeyFiles, forgetOtherLinkKeys, loadFormerLinkKeys } from './link-key-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hb-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the files of the link key', () => {
  it('KEYS10 keep the next key over a restart until it takes the place of the current one', () => {
    const path = join(folder, 'link-key.json');
    const first = createKeyPair();
    storeKeyPair(path, first);
    utimesSync(path, 1000, 1000);
    const files = createLinkKeyFiles(path);
    expect(files.hasNext()).toBe(false);
    expect(files.madeAtMs()).toBe(1_000_000);
    const next = files.next().publicText;
    const restarted = createLinkKeyFiles(path);
    expect(restarted.hasNext()).toBe(true);
    expect(restarted.next().publicText).toBe(next);
    expect(restarted.current().publicText).toBe(first.publicText);
    restarted.adoptNext();
    expect(restarted.current().publicText).toBe(next);
    expect(restarted.hasNext()).toBe(false);
    expect(restarted.madeAtMs()).toBeGreaterThan(1_000_000);
    // Killed in the middle of it, it is done again without harm.
    restarted.adoptNext();
    expect(restarted.current().publicText).toBe(next);
    expect(restarted.hasNext()).toBe(false);
  });

  it('KEYS11 keep the seven keys before, and an enrolment forgets them', () => {
    const path = join(folder, 'link-key.json');
    const files = createLinkKeyFiles(path);
    storeKeyPair(path, createKeyPair());
    const made = [files.current().publicText];
    for (let i = 0; i < 9; i += 1) {
      made.unshift(files.next().publicText);
      files.adoptNext();
    }
    expect(loadFormerLinkKeys(path).map(({ publicText }) => publicText)).toEqual(made.slice(1, 8));
    files.next();
    forgetOtherLinkKeys(path);
    expect(readdirSync(folder)).toEqual(['link-key.json']);
  });

  it('say that a key that is gone is gone', () => {
    expect(() => createLinkKeyFiles(join(folder, 'none')).current()).toThrow(/enrol this node again/);
  });
});
