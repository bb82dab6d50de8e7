/**
 * Recordings of shells: takes signed chunks from nodes, keeps each once, and gives them back as asciicast or as
 * evidence. Bytes that are wrong are kept too, never played, and never in the way of others. May not know SQL or HTTP.
 */
import type { RecordingChunks, SessionPage, SessionQuery } from '@hauban/shared/api';
import type { AuditCode } from '@hauban/shared/audit';
import { ERROR_CODES, HaubanError } from '@hauban/shared/errors';
import { parseSessionId, type NodeId, type RecordingHeader, type ShellEnding } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact, Tx } from '../db/transaction.ts';
import { mayAnswer, type NodeSigner } from '../nodes/receipt-keys.service.ts';
import type { Log } from '../runtime/index.ts';
import { advance, judgeChunk, proveChunk, type ChunkClaim, type IncomingChunk, type Inflate } from './judge-chunk.ts';
import type { RecordingsRepository } from './recordings.repository.ts';

/** What this room needs to know of a session; the shells have it. */
/** Of these nodes, those that the reader may see. */
type Readable = (nodeIds: readonly string[]) => Promise<ReadonlySet<string>>;

export interface RecordedSession {
  readonly id: string;
  readonly nodeId: string;
  readonly login: string;
  /** Its permit was issued then, Unix ms. */
  readonly requestedAt: number;
}

export interface RecordingsParts {
  readonly repository: RecordingsRepository;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
  readonly inflate: Inflate;
  readonly findNode: (nodeId: string) => Promise<{ readonly id: string; readonly receiptKey: string } | null>;
  /** The key that a chunk names, when it is or was this node's; else the one that counts. */
  readonly receiptSigner: (
    node: { readonly id: string; readonly receiptKey: string },
    jws: string,
  ) => Promise<NodeSigner>;
  /** Every key that the node has had. */
  readonly receiptKeys: (nodeId: string) => Promise<RecordingChunks['receiptKeys']>;
  readonly shells: {
    find(id: string): Promise<RecordedSession | null>;
    listRecorded(query: SessionQuery, readable: Readable | null): Promise<SessionPage>;
    recordingEnded(id: string, ending: ShellEnding, at: number): Promise<void>;
  };
}

/** Who looks at a recording, for the audit log. */
export interface RecordingReader {
  readonly name: string;
  readonly address: string;
}

/** More rejected chunks of one node than this are counted in the log only. */
const MOST_REJECTS = 1000;
const CHUNKS_AT_ONCE = 16;
const TEXT_LIMIT_BYTES = 8 * 1024 * 1024;

export class RecordingsService {
  readonly #parts: RecordingsParts;
  /** The end of the queue of each session: chunks come in order and run beside each other. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** By node: the link over which a chunk could not be stored. What follows on it would leave a gap. */
  readonly #failedLinks = new Map<string, string>();

  constructor(parts: RecordingsParts) {
    this.#parts = parts;
  }

  /**
   * Resolves after the commit with what to acknowledge; null when it cannot even be told which chunk it is. Once it has
   * rejected, all that comes over the same link is rejected too: the node repeats it, in order, over the next one.
   */
  async chunk(
    link: { readonly nodeId: NodeId; readonly session: string },
    incoming: IncomingChunk,
  ): Promise<ChunkClaim | null> {
    const before = this.#queues.get(link.nodeId) ?? Promise.resolve();
    const taking = before.then(() => this.#takeInOrder(link, incoming));
    // The next one waits for the end of this one, not for its success.
    const settled = taking.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(link.nodeId, settled);
    void settled.then(() => {
      if (this.#queues.get(link.nodeId) === settled) this.#queues.delete(link.nodeId);
    });
    return await taking;
  }

  async list(query: SessionQuery, readable: Readable | null = null): Promise<SessionPage> {
    return await this.#parts.shells.listRecorded(query, readable);
  }

  /** The recording as asciicast v3 text, piece by piece; a running one as far as it has come. */
  async cast(id: string, reader: RecordingReader): Promise<AsyncIterable<string>> {
    await this.#open(id, reader, 'cast');
    return this.#castText(id);
  }

  /** The signed chunks themselves, for an offline check. */
  async chunks(id: string, reader: RecordingReader): Promise<RecordingChunks> {
    const session = await this.#open(id, reader, 'chunks');
    const chunks: { jws: string; data: string }[] = [];
    for await (const chunk of this.#stored(id))
      chunks.push({ jws: chunk.jws, data: Buffer.from(chunk.data).toString('base64url') });
    return { receiptKeys: await this.#parts.receiptKeys(session.nodeId), chunks };
  }

  async #open(id: string, reader: RecordingReader, as: string): Promise<RecordedSession> {
    const { shells, repository, audit } = this.#parts;
    const session = parseSessionId(id) === null ? null : await shells.find(id);
    if (session === null || (await repository.find(id)) === null)
      throw new HaubanError('NOT_FOUND', 'There is no recording with this id.');
    const detail = { session: id, user: session.login, as };
    const { name: who, address } = reader;
    await audit.recordAlone({ code: 'A4012I', who, address, nodeId: session.nodeId, detail });
    return session;
  }

  async *#stored(id: string): AsyncGenerator<{ readonly jws: string; readonly data: Uint8Array }> {
    for (let next = 0; ;) {
      const some = await this.#parts.repository.chunksFrom(id, next, CHUNKS_AT_ONCE);
      yield* some;
      const last = some.at(-1);
      if (last === undefined || some.length < CHUNKS_AT_ONCE) return;
      next = last.index + 1;
    }
  }

  async *#castText(id: string): AsyncGenerator<string> {
    for await (const { data } of this.#stored(id)) {
      const bytes = this.#parts.inflate(data, TEXT_LIMIT_BYTES);
      // It could be inflated when it was stored.
      if (bytes === undefined) throw new HaubanError('RECORDING_BROKEN', 'A stored chunk cannot be read any more.');
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    }
  }

  async #takeInOrder(
    { nodeId, session }: { readonly nodeId: string; readonly session: string },
    incoming: IncomingChunk,
  ): Promise<ChunkClaim | null> {
    if (this.#failedLinks.get(nodeId) === session)
      throw new HaubanError('UNAVAILABLE', 'A chunk before this one could not be stored.');
    try {
      const claim = await this.#take(nodeId, incoming);
      this.#failedLinks.delete(nodeId);
      return claim;
    } catch (error) {
      this.#failedLinks.set(nodeId, session);
      throw error;
    }
  }

  async #take(nodeId: string, incoming: IncomingChunk): Promise<ChunkClaim | null> {
    const { findNode, receiptSigner, shells, inflate } = this.#parts;
    const node = await findNode(nodeId);
    if (node === null) return null;
    const signer = await receiptSigner(node, incoming.jws);
    const proven = await proveChunk(incoming, { id: node.id, key: signer.key }, inflate);
    if (!proven.ok) return await this.#reject(nodeId, incoming, proven.claim, proven.problem);
    const { header, hash } = proven;
    const session = await shells.find(header.session);
    if (session?.nodeId !== nodeId)
      return await this.#reject(nodeId, incoming, header, 'there is no such session on this node');
    // A shell goes on signing with the key of its start; one that was asked for later has the newer key.
    if (!mayAnswer(signer, session.requestedAt))
      return await this.#reject(nodeId, incoming, header, ERROR_CODES.RECEIPT_RETIRED.title);
    const problem = await this.#store(session, incoming, header, hash);
    if (problem !== null) return await this.#reject(nodeId, incoming, header, problem);
    if (header.ended !== null) await shells.recordingEnded(header.session, header.ended, header.to);
    return { session: header.session, index: header.index };
  }

  /** @returns why it was not stored, or null */
  async #store(
    session: RecordedSession,
    { jws, data }: IncomingChunk,
    header: RecordingHeader,
    hash: string,
  ): Promise<string | null> {
    const { repository, transaction, clock } = this.#parts;
    return await transaction(async (tx) => {
      const row = await repository.lock(tx, session.id);
      const known = await repository.chunkHash(tx, session.id, header.index);
      const verdict = judgeChunk(row, known, header, hash);
      if (verdict.is === 'rejected') return verdict.problem;
      if (verdict.is === 'repeated') return null;
      const problem = verdict.is === 'breaks' ? verdict.problem : null;
      const { index } = header;
      const receivedAt = clock.nowMs();
      await repository.addChunk(tx, { sessionId: session.id, index, jws, jwsHash: hash, data, problem, receivedAt });
      const after = advance(row, header, hash, problem);
      await repository.save(tx, after);
      if (after.state === 'broken' && row?.state !== 'broken') this.#note(tx, 'A4011E', session, { problem });
      if (after.state === 'complete')
        this.#note(tx, 'A4010I', session, { chunks: after.chunks, bytes: after.outputBytes });
      return null;
    });
  }

  /** Keeps the bytes for a person to look at, and acknowledges: a bad chunk must not hold up good ones. */
  async #reject(
    nodeId: string,
    { jws, data }: IncomingChunk,
    claim: ChunkClaim | null,
    problem: string,
  ): Promise<ChunkClaim | null> {
    const { repository, transaction, clock, log, shells } = this.#parts;
    log.warn(
      { nodeId, session: claim?.session ?? null, index: claim?.index ?? null, problem },
      'a chunk of a recording was rejected',
    );
    if (claim === null) return null;
    const session = await shells.find(claim.session);
    await transaction(async (tx) => {
      const { session: sessionId, index } = claim;
      if ((await repository.countRejects(tx, nodeId)) < MOST_REJECTS)
        await repository.addReject(tx, { nodeId, sessionId, index, problem, jws, data, receivedAt: clock.nowMs() });
      if (session?.nodeId !== nodeId) return;
      const row = await repository.lock(tx, sessionId);
      if (row === null || row.state === 'broken') return;
      await repository.save(tx, { ...row, state: 'broken', problem });
      this.#note(tx, 'A4011E', session, { problem, index });
    });
    return { session: claim.session, index: claim.index };
  }

  #note(tx: Tx, code: AuditCode, session: RecordedSession, detail: object): void {
    const { id, nodeId, login: user } = session;
    this.#parts.audit.record(tx, { code, who: 'system', nodeId, detail: { session: id, user, ...detail } });
  }
}
