import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CustomFolder } from './custom-folder.ts';

/** The programs of one action, in a folder of root's that others may only read. */
export interface PrivateCopy {
  /** Where the program that the manifest calls so lies. */
  pathOf(program: string): string;
  remove(): Promise<void>;
}

/**
 * The very bytes that were hashed, as files of their own: what happens to the originals from now on does not matter. Files
 * of the folder lie side by side, so that a script finds its neighbours; a program from elsewhere lies beside them.
 */
export async function makePrivateCopy({ files, name }: CustomFolder, below: string): Promise<PrivateCopy> {
  await mkdir(below, { recursive: true, mode: 0o711 });
  await chmod(below, 0o711);
  const folder = await mkdtemp(join(below, `${name}-`));
  const paths = new Map<string, string>();
  try {
    await mkdir(join(folder, 'elsewhere'));
    for (const { program, bytes } of files) {
      const path = program.startsWith('/')
        ? join(folder, 'elsewhere', `${randomUUID().slice(0, 8)}-${basename(program)}`)
        : join(folder, program);
      await writeFile(path, bytes, { flag: 'wx', mode: 0o500 });
      await chmod(path, 0o555);
      paths.set(program, path);
    }
    await chmod(join(folder, 'elsewhere'), 0o555);
    await chmod(folder, 0o555);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    pathOf: (program) => paths.get(program) ?? '',
    remove: async () => {
      await chmod(folder, 0o700);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
