import { randomUUID } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import {
  createKeyPair,
  keyThumbprint,
  sha256Hex,
  signRecordingHeader,
  verifyRecordingHeader,
  type KeyPair,
} from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { NodeId, RecordingHeader, ShellEnding } from '@hauban/shared/protocol';
import {
  checkChunkText,
  encodeCastEvent,
  encodeCastHeader,
  followChain,
  parseCast,
  type ChainState,
} from '@hauban/shared/recording';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createRecordingsRepository } from './recordings.repository.ts';
import { RecordingsService } from './recordings.service.ts';

const clock = new FakeClock(1_700_000_000_000);
const key = createKeyPair();
const node = randomUUID() as NodeId;
const otherNode = randomUUID() as NodeId;
const reader = { name: 'olga', address: '192.0.2.1' };
let fixture: TestDatabase;
let database: Database;
let recordings: RecordingsService;
let session = '';
let isDatabaseAway = false;
/** A key that the node had before, and when it was replaced. */
let retired: { readonly key: KeyPair; readonly at: number } | null = null;
const kidOf = (jws: string): unknown =>
  (JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as { kid?: unknown }).kid;
let ended: { readonly id: string; readonly ending: ShellEnding }[] = [];

async function addSession(nodeId: string): Promise<string> {
  const id = randomUUID();
  await fixture.sql`INSERT INTO shell_session (id, order_id, node_id, login, opened_by_id, opened_by, state, requested_at)
    VALUES (${id}, ${randomUUID()}, ${nodeId}, 'root', 'p1', 'olga', 'open', 0)`;
  return id;
}

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const { transaction } = database;
  await fixture.sql`INSERT INTO join_token VALUES (${node}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  for (const id of [node, otherNode])
    await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
      VALUES (${id}, 'web1', ${id}, ${key.publicText}, ${node}, '{}', '{}', 0, '', '')`;
  recordings = new RecordingsService({
    repository: createRecordingsRepository(database),
    audit: createAuditService({ repository: createAuditRepository(database), transaction, clock }),
    transaction,
    clock,
    log: createLog('silent'),
    inflate: (bytes, maxBytes) => {
      try {
        return inflateSync(bytes, { maxOutputLength: maxBytes });
      } catch (error) {
        if (error instanceof Error) return undefined;
        throw error;
      }
    },
    findNode: async (id) => {
      if (isDatabaseAway) throw new HaubanError('DATABASE', 'away');
      return id === node || id === otherNode ? { id, receiptKey: key.publicText } : null;
    },
    receiptSigner: async (_node, jws) =>
      retired !== null && kidOf(jws) === keyThumbprint(retired.key.publicText)
        ? { key: retired.key.publicText, retiredAt: retired.at }
        : { key: key.publicText, retiredAt: null },
    receiptKeys: async () => [{ key: key.publicText, sinceAt: 0, untilAt: null }],
    shells: {
      find: async (id) => {
        const [row] = await fixture.sql`SELECT id, node_id, login, requested_at FROM shell_session WHERE id = ${id}`;
        if (row === undefined) return null;
        const requestedAt = Number(row['requested_at']);
        return { id, nodeId: row['node_id'] as string, login: row['login'] as string, requestedAt };
      },
      listRecorded: async () => ({ sessions: [], cursor: null }),
      recordingEnded: async (id, ending) => void ended.push({ id, ending }),
    },
  });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(async () => {
  session = await addSession(node);
  ended = [];
  retired = null;
});

interface Chunk {
  readonly header: RecordingHeader;
  readonly jws: string;
  readonly data: Uint8Array;
}

/** The next chunk of a chain, as a node makes it; `change` spoils its header before it is signed. */
async function makeChunk(
  before: Chunk | null,
  output: string,
  options: {
    readonly ending?: ShellEnding;
    readonly change?: Partial<RecordingHeader>;
    readonly signer?: KeyPair;
    readonly text?: string;
  } = {},
): Promise<Chunk> {
  const index = before === null ? 0 : before.header.index + 1;
  const head = { columns: 80, rows: 24, terminal: 'xterm', startedAt: 1_700_000_000_000, title: 'root@web1' };
  const text = options.text ?? (index === 0 ? encodeCastHeader(head) : '') + encodeCastEvent(100, 'o', output);
  const data = deflateSync(Buffer.from(text));
  const at = 1_700_000_000_000 + index * 1000;
  const header: RecordingHeader = {
    v: 1,
    session,
    node,
    index,
    prev: before === null ? null : sha256Hex(before.jws),
    from: at,
    to: at + 500,
    events: 1,
    sha256: sha256Hex(data),
    offset: before === null ? 0 : before.header.offset + before.header.bytes,
    bytes: Buffer.byteLength(output),
    last: options.ending !== undefined,
    ended: options.ending ?? null,
    ...options.change,
  };
  return { header, jws: await signRecordingHeader(header, options.signer ?? key), data };
}

async function makeChain(...outputs: readonly string[]): Promise<readonly Chunk[]> {
  const chain: Chunk[] = [];
  for (const [at, output] of outputs.entries())
    chain.push(await makeChunk(chain.at(-1) ?? null, output, at === outputs.length - 1 ? { ending: 'exited' } : {}));
  return chain;
}

function pick(chain: readonly Chunk[], index: number): Chunk {
  const chunk = chain.at(index);
  if (chunk === undefined) throw new RangeError('no such chunk');
  return chunk;
}

const take = (chunk: Chunk, from: NodeId = node, link = 'link 1'): Promise<{ session: string; index: number } | null> =>
  recordings.chunk({ nodeId: from, session: link }, chunk);

async function stateOf(id = session): Promise<Record<string, unknown>> {
  const [row] = await fixture.sql`SELECT * FROM recording WHERE session_id = ${id}`;
  return row ?? {};
}
const countOf = async (table: 'recording_chunk' | 'recording_reject'): Promise<number> =>
  Number((await fixture.sql`SELECT count(*) AS n FROM ${fixture.sql(table)} WHERE session_id = ${session}`)[0]?.['n']);
const auditOf = async (): Promise<readonly string[]> =>
  (await fixture.sql`SELECT code FROM audit_entry WHERE detail::text LIKE ${`%${session}%`} ORDER BY seq`).map(
    (row) => row['code'] as string,
  );

async function castText(): Promise<string> {
  let text = '';
  for await (const piece of await recordings.cast(session, reader)) text += piece;
  return text;
}

describe('chunks of a recording', () => {
  it('SHELL8 are stored once, acknowledged after the commit, and close the session', async () => {
    const chain = await makeChain('one', 'two', 'three');
    for (const [index, chunk] of chain.entries()) expect(await take(chunk)).toEqual({ session, index });
    for (const [index, chunk] of chain.entries()) expect(await take(chunk)).toEqual({ session, index });
    expect(await countOf('recording_chunk')).toBe(3);
    expect(await countOf('recording_reject')).toBe(0);
    expect(await stateOf()).toMatchObject({
      state: 'complete',
      chunks: 3,
      output_bytes: '11',
      ended: 'exited',
      problem: null,
    });
    expect(ended[0]).toEqual({ id: session, ending: 'exited' });
    expect(await auditOf()).toEqual(['A4010I']);
  });

  it('SHELL8 that come all at once are taken in order', async () => {
    const chain = await makeChain(...Array.from({ length: 20 }, (_unused, index) => `line ${index}`));
    await Promise.all([...chain, ...chain].map((chunk) => take(chunk)));
    expect(await stateOf()).toMatchObject({ state: 'complete', chunks: 20 });
    expect(await countOf('recording_reject')).toBe(0);
  });

  it('SHELL8 after one that could not be stored wait for the next link: no gap is made', async () => {
    const chain = await makeChain('one', 'two', 'three');
    isDatabaseAway = true;
    await expect(take(pick(chain, 0))).rejects.toMatchObject({ code: 'DATABASE' });
    isDatabaseAway = false;
    await expect(take(pick(chain, 1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await countOf('recording_chunk')).toBe(0);
    for (const [index, chunk] of chain.entries()) expect(await take(chunk, node, 'link 2')).toEqual({ session, index });
    expect(await stateOf()).toMatchObject({ state: 'complete', chunks: 3, problem: null });
  });

  it('that somebody has edited in the database are not played as if they were whole', async () => {
    await take(await makeChunk(null, 'one'));
    await fixture.sql`ALTER TABLE recording_chunk DISABLE TRIGGER ALL`;
    await fixture.sql`UPDATE recording_chunk SET data = '\\xff'::bytea WHERE session_id = ${session}`;
    await fixture.sql`ALTER TABLE recording_chunk ENABLE TRIGGER ALL`;
    await expect(castText()).rejects.toMatchObject({ code: 'RECORDING_BROKEN' });
  });

  it('are played as asciicast and given out as evidence that can be checked offline', async () => {
    for (const chunk of await makeChain('one', 'two')) await take(chunk);
    const parsed = parseCast(await castText());
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(parsed.events.map(({ data }) => data)).toEqual(['one', 'two']);
    const { receiptKeys, chunks } = await recordings.chunks(session, reader);
    const receiptKey = receiptKeys[0]?.key ?? '';
    let state: ChainState | null = null;
    for (const { jws, data } of chunks) {
      const header = await verifyRecordingHeader(jws, receiptKey);
      if (!header.ok) throw new Error(header.detail);
      const bytes = Buffer.from(data, 'base64url');
      expect(sha256Hex(bytes)).toBe(header.value.sha256);
      expect(checkChunkText(header.value, inflateSync(bytes).toString())).toBeNull();
      const followed = followChain(state, { session, node }, header.value, sha256Hex(jws));
      if (!followed.ok) throw new Error(followed.problem);
      state = followed.state;
    }
    expect(state?.isComplete).toBe(true);
    expect(await auditOf()).toEqual(['A4010I', 'A4012I', 'A4012I']);
  });

  it.each<[string, (chain: readonly Chunk[]) => Promise<Chunk>]>([
    ['signed by another key', async ([first = null]) => makeChunk(first, 'x', { signer: createKeyPair() })],
    [
      'with altered data',
      async (chain) => ({ ...pick(chain, 1), data: deflateSync(Buffer.from('[0.1,"o","forged"]\n')) }),
    ],
    [
      'with data that is no deflate',
      async ([first = null]) => {
        const data = Buffer.from('no deflate');
        const chunk = await makeChunk(first, 'x', { change: { sha256: sha256Hex(data) } });
        return { ...chunk, data };
      },
    ],
    [
      'with data that inflates to 100 MB',
      async ([first = null]) => {
        const data = deflateSync(Buffer.alloc(100_000_000));
        const chunk = await makeChunk(first, 'x', { change: { sha256: sha256Hex(data) } });
        return { ...chunk, data };
      },
    ],
    ['with events that are none', async ([first = null]) => makeChunk(first, 'x', { text: 'garbage\n' })],
    ['with another number of events', async ([first = null]) => makeChunk(first, 'x', { change: { events: 9 } })],
    ['with an index that has another content already', async () => makeChunk(null, 'else')],
  ])('%s are kept aside, not played, and the recording is broken once', async (_attack, make) => {
    const chain = await makeChain('one', 'two');
    await take(pick(chain, 0));
    const bad = await make(chain);
    expect(await take(bad)).toEqual({ session, index: bad.header.index });
    expect(await countOf('recording_chunk')).toBe(1);
    expect(await countOf('recording_reject')).toBe(1);
    expect(await stateOf()).toMatchObject({ state: 'broken' });
    await take(bad);
    expect((await auditOf()).filter((code) => code === 'A4011E')).toHaveLength(1);
    expect(await castText()).not.toContain('forged');
  });

  it.each<[string, Partial<RecordingHeader>]>([
    ['one is missing before it', { index: 2 }],
    ['it does not follow from the one before', { prev: 'c'.repeat(64) }],
    ['output is missing before it', { offset: 100 }],
    ['it goes back in time', { from: 5, to: 6 }],
  ])(
    'after a fault in the chain (%s) the rest is kept and played, and the recording is broken',
    async (_fault, change) => {
      const first = await makeChunk(null, 'one');
      await take(first);
      const second = await makeChunk(first, 'two', { change });
      expect(await take(second)).toEqual({ session, index: second.header.index });
      const third = await makeChunk(second, 'three', {
        ending: 'exited',
        change: { from: second.header.to, to: second.header.to + 1 },
      });
      await take(third);
      expect(await stateOf()).toMatchObject({ state: 'broken', chunks: 3, ended: 'exited' });
      expect(await castText()).toContain('three');
      expect(await auditOf()).toContain('A4011E');
      expect(await auditOf()).not.toContain('A4010I');
    },
  );

  it('KEYS29 by a receipt key that was replaced are taken of a shell that was asked for before, and of no later one', async () => {
    retired = { key: createKeyPair(), at: 1_700_000_000_000 };
    const before = await makeChunk(null, 'one', { signer: retired.key });
    expect(await take(before)).toEqual({ session, index: 0 });
    expect(await countOf('recording_chunk')).toBe(1);
    await fixture.sql`UPDATE shell_session SET requested_at = ${retired.at + 60_000} WHERE id = ${session}`;
    expect(await take(await makeChunk(before, 'forged', { signer: retired.key }))).toEqual({ session, index: 1 });
    expect([await countOf('recording_chunk'), await countOf('recording_reject')]).toEqual([1, 1]);
    expect(await castText()).not.toContain('forged');
  });

  it('after the last are rejected', async () => {
    const chain = await makeChain('one', 'two');
    for (const chunk of chain) await take(chunk);
    const late = await makeChunk(pick(chain, 1), 'late');
    expect(await take(late)).toEqual({ session, index: 2 });
    expect(await countOf('recording_chunk')).toBe(2);
  });

  it('of another node, or of a session that is not that node’s, change nothing of it', async () => {
    const chunk = await makeChunk(null, 'one');
    expect(await take(chunk, otherNode)).toEqual({ session, index: 0 });
    const own = await makeChunk(null, 'one', { change: { node: otherNode } });
    expect(await take(own, otherNode)).toEqual({ session, index: 0 });
    const unknown = await makeChunk(null, 'one', { change: { session: randomUUID() } });
    expect(await take(unknown)).toEqual({ session: unknown.header.session, index: 0 });
    expect(await stateOf()).toEqual({});
    expect(await take(chunk)).toEqual({ session, index: 0 });
    expect(await stateOf()).toMatchObject({ state: 'recording' });
  });

  it('of a node that nobody knows are not even acknowledged, nor what names no chunk', async () => {
    expect(await take(await makeChunk(null, 'one'), randomUUID() as NodeId)).toBeNull();
    expect(
      await recordings.chunk({ nodeId: node, session: 'link 1' }, { jws: 'a.b.c', data: new Uint8Array(3) }),
    ).toBeNull();
  });

  it('a recording that is not there cannot be read', async () => {
    await expect(recordings.cast(session, reader)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(recordings.chunks("'; --", reader)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
