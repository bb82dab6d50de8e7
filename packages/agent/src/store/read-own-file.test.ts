import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOwnFile } from './read-own-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-own-file-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('reads what is there up to the limit, and says when nothing is', () => {
  const path = join(folder, 'plain');
  expect(readOwnFile(path, 4)).toBeNull();
  writeFileSync(path, 'four');
  expect(readOwnFile(path, 4)?.toString()).toBe('four');
  expect(readOwnFile(path, 3)).toBe('unfit');
});

it('a folder in its place is unfit, and a link to another file is not followed', () => {
  const [inside, link] = [join(folder, 'folder'), join(folder, 'link')];
  mkdirSync(inside);
  expect(readOwnFile(inside, 100)).toBe('unfit');
  writeFileSync(join(folder, 'secret'), 'x');
  symlinkSync(join(folder, 'secret'), link);
  expect(() => readOwnFile(link, 100)).toThrow(expect.objectContaining({ code: 'FILE_FAILED' }));
});
