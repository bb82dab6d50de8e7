import type { ProcFiles } from './proc-files.ts';

/** One line of mountinfo. */
export interface Mount {
  /** major:minor of the device. */
  readonly device: string;
  readonly point: string;
  readonly type: string;
  readonly isReadOnly: boolean;
}

/** `\040` and the like become the characters that they stand for. */
const unescape = (text: string): string =>
  Buffer.from(
    text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    'latin1',
  ).toString('utf8');

/** Of process 1, because a service manager may give this one read-only mounts of its own; else of this process. */
function readMountTable(files: ProcFiles): string {
  for (const path of ['proc/1/mountinfo', 'proc/self/mountinfo']) {
    const file = files.file(path);
    const length = file.read();
    if (length > 0) return file.bytes.toString('latin1', 0, length);
  }
  return '';
}

/** All mounts of the machine, in the kernel's order; a later mount on the same point hides an earlier one. */
export function listMounts(files: ProcFiles): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const line of readMountTable(files).split('\n')) {
    // id parent major:minor root point options [optional fields] - type source super-options
    const [head = '', tail = ''] = line.split(' - ', 2);
    const [, , device, , point, options] = head.split(' ');
    const [type, , superOptions] = tail.split(' ');
    if (device === undefined || point === undefined || options === undefined || type === undefined || type === '')
      continue;
    const isReadOnly = /^ro(,|$)/.test(options) || /^ro(,|$)/.test(superOptions ?? '');
    mounts.delete(point);
    mounts.set(point, { device, point: unescape(point), type, isReadOnly });
  }
  return [...mounts.values()];
}
