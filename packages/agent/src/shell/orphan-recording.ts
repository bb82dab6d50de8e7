import { sha256Hex } from '@hauban/link';
import { checkRecordingHeader, fromBase64Url, parseJson, splitRecordingChunk } from '@hauban/shared/protocol';
import type { RecordingHeader } from '@hauban/shared/protocol';
import { CAST_CODES, type CastCode } from '@hauban/shared/recording';
import {
  freeReserve,
  listOpen,
  readChunk,
  readOpenChunk,
  removeOpen,
  writeChunk,
  type OpenRecord,
  type RecordingFolder,
} from '../store/index.ts';
import { ChunkEvents, parseChainHead, sealChunk, type ChainHead, type SignRecord } from './seal-chunk.ts';

const MARKER = 'The recording ends here: its process was ended from outside.';

/** Header of a chunk of our own making; its signature is not checked here. Null when the bytes are not a chunk. */
export function peekChunk(bytes: Uint8Array): { readonly jws: string; readonly header: RecordingHeader } | null {
  const jws = splitRecordingChunk(bytes)?.jws;
  const payload = fromBase64Url(jws?.split('.')[1] ?? '');
  if (jws === undefined || payload === null) return null;
  const parsed = parseJson(checkRecordingHeader, Buffer.from(payload).toString('utf8'));
  return parsed.ok ? { jws, header: parsed.value } : null;
}

const isCode = (code: string): code is CastCode => CAST_CODES.includes(code as CastCode);

interface LeftOver {
  readonly head: ChainHead;
  readonly records: readonly OpenRecord[];
}

/**
 * What is still to be sealed. The open file of a chunk that has its final name already is behind by one step: the host
 * died between the two, and the next chunk is begun from the sealed one. Null: the chunk was the last one.
 */
function findLeftOver(folder: RecordingFolder, index: number): LeftOver | 'unreadable' | null {
  const open = readOpenChunk(folder, index);
  const head = open === null ? null : parseChainHead(open.head);
  if (open === null || head === null) return 'unreadable';
  const sealed = readChunk(folder, index);
  if (sealed === null) return { head, records: open.records };
  const chunk = peekChunk(sealed);
  if (chunk === null) return 'unreadable';
  if (chunk.header.last) return null;
  const { offset, bytes, to } = chunk.header;
  const next = {
    ...head,
    index: index + 1,
    prev: sha256Hex(chunk.jws),
    offset: offset + bytes,
    lastAtMs: to - head.cast.startedAt,
  };
  return { head: next, records: [] };
}

function sealLeftOver({ head, records }: LeftOver, sign: SignRecord): Buffer {
  const events = new ChunkEvents();
  for (const record of records) {
    if (isCode(record.code)) events.add(record.atMs, record.code, record.data, record.bytes);
  }
  events.add(records.at(-1)?.atMs ?? head.lastAtMs, 'm', Buffer.from(MARKER), 0);
  return sealChunk(head, events, 'crashed', sign).bytes;
}

/**
 * Closes a recording whose shell host died without a last chunk (rule SHELL9): what lies in its open file becomes the
 * last chunk, with a marker that says so. Only the executor calls this, and only when the host is gone.
 * @returns false when nothing was open: the recording had its end, or it had never begun
 */
export function closeOrphanRecording(folder: RecordingFolder, sign: SignRecord): boolean {
  freeReserve(folder);
  const left = listOpen(folder);
  let isSettled = false;
  let hasWritten = false;
  for (const index of left.toReversed()) {
    const found = isSettled ? 'unreadable' : findLeftOver(folder, index);
    if (found === 'unreadable') continue;
    isSettled = true;
    if (found === null) continue;
    writeChunk(folder, found.head.index, sealLeftOver(found, sign), () => undefined);
    hasWritten = true;
  }
  for (const index of left) removeOpen(folder, index);
  return hasWritten;
}
