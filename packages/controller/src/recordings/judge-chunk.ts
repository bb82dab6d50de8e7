import { peekJws, sha256Hex, verifyRecordingHeader } from '@hauban/link';
import {
  integer,
  object,
  parseWith,
  text,
  UUID_PATTERN,
  type Check,
  type RecordingHeader,
} from '@hauban/shared/protocol';
import { checkChunkText, followChain, type ChainState } from '@hauban/shared/recording';
import type { RecordingRecord } from './recordings.repository.ts';

/** A chunk as it came over the link. */
export interface IncomingChunk {
  readonly jws: string;
  readonly data: Uint8Array;
}

/** What an unproven chunk says it is: enough to acknowledge it, so that it does not hold up others. */
export interface ChunkClaim {
  readonly session: string;
  readonly index: number;
}

export type ProvenChunk =
  | { readonly ok: true; readonly header: RecordingHeader; readonly hash: string }
  | { readonly ok: false; readonly claim: ChunkClaim | null; readonly problem: string };

/** Inflates with a bound; undefined for what is no deflated data or is too much. */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array | undefined;

/** 512 KiB of text at most are sealed; JSON makes up to six bytes of one. */
const TEXT_LIMIT_BYTES = 8 * 1024 * 1024;

const ANY: Check<unknown> = (value) => value;
const checkClaim = object({ session: text(36, { pattern: new RegExp(UUID_PATTERN) }), index: integer(0, 2 ** 31 - 1) });

function claimOf(jws: string): ChunkClaim | null {
  const peeked = peekJws(jws);
  const payload = peeked.ok ? parseWith(ANY, peeked.payload) : null;
  const { session, index } = ((payload?.ok === true ? payload.value : null) ?? {}) as {
    session?: unknown;
    index?: unknown;
  };
  const claim = parseWith(checkClaim, { session, index });
  return claim.ok ? claim.value : null;
}

/** Signature by the node's receipt key, hash of the data, and data that is what the header says (rule SHELL7). */
export async function proveChunk(
  chunk: IncomingChunk,
  node: { readonly id: string; readonly key: string },
  inflate: Inflate,
): Promise<ProvenChunk> {
  const verified = await verifyRecordingHeader(chunk.jws, node.key);
  const no = (problem: string): ProvenChunk => ({ ok: false, claim: claimOf(chunk.jws), problem });
  if (!verified.ok) return no(verified.detail);
  const header = verified.value;
  if (header.node !== node.id) return no('it is signed for another node');
  if (sha256Hex(chunk.data) !== header.sha256) return no('its data is not what was signed');
  const bytes = inflate(chunk.data, TEXT_LIMIT_BYTES);
  if (bytes === undefined) return no('its data cannot be inflated');
  const problem = checkChunkText(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  return problem === null ? { ok: true, header, hash: sha256Hex(chunk.jws) } : no(problem);
}

/** `repeated`: stored already. `follows`: the next of a whole chain. `breaks`: kept and played, but something is missing before it. */
export type ChunkVerdict =
  | { readonly is: 'repeated' }
  | { readonly is: 'follows' }
  | { readonly is: 'breaks'; readonly problem: string }
  | { readonly is: 'rejected'; readonly problem: string };

const chainOf = (row: RecordingRecord, node: string): ChainState => ({
  session: row.sessionId,
  node,
  nextIndex: row.nextIndex,
  lastHash: row.lastHash,
  offset: row.outputBytes,
  from: row.firstAt,
  to: row.lastAt,
  ended: null,
  isComplete: row.ended !== null,
});

/**
 * Where a proven chunk stands in its chain. Pure.
 * @param known hash of the stored chunk with that index, or null
 */
export function judgeChunk(
  row: RecordingRecord | null,
  known: string | null,
  header: RecordingHeader,
  hash: string,
): ChunkVerdict {
  if (known === hash) return { is: 'repeated' };
  if (known !== null) return { is: 'rejected', problem: `chunk ${header.index} was sent with another content before` };
  const state = row === null ? null : chainOf(row, header.node);
  if (state?.isComplete === true) return { is: 'rejected', problem: 'it comes after the last chunk' };
  if (header.index < (state?.nextIndex ?? 0))
    return { is: 'rejected', problem: `chunk ${header.index} comes too late` };
  const followed = followChain(state, { session: header.session, node: header.node }, header, hash);
  return followed.ok ? { is: 'follows' } : { is: 'breaks', problem: followed.problem };
}

/** Where the chain stands after a chunk that is kept. */
export function advance(
  row: RecordingRecord | null,
  header: RecordingHeader,
  hash: string,
  problem: string | null,
): RecordingRecord {
  const firstProblem = row?.problem ?? problem;
  const state = firstProblem !== null ? 'broken' : header.last ? 'complete' : 'recording';
  return {
    sessionId: header.session,
    state,
    problem: firstProblem,
    chunks: (row?.chunks ?? 0) + 1,
    nextIndex: header.index + 1,
    lastHash: hash,
    outputBytes: header.offset + header.bytes,
    firstAt: row?.firstAt ?? header.from,
    lastAt: header.to,
    ended: header.ended,
  };
}
