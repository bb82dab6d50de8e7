import { homeOf, MANAGED } from '../hosting-layout.ts';
import type { UserEntry } from '../host.ts';

/** What a jail consists of: copies of programs and their libraries, a few devices, and files that name one user. Pure. */

/** Folders of the tree that account.create has made; root's. */
export const JAIL_FOLDERS = ['bin', 'dev', 'etc', 'lib', 'lib64', 'usr'] as const;

const TOOLS =
  'sh cat chmod cp date diff du echo false find grep gzip head id ln ls mkdir mv pwd rm rmdir sed sleep sort tail tar touch tr true wc';
export const JAIL_PROGRAMS: readonly string[] = [...TOOLS.split(' ').map((name) => `/bin/${name}`), '/usr/bin/env'];

/** Those that read and write nothing of the machine, by their numbers. */
export const JAIL_DEVICES: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  null: [1, 3],
  zero: [1, 5],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
};

/** No component begins with a dot. */
const JAIL_PATH = /^(?:bin|lib|lib64|usr)(?:\/[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,99}){1,6}$/;
export const isJailPath = (path: string): boolean => JAIL_PATH.test(path);

/** Which files and devices of the tree are ours; root's, as everything in it. */
export const jailNoteOf = (account: string): string => `${homeOf(account)}/etc/hauban-jail.json`;

export interface JailNote {
  readonly files: readonly string[];
  readonly devices: readonly string[];
}
export const jailNoteText = ({ files, devices }: JailNote): string =>
  `${JSON.stringify({ note: MANAGED, files: files.toSorted(), devices: devices.toSorted() }, null, 1)}\n`;

const textsIn = (value: unknown, fits: (text: string) => boolean): readonly string[] | null =>
  Array.isArray(value) && value.length <= 5000 && value.every((one) => typeof one === 'string' && fits(one))
    ? (value as readonly string[])
    : null;

/** Null: it is not as we write it. */
export function parseJailNote(text: string): JailNote | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const { files, devices } = (value ?? {}) as { readonly files?: unknown; readonly devices?: unknown };
  const [ours, made] = [textsIn(files, isJailPath), textsIn(devices, (name) => Object.hasOwn(JAIL_DEVICES, name))];
  return ours === null || made === null ? null : { files: ours, devices: made };
}

/** Folders below those of the tree that files need, the outer before the inner. */
export function jailSubfolders(files: readonly string[]): readonly string[] {
  const folders = files.flatMap((file) => {
    const parts = file.split('/').slice(0, -1);
    return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
  });
  return [...new Set(folders)].filter((folder) => folder.includes('/')).toSorted();
}

/** Names for numbers inside: this account's, and nobody else's. */
export const jailEtc = ({ name, uid, gid, comment }: UserEntry): Readonly<Record<string, string>> => ({
  passwd: `${name}:x:${uid}:${gid}:${comment}:/var/www:/bin/sh\n`,
  group: `${name}:x:${gid}:\n`,
  'nsswitch.conf': 'passwd: files\ngroup: files\n',
});
