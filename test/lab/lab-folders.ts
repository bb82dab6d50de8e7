import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of this repository: found by walking up, because the bundled command line lies elsewhere than this source. */
export function findRepositoryFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'hauban') {
      return folder;
    }
    const above = dirname(folder);
    if (above === folder) throw new Error('The lab must be started from inside its repository.');
    folder = above;
  }
}

/**
 * Where built file trees stay between runs, about 1 GiB: `$HAUBAN_LAB_CACHE` or `.cache/lab` in the repository. It must
 * be on a file system that keeps owners and device nodes.
 */
export function labCacheFolder(): string {
  const folder = process.env['HAUBAN_LAB_CACHE'] ?? join(findRepositoryFolder(), '.cache', 'lab');
  // Both characters have a meaning in the options of an overlay mount.
  if (/[:,]/.test(folder)) throw new Error(`The lab's cache folder ${folder} must not have ":" or "," in its name.`);
  return folder;
}
