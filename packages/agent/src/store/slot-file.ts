import { createHash } from 'node:crypto';
import { closeSync, constants, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { integer, object, parseJson, text } from '@hauban/shared/protocol';
import { fileFailed, syncFolder } from './write-durably.ts';

/**
 * A small text that is replaced often and may never be lost: two slots in one file, written in turn, each with its
 * SHA-256. A crash in the middle of a write spoils the slot that was being written; the other one still says what was
 * before. It is written in place, so that it can be written on a full disk too.
 */
export interface SlotFile {
  /** The newest whole text; null when there is none yet. */
  load(): string | null;
  /** On disk when it returns. FILE_FAILED when it cannot be written. */
  save(text: string): void;
}

const SLOT_BYTES = 8192;
const HASH_CHARS = 64;
const checkSlot = object({ seq: integer(1, 2 ** 47), text: text(SLOT_BYTES) });

interface Slot {
  readonly seq: number;
  readonly text: string;
}

const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');

function parseSlot(bytes: Buffer): Slot | null {
  const content = bytes.toString('utf8').trimEnd();
  const body = content.slice(HASH_CHARS);
  if (content.length <= HASH_CHARS || hashOf(body) !== content.slice(0, HASH_CHARS)) return null;
  const parsed = parseJson(checkSlot, body);
  return parsed.ok ? parsed.value : null;
}

function readSlots(path: string): readonly (Slot | null)[] {
  try {
    const bytes = readFileSync(path);
    return [0, 1].map((at) => parseSlot(bytes.subarray(at * SLOT_BYTES, (at + 1) * SLOT_BYTES)));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [null, null];
    throw fileFailed(path, 'cannot read', error);
  }
}

function writeSlot(path: string, at: number, slot: Slot): void {
  const body = JSON.stringify(slot);
  const text = Buffer.from(hashOf(body) + body);
  if (text.length > SLOT_BYTES) throw new TypeError('the text does not fit into a slot');
  const content = Buffer.alloc(SLOT_BYTES, ' ');
  text.copy(content);
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const descriptor = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    for (let done = 0; done < content.length;)
      done += writeSync(descriptor, content, done, content.length - done, at * SLOT_BYTES + done);
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** @param path in a folder of the caller; the file is made at the first `save` */
export function createSlotFile(path: string): SlotFile {
  return {
    load: () => {
      const [a = null, b = null] = readSlots(path);
      return (a !== null && (b === null || a.seq > b.seq) ? a : b)?.text ?? null;
    },
    save: (content) => {
      try {
        const [a = null, b = null] = readSlots(path);
        const seq = Math.max(a?.seq ?? 0, b?.seq ?? 0) + 1;
        // The slot with the newest text is left alone.
        writeSlot(path, (a?.seq ?? 0) > (b?.seq ?? 0) ? 1 : 0, { seq, text: content });
        if (seq === 1) syncFolder(dirname(path));
      } catch (error) {
        throw fileFailed(path, 'cannot write', error);
      }
    },
  };
}
