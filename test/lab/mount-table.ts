import { readFileSync } from 'node:fs';
import { mustRunProgram } from './program.ts';
import { programs } from './programs.ts';

/** One line of /proc/<pid>/mountinfo, the parts that the lab uses. */
export type Mount = { readonly mountPoint: string; readonly type: string; readonly superOptions: string };

/** The kernel writes space, tab, newline and backslash in paths as octal escapes. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** For a field of fstab, which uses the same escapes. */
export function escapeFstab(text: string): string {
  return text.replace(/[\s\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Mounts in the order in which they were made. */
export function parseMountTable(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [type = '', , superOptions = ''] = after.split(' ');
      return { mountPoint: unescape(before.split(' ')[4] ?? ''), type, superOptions };
    });
}

export function loadMountTable(): Mount[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Mount points at `folder` and below, in the order in which they were made. */
export function mountsBelow(folder: string): string[] {
  return loadMountTable()
    .map((mount) => mount.mountPoint)
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
}

/**
 * Takes away every mount at `folder` and below, last made first. Throws when one stays: the caller removes folders
 * afterwards, and must never do that through a mount that still shows the machine's own files.
 */
export async function unmountBelow(folder: string): Promise<void> {
  const points = mountsBelow(folder).reverse();
  if (points.length > 0) await mustRunProgram(programs.umount.path, ['--no-mtab', '--', ...points]);
  const left = mountsBelow(folder);
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`);
}
