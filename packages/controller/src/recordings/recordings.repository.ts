import { and, asc, count, eq, gte } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { recording, recordingChunk, recordingReject } from '../db/schema/shells.ts';

export type RecordingRecord = typeof recording.$inferSelect;
export type ChunkRecord = typeof recordingChunk.$inferSelect;
export type RejectRecord = Omit<typeof recordingReject.$inferSelect, 'id'>;

/** Chunks of recordings and where each chain stands. */
export function createRecordingsRepository(database: Database) {
  return {
    /** Locks the chain until the transaction ends; null before the first chunk. */
    lock: async (tx: Tx, sessionId: string): Promise<RecordingRecord | null> =>
      (await tx.db.select().from(recording).where(eq(recording.sessionId, sessionId)).for('update'))[0] ?? null,
    find: async (sessionId: string): Promise<RecordingRecord | null> =>
      (await database.query((db) => db.select().from(recording).where(eq(recording.sessionId, sessionId))))[0] ?? null,
    /** Hash of the chunk with this index, or null. */
    chunkHash: async (tx: Tx, sessionId: string, index: number): Promise<string | null> => {
      const [row] = await tx.db
        .select({ jwsHash: recordingChunk.jwsHash })
        .from(recordingChunk)
        .where(and(eq(recordingChunk.sessionId, sessionId), eq(recordingChunk.index, index)));
      return row?.jwsHash ?? null;
    },
    addChunk: async (tx: Tx, chunk: ChunkRecord): Promise<void> =>
      void (await tx.db.insert(recordingChunk).values(chunk)),
    /** Writes where the chain stands. */
    save: async (tx: Tx, row: RecordingRecord): Promise<void> => {
      await tx.db.insert(recording).values(row).onConflictDoUpdate({ target: recording.sessionId, set: row });
    },
    addReject: async (tx: Tx, row: RejectRecord): Promise<void> => {
      await tx.db.insert(recordingReject).values({ ...row, problem: storableText(row.problem) });
    },
    countRejects: async (tx: Tx, nodeId: string): Promise<number> =>
      (await tx.db.select({ n: count() }).from(recordingReject).where(eq(recordingReject.nodeId, nodeId)))[0]?.n ?? 0,
    /** Some chunks of a session from an index on, ascending. */
    chunksFrom: async (sessionId: string, index: number, limit: number): Promise<ChunkRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(recordingChunk)
          .where(and(eq(recordingChunk.sessionId, sessionId), gte(recordingChunk.index, index)))
          .orderBy(asc(recordingChunk.index))
          .limit(limit),
      ),
  };
}

export type RecordingsRepository = ReturnType<typeof createRecordingsRepository>;
