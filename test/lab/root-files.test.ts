import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRootFiles, resolveInRoot } from './root-files.ts';

describe("files of a node by the node's own paths", () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'hauban-root-files-'));
    await mkdir(join(root, 'run'));
    await mkdir(join(root, 'var'));
    await symlink('/run', join(root, 'var/run'));
    await writeFile(join(root, 'run/id'), 'inside');
  });
  afterEach(() => rm(root, { recursive: true }));

  it('follows an absolute link inside the tree, not out of it', async () => {
    expect(await createRootFiles(() => root).readFile('/var/run/id')).toBe('inside');
    expect(await createRootFiles(() => root).exists('/var/run/hauban-lab')).toBe(false);
  });

  it('refuses to climb out of the tree with ".."', async () => {
    expect(await resolveInRoot(root, '/../../etc/passwd')).toBe(join(root, 'etc/passwd'));
    await symlink('../../../../etc', join(root, 'up'));
    expect(await resolveInRoot(root, '/up/passwd')).toBe(join(root, 'etc/passwd'));
  });

  it('ends with an error on links that turn in a circle', async () => {
    await symlink('/b', join(root, 'a'));
    await symlink('/a', join(root, 'b'));
    await expect(resolveInRoot(root, '/a')).rejects.toThrow('too many links');
  });

  it('copies a folder of this machine into the node', async () => {
    const from = join(root, 'var');
    await writeFile(join(from, 'file'), 'x');
    const files = createRootFiles(() => root);
    await files.copyIn(from, '/opt/copy');
    expect(await files.readFile('/opt/copy/file')).toBe('x');
  });
});
