import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fileFailed, syncFolder, writeDurably } from './write-durably.ts';

/** A user of this machine by its numbers. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Makes a folder with its parents, or sets mode and owner of the one that is there. */
export function makeFolder(path: string, mode: number, owner: FileOwner | null): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    chmodSync(path, mode);
    if (owner !== null) chownSync(path, owner.uid, owner.gid);
  } catch (error) {
    throw fileFailed(path, 'cannot make', error);
  }
}

/** Gives a file of ours to another user; the folder must be ours, or theirs with nothing placed there by them. */
export function giveTo(path: string, owner: FileOwner): void {
  try {
    lchownSync(path, owner.uid, owner.gid);
  } catch (error) {
    throw fileFailed(path, 'cannot give away', error);
  }
}

export const isThere = (path: string): boolean => existsSync(path);

/** Moves a file over another one of the same folder, durably. Nothing happens when it is not there. */
export function moveIfThere(from: string, to: string): void {
  try {
    if (!existsSync(from)) return;
    renameSync(from, to);
    syncFolder(dirname(to));
  } catch (error) {
    throw fileFailed(to, 'cannot write', error);
  }
}

export const removeIfThere = (path: string): void => rmSync(path, { force: true });

/** When a file was last written, Unix ms. */
export function changedAtMs(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch (error) {
    throw fileFailed(path, 'cannot read', error);
  }
}

/** The text of a small file that a person named. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileFailed(path, 'cannot read', error);
  }
}

export const writePolicy = (path: string, text: string): void =>
  writeDurably(path, Buffer.from(text), { mode: 0o644, gid: null });

/** A user of this machine from the text of `/etc/passwd`; null when there is none of that name. */
export function findUser(name: string, passwdFile: string): FileOwner | null {
  for (const line of readText(passwdFile).split('\n')) {
    const [login, , uid, gid] = line.split(':');
    if (login === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** Name of the operating system from `/etc/os-release`, or a word for any. */
export function osName(osReleaseFile: string): string {
  if (!existsSync(osReleaseFile)) return 'Linux';
  const found = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readText(osReleaseFile));
  return (found?.[1] ?? 'Linux').slice(0, 200);
}
