import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Change, HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratchHost } from '../support/scratch-host.ts';
import { undoOrder } from '../../packages/agent/src/executor/undo-order.ts';

const meta = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let folder: string;
let changes: Change[];
const at = (name: string): string => join(folder, name);
const isUndone = { value: false };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-undo-'));
  isUndone.value = false;
  changes = ['a', 'b'].map((name) => {
    writeFileSync(at(name), name, { mode: 0o644 });
    return { kind: 'file', path: at(name), before: null, after: { content: name, ...meta } };
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param change what takes the place of the host's own files */
async function undo(change: Partial<HostFiles> = {}): Promise<unknown> {
  const host = createScratchHost({ folder, delayMs: 0, dieAt: 0 });
  const files = { ...host.files, ...change };
  return undoOrder({
    undoes: 'o1',
    changes,
    host: { ...host, files },
    begin: async () => undefined,
    step: () => undefined,
    progress: () => undefined,
    undone: async () => void (isUndone.value = true),
  });
}
const fail = (): never => {
  throw new HaubanError('FILE_FAILED', 'no');
};
const stand = (): string[] =>
  ['a', 'b'].filter((name) => existsSync(at(name)) && readFileSync(at(name), 'utf8') === name);

describe('ORDER14 an undo', () => {
  it('takes back what was done', async () => {
    expect(await undo()).toMatchObject({ outcome: 'succeeded' });
    expect([stand(), isUndone.value]).toEqual([[], true]);
  });

  it('of which one step fails does the others again, and has undone nothing', async () => {
    const { removeFile } = createScratchHost({ folder, delayMs: 0, dieAt: 0 }).files;
    const removing = (path: string): Promise<void> => (path === at('a') ? fail() : removeFile(path));
    expect(await undo({ removeFile: removing })).toMatchObject({ outcome: 'failed', code: 'FILE_FAILED' });
    expect([stand(), isUndone.value]).toEqual([['a', 'b'], false]);
  });

  it('whose steps say that they did it, while the machine says otherwise, has failed', async () => {
    const { removeFile } = createScratchHost({ folder, delayMs: 0, dieAt: 0 }).files;
    const removing = async (path: string): Promise<void> => (path === at('a') ? undefined : removeFile(path));
    expect(await undo({ removeFile: removing })).toMatchObject({ outcome: 'failed', code: 'VERIFY_FAILED' });
    expect([stand(), isUndone.value]).toEqual([['a', 'b'], false]);
  });

  it('that can neither go on nor back says that it is half done', async () => {
    const { removeFile } = createScratchHost({ folder, delayMs: 0, dieAt: 0 }).files;
    const removing = (path: string): Promise<void> => (path === at('a') ? fail() : removeFile(path));
    expect(await undo({ removeFile: removing, writeFile: async () => fail() })).toMatchObject({
      outcome: 'undetermined',
      code: 'ACTION_UNDO_FAILED',
    });
    expect(isUndone.value).toBe(false);
  });
});
