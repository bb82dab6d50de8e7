import { and, desc, eq, inArray, isNotNull, lt, or, sql, type SQL } from 'drizzle-orm';
import { storableText, type Database, type Tx } from '../db/index.ts';
import { recording, shellSession } from '../db/schema/shells.ts';

export type SessionRecord = typeof shellSession.$inferSelect;
export type RecordingBrief = Pick<
  typeof recording.$inferSelect,
  'state' | 'problem' | 'chunks' | 'outputBytes' | 'firstAt' | 'lastAt'
>;
/** A session with what is known of its recording; null before its first chunk. */
export type SessionView = SessionRecord & { readonly recording: RecordingBrief | null };

export interface SessionFilter {
  readonly nodeId?: string;
  readonly openedBy?: string;
  readonly isOpen?: boolean;
  readonly isRecorded?: boolean;
  /** Sessions older than this one. */
  readonly before: { readonly requestedAt: number; readonly id: string } | null;
  readonly limit: number;
}

const { state, problem, chunks, outputBytes, firstAt, lastAt } = recording;
const brief = { state, problem, chunks, outputBytes, firstAt, lastAt };
const isUnsettled = inArray(shellSession.state, ['requested', 'open']);

const whereOf = ({ nodeId, openedBy, isOpen, isRecorded, before }: SessionFilter): SQL | undefined =>
  and(
    nodeId === undefined ? undefined : eq(shellSession.nodeId, nodeId),
    openedBy === undefined ? undefined : eq(shellSession.openedBy, openedBy),
    isOpen === undefined ? undefined : isOpen ? isUnsettled : sql`NOT ${isUnsettled}`,
    isRecorded === true ? isNotNull(recording.sessionId) : undefined,
    before === null
      ? undefined
      : or(
          lt(shellSession.requestedAt, before.requestedAt),
          and(eq(shellSession.requestedAt, before.requestedAt), lt(shellSession.id, before.id)),
        ),
  );

/** Shells that people asked for, one row each. */
export function createShellsRepository(database: Database) {
  const select = async (where: SQL | undefined, limit: number): Promise<SessionView[]> => {
    const rows = await database.query((db) =>
      db
        .select({ session: shellSession, recording: brief })
        .from(shellSession)
        .leftJoin(recording, eq(recording.sessionId, shellSession.id))
        .where(where)
        .orderBy(desc(shellSession.requestedAt), desc(shellSession.id))
        .limit(limit),
    );
    return rows.map((row) => ({ ...row.session, recording: row.recording }));
  };
  return {
    add: async (tx: Tx, row: SessionRecord): Promise<void> => void (await tx.db.insert(shellSession).values(row)),
    list: (filter: SessionFilter): Promise<SessionView[]> => select(whereOf(filter), filter.limit),
    view: async (id: string): Promise<SessionView | null> => (await select(eq(shellSession.id, id), 1))[0] ?? null,
    find: async (id: string): Promise<SessionRecord | null> =>
      (await database.query((db) => db.select().from(shellSession).where(eq(shellSession.id, id))))[0] ?? null,
    findByOrder: async (orderId: string): Promise<SessionRecord | null> =>
      (await database.query((db) => db.select().from(shellSession).where(eq(shellSession.orderId, orderId))))[0] ??
      null,
    /** Locks the row until the transaction ends. */
    lock: async (tx: Tx, id: string): Promise<SessionRecord | null> =>
      (await tx.db.select().from(shellSession).where(eq(shellSession.id, id)).for('update'))[0] ?? null,
    change: async (
      tx: Tx,
      id: string,
      change: Partial<Pick<SessionRecord, 'state' | 'detail' | 'receipt' | 'openedAt' | 'endedAt'>>,
    ): Promise<void> => {
      const { detail } = change;
      const stored = detail === undefined ? change : { ...change, detail: storableText(detail) };
      await tx.db.update(shellSession).set(stored).where(eq(shellSession.id, id));
    },
    /** Requested or open ones of a node. */
    unsettledOf: async (nodeId: string): Promise<SessionRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(shellSession)
          .where(and(eq(shellSession.nodeId, nodeId), isUnsettled)),
      ),
    /** Marks what this person has open as ending; those that were. */
    markEnding: async (tx: Tx, openedById: string, at: number): Promise<SessionRecord[]> =>
      tx.db
        .update(shellSession)
        .set({ endingAt: at })
        .where(and(eq(shellSession.openedById, openedById), isUnsettled))
        .returning(),
    /** Of these, those that have ended or never began. */
    settledAmong: async (ids: readonly string[]): Promise<string[]> => {
      if (ids.length === 0) return [];
      const rows = await database.query((db) =>
        db
          .select({ id: shellSession.id })
          .from(shellSession)
          .where(and(inArray(shellSession.id, [...ids]), sql`NOT ${isUnsettled}`)),
      );
      return rows.map(({ id }) => id);
    },
    /** Requested before this time and never answered. */
    unanswered: async (before: number): Promise<SessionRecord[]> =>
      database.query((db) =>
        db
          .select()
          .from(shellSession)
          .where(and(eq(shellSession.state, 'requested'), lt(shellSession.requestedAt, before)))
          .limit(100),
      ),
  };
}

export type ShellsRepository = ReturnType<typeof createShellsRepository>;
