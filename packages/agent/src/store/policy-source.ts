import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileFailed } from './write-durably.ts';

const POLICY_LIMIT_BYTES = 65_536;

/** The text of a file that only its owner may change, or why it is not to be believed. */
export type PolicySource =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** Same stamp: same file with the same content. */
export function policyStamp(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch (error) {
    return fileFailed(path, 'cannot look at', error).detail;
  }
}

const writableByOthers = (mode: number): boolean => (mode & 0o022) !== 0;

/** @param ownerUid the only user besides root who may own the file and its folder */
export function loadPolicySource(path: string, ownerUid: number): PolicySource {
  const isTrusted = (uid: number): boolean => uid === 0 || uid === ownerUid;
  try {
    const folder = statSync(dirname(path));
    if (!isTrusted(folder.uid)) return { ok: false, problem: `${dirname(path)} belongs to user ${folder.uid}` };
    if (writableByOthers(folder.mode))
      return { ok: false, problem: `${dirname(path)} may be written by others than its owner` };
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) return { ok: false, problem: `${path} is not a file` };
      if (!isTrusted(stat.uid)) return { ok: false, problem: `${path} belongs to user ${stat.uid}` };
      if (writableByOthers(stat.mode)) return { ok: false, problem: `${path} may be written by others than its owner` };
      if (stat.size > POLICY_LIMIT_BYTES)
        return { ok: false, problem: `${path} is larger than ${POLICY_LIMIT_BYTES} bytes` };
      return { ok: true, text: readFileSync(descriptor, 'utf8') };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { ok: false, problem: fileFailed(path, 'cannot read', error).detail };
  }
}
