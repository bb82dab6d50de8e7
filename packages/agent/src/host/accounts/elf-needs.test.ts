import { readFileSync, realpathSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@hauban/shared/testing';
import { readElfNeeds } from './elf-needs.ts';

const shell = readFileSync(realpathSync('/bin/sh'));

describe('what a program needs', () => {
  it('is read from the file of a real one', () => {
    const needs = readElfNeeds(shell);
    expect(needs?.interpreter).toMatch(/^\/lib(?:64)?\/ld-linux-[a-z0-9-]+\.so\.[0-9]$/);
    expect(needs?.needed).toContain('libc.so.6');
    expect(needs?.runPath).toBeNull();
  });

  it('of what is no program is nothing', () => {
    for (const text of ['', '#!/bin/sh\n', '\u007fELF', 'x'.repeat(200)])
      expect(readElfNeeds(Buffer.from(text))).toBeNull();
    const foreign = Buffer.from(shell);
    foreign[4] = 1;
    expect(readElfNeeds(foreign)).toBeNull();
  });

  it('of a file that was cut off or spoilt anywhere is an answer, never an exception', () => {
    const random = new SeededRandom(7);
    const at = (most: number): number => Math.floor(random.unit() * most);
    for (let round = 0; round < 3000; round += 1) {
      const spoilt = Buffer.from(shell.subarray(0, round % 2 === 0 ? at(shell.length) : shell.length));
      for (let n = 0; n < 8 && spoilt.length > 0; n += 1) spoilt[at(Math.min(spoilt.length, 4096))] = at(256);
      expect(() => readElfNeeds(spoilt)).not.toThrow();
    }
  });
});
