import { readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openInput, openUnlinked } from './program-input.ts';

describe('the input of a program', () => {
  it.each([
    ['made without a name', undefined],
    ['that lost its name before it was filled', openUnlinked],
  ])('%s has no name that a crash could leave, and is read and opened anew all the same', async (_how, openFile) => {
    const handle = await openInput('password', openFile);
    try {
      expect((await handle.stat()).nlink).toBe(0);
      expect(readlinkSync(`/proc/self/fd/${handle.fd}`)).toMatch(/^\/tmp\/.* \(deleted\)$/);
      expect(readFileSync(`/proc/self/fd/${handle.fd}`, 'utf8')).toBe('password');
      expect((await handle.readFile()).toString()).toBe('password');
    } finally {
      await handle.close();
    }
  });

  it('is closed again when it can not be written', async () => {
    let closed = false;
    const full = { write: () => Promise.reject(new Error('ENOSPC')), close: async () => void (closed = true) };
    await expect(openInput('x', async () => full as never)).rejects.toThrow('ENOSPC');
    expect(closed).toBe(true);
  });
});
