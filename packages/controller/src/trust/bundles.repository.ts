import type { SignedBundle } from '@hauban/shared/protocol';
import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, ne } from 'drizzle-orm';
import type { Database, Tx } from '../db/index.ts';
import { node } from '../db/schema/nodes.ts';
import { passkey, person } from '../db/schema/people.ts';
import { approval, trustBundle, trustDraft, trustNode } from '../db/schema/trust.ts';

export type DraftRecord = Omit<typeof trustDraft.$inferSelect, 'isOnly'>;
export type ApprovalRecord = typeof approval.$inferSelect;

/** A person who may be listed in a bundle, with the keys as they were registered. */
export interface Candidate {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly passkeys: readonly { readonly id: string; readonly publicKey: Uint8Array }[];
}

/** Who is listed in bundles, and who no more. */
function peopleOfBundles(database: Database) {
  return {
    /** Who of these has left. */
    leftOf: async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
      if (ids.length === 0) return new Set();
      const isOne = and(inArray(person.id, [...ids]), isNotNull(person.leftAt));
      return new Set(
        (await database.query((db) => db.select({ id: person.id }).from(person).where(isOne))).map(({ id }) => id),
      );
    },
    /** People who act, with their passkeys. Who left or only reads is not among them. */
    candidates: async (): Promise<Candidate[]> => {
      const rows = await database.query((db) =>
        db
          .select({ id: person.id, name: person.name, role: person.role, passkey })
          .from(person)
          .leftJoin(passkey, eq(passkey.personId, person.id))
          .where(and(isNull(person.leftAt), ne(person.role, 'viewer')))
          .orderBy(asc(person.createdAt), asc(person.id), asc(passkey.createdAt), asc(passkey.id)),
      );
      const byId = new Map<string, Candidate>();
      for (const { passkey: key, ...who } of rows) {
        const passkeys = [...(byId.get(who.id)?.passkeys ?? []), ...(key === null ? [] : [key])];
        byId.set(who.id, { ...who, passkeys });
      }
      return [...byId.values()];
    },
  };
}

/** Policy bundles, the draft of the next one, and how far each node is. */
interface HeldByNode {
  readonly nodeId: string;
  readonly hostName: string;
  readonly version: number;
  readonly authority: number;
  /** Null: it has not said. */
  readonly linkKey: string | null;
  readonly saidAt: number | null;
}

/** What each node said it holds. */
const heldByNodes = async (database: Database): Promise<HeldByNode[]> =>
  (
    await database.query((db) =>
      db
        .select({ nodeId: node.id, hostName: node.hostName, said: trustNode })
        .from(node)
        .leftJoin(trustNode, eq(trustNode.nodeId, node.id))
        .where(isNull(node.revokedAt))
        .orderBy(asc(node.hostName), asc(node.id)),
    )
  ).map(({ said, ...who }) => ({
    ...who,
    version: said?.version ?? 0,
    authority: said?.authority ?? 0,
    linkKey: said?.linkKey ?? null,
    saidAt: said?.saidAt ?? null,
  }));

export function createBundlesRepository(database: Database) {
  return {
    ...peopleOfBundles(database),
    /** Oldest first. */
    after: async (version: number, limit: number): Promise<SignedBundle[]> =>
      (
        await database.query((db) =>
          db
            .select()
            .from(trustBundle)
            .where(gt(trustBundle.version, version))
            .orderBy(asc(trustBundle.version))
            .limit(limit),
        )
      ).map(({ signed }) => signed),
    newest: async (): Promise<SignedBundle | null> =>
      (await database.query((db) => db.select().from(trustBundle).orderBy(desc(trustBundle.version)).limit(1)))[0]
        ?.signed ?? null,
    /** Once: another controller may have stored it already. */
    add: async (tx: Tx, row: typeof trustBundle.$inferInsert): Promise<boolean> =>
      (await tx.db.insert(trustBundle).values(row).onConflictDoNothing().returning({ version: trustBundle.version }))
        .length > 0,
    draft: async (): Promise<DraftRecord | null> =>
      (await database.query((db) => db.select().from(trustDraft)))[0] ?? null,
    /** In place of the one before, whose approvals are forgotten. */
    setDraft: async (tx: Tx, draft: DraftRecord): Promise<void> => {
      const [before] = await tx.db.delete(trustDraft).returning({ hash: trustDraft.hash });
      if (before !== undefined) await tx.db.delete(approval).where(eq(approval.subject, before.hash));
      await tx.db.insert(trustDraft).values(draft);
    },
    deleteDraft: async (tx: Tx, hash: string): Promise<void> => {
      await tx.db.delete(trustDraft).where(eq(trustDraft.hash, hash));
    },
    nodes: () => heldByNodes(database),
    nodeSaid: async (
      nodeId: string,
      {
        version,
        authority,
        linkKey,
      }: { readonly version: number; readonly authority: number; readonly linkKey: string },
      saidAt: number,
    ): Promise<void> => {
      await database.query((db) =>
        db
          .insert(trustNode)
          .values({ nodeId, version, authority, linkKey, saidAt })
          .onConflictDoUpdate({ target: trustNode.nodeId, set: { version, authority, linkKey, saidAt } }),
      );
    },
  };
}

export type BundlesRepository = ReturnType<typeof createBundlesRepository>;
