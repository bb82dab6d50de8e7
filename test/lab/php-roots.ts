import { join } from 'node:path';
import { loadDebianRoot, type DebianRecipe } from './debian-root.ts';
import { labCacheFolder } from './lab-folders.ts';

/**
 * PHP versions beside the one of Debian 12, each in a file tree of the Debian release that has it. In a node they lie at
 * `/opt/hauban/php/<version>`; the product takes version X.Y as installed when `/usr/sbin/php-fpmX.Y` or
 * `/opt/hauban/php/X.Y/usr/sbin/php-fpmX.Y` exists.
 *
 * bullseye and its PHP 7.4 are out of support: here for tests and for what old customers still run.
 */
const recipes = {
  '8.4': { suite: 'trixie', packages: ['php8.4-fpm'], revision: 1 },
  '7.4': { suite: 'bullseye', packages: ['php7.4-fpm'], revision: 1 },
} as const satisfies Record<string, DebianRecipe>;

export type PhpRootVersion = keyof typeof recipes;

export const phpRootVersions: readonly PhpRootVersion[] = ['8.4', '7.4'];

/** Where a node sees that version's tree. */
export function phpRootInNode(version: PhpRootVersion): string {
  return `/opt/hauban/php/${version}`;
}

/** The tree on this machine, built when it is not in the cache yet (about a minute). Read-only for whoever uses it. */
export async function loadPhpRoot(version: PhpRootVersion): Promise<string> {
  return loadDebianRoot(join(labCacheFolder(), 'php', version), recipes[version]);
}
