import type { RecordingHeader } from '../protocol/local.ts';
import { parseCastEvent } from './asciicast.ts';

/**
 * A recording is a chain of signed chunks (rule SHELL7). This follows the chain; the caller checks each signature and
 * hash with its own cryptography and hands in the results. The same code serves controller and offline check.
 */
export interface ChainState {
  readonly session: string;
  readonly node: string;
  /** Index that the next chunk must have. */
  readonly nextIndex: number;
  /** SHA-256 (hex) of the JWS of the last chunk. */
  readonly lastHash: string;
  /** Output bytes up to here. */
  readonly offset: number;
  /** Unix ms of the first and last event. */
  readonly from: number;
  readonly to: number;
  readonly ended: RecordingHeader['ended'];
  readonly isComplete: boolean;
}

/** The inflated data of one chunk is at most this; a chunk is sealed at 64 KiB, JSON can grow a byte sixfold. */
export const CHUNK_TEXT_LIMIT_BYTES = 8 * 1024 * 1024;

export type Followed =
  | { readonly ok: true; readonly state: ChainState }
  | { readonly ok: false; readonly problem: string };

const broken = (problem: string): Followed => ({ ok: false, problem });

/**
 * Takes the next chunk of a chain.
 * @param state what came before, or null for chunk 0
 * @param expected session and node that the chunk must be of
 * @param header the verified header; @param jwsHash SHA-256 (hex) of its JWS
 */
export function followChain(
  state: ChainState | null,
  expected: { readonly session: string; readonly node: string },
  header: RecordingHeader,
  jwsHash: string,
): Followed {
  if (header.session !== expected.session) return broken('the chunk is of another session');
  if (header.node !== expected.node) return broken('the chunk is of another node');
  if (state?.isComplete === true) return broken('a chunk comes after the last one');
  const index = state?.nextIndex ?? 0;
  if (header.index !== index) return broken(`chunk ${header.index} comes where chunk ${index} belongs`);
  if (header.prev !== (state?.lastHash ?? null))
    return broken(`chunk ${index} does not follow from the chunk before it`);
  if (header.offset !== (state?.offset ?? 0)) return broken(`chunk ${index} leaves out or repeats output`);
  if (header.to < header.from || header.from < (state?.to ?? 0)) return broken(`chunk ${index} goes back in time`);
  if (header.last !== (header.ended !== null)) return broken(`chunk ${index} does not say how the session ended`);
  return {
    ok: true,
    state: {
      ...expected,
      nextIndex: index + 1,
      lastHash: jwsHash,
      offset: header.offset + header.bytes,
      from: state?.from ?? header.from,
      to: header.to,
      ended: header.ended,
      isComplete: header.last,
    },
  };
}

/** Does the inflated text of a chunk hold what its header says? Null: yes; else what is wrong. */
export function checkChunkText(header: RecordingHeader, text: string): string | null {
  const lines = text.split('\n');
  if (lines.pop() !== '') return `chunk ${header.index} ends inside a line`;
  if (header.index === 0 && !(lines.shift() ?? '').startsWith('{"version":3,'))
    return 'chunk 0 does not begin with the asciicast header';
  if (lines.length !== header.events)
    return `chunk ${header.index} holds ${lines.length} events, its header says ${header.events}`;
  const bad = lines.findIndex((line) => parseCastEvent(line) === null);
  return bad === -1 ? null : `event ${bad} of chunk ${header.index} is not an asciicast event`;
}
