/** Runs on a real database without links: orders are kept as they are sent, and answered by the test in a node's name. */
import { randomUUID } from 'node:crypto';
import {
  createKeyPair,
  keyThumbprint,
  orderHash,
  signOrder,
  signReceipt,
  type KeyPair,
} from '../../packages/link/src/index.ts';
import { createAccountUidsRepository } from '../../packages/controller/src/actions/account-uids.repository.ts';
import { createActionsService } from '../../packages/controller/src/actions/actions.service.ts';
import { createAuditRepository } from '../../packages/controller/src/audit/audit.repository.ts';
import { createAuditService } from '../../packages/controller/src/audit/audit.service.ts';
import { createRuns, type RunNeeds } from '../../packages/controller/src/compose-runs.ts';
import { createDatabase } from '../../packages/controller/src/db/index.ts';
import { NO_FIGURES } from '../../packages/controller/src/nodes/node-row.ts';
import { createNodesRepository } from '../../packages/controller/src/nodes/nodes.repository.ts';
import { createNodesService } from '../../packages/controller/src/nodes/nodes.service.ts';
import { createPresence } from '../../packages/controller/src/nodes/presence.ts';
import { createLog } from '../../packages/controller/src/runtime/index.ts';
import { HaubanError } from '../../packages/shared/src/errors/index.ts';
import type { ActionOrder, NodeId, Receipt, UndoOrder } from '../../packages/shared/src/protocol/index.ts';
import { FakeClock, SeededRandom } from '../../packages/shared/src/testing/index.ts';
import { createTestDatabase } from './postgres-database.ts';

export interface SentOrder {
  readonly jws: string;
  readonly order: ActionOrder | UndoOrder;
}

/** What an order says; whose signature it has is not looked at. */
export const orderOf = (jws: string): ActionOrder | UndoOrder =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ActionOrder | UndoOrder;

/** A controller of such a world. */
export type WorldController = ReturnType<typeof createRuns>;
export type RunWorld = Awaited<ReturnType<typeof createRunWorld>>;

export interface WorldNode {
  readonly id: NodeId;
  /** Signs its receipts. */
  readonly key: KeyPair;
}

/** What a node that did the order would say, as it is before it is signed. */
const receiptOf = ({ jws, order }: SentOrder, now: number, more: Partial<Receipt>): Receipt => ({
  v: 1,
  order: order.id,
  orderHash: orderHash(jws),
  node: order.aud,
  kind: 'action',
  mode: order.mode,
  outcome: 'succeeded',
  code: null,
  detail: 'done',
  plan: null,
  verification: [],
  data: null,
  startedAt: now,
  finishedAt: now,
  ...more,
});

/** @param count nodes that there are, all of them online */
export async function createRunWorld(count: number) {
  const fixture = await createTestDatabase();
  const database = createDatabase({ url: fixture.url });
  const clock = new FakeClock(Date.now());
  const controllerId = randomUUID();
  const authority = createKeyPair();
  const kid = keyThumbprint(authority.publicText) ?? '';
  const keys = new Map<string, KeyPair>();
  await fixture.sql`INSERT INTO join_token VALUES (${controllerId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  const addNode = async (hostName: string): Promise<WorldNode> => {
    const id = randomUUID() as NodeId;
    const key = createKeyPair();
    keys.set(id, key);
    await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
      VALUES (${id}, ${hostName}, ${id}, ${key.publicText}, ${controllerId}, '{}', '{}', 0, '', '')`;
    return { id, key };
  };
  for (let n = 0; n < count; n += 1) await addNode(`node-${n}`);
  const nodeIds = [...keys.keys()].sort();
  const online = new Set(nodeIds);
  const units = new Map<string, number>();
  const rights = { isGone: false, forbidden: new Set<string>(), needed: 0 };
  const signer: { mode: 'up' | 'away' | 'refuses' } = { mode: 'up' };
  const sign = async (order: ActionOrder | UndoOrder): Promise<string> => {
    if (signer.mode === 'away') throw new HaubanError('UNAVAILABLE', 'away');
    if (signer.mode === 'refuses') throw new HaubanError('ORDER_MALFORMED', 'no such thing');
    return signOrder(order, authority, kid);
  };
  let sent: SentOrder[] = [];

  const { transaction, together } = database;
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  /** A controller: another one over the same database is one that was restarted, or a second. */
  const build = (windows: RunNeeds['windows'] = { read: async () => null }): WorldController => {
    const nodes = createNodesService({
      repository: createNodesRepository(database),
      presence: createPresence(),
      audit,
      transaction,
      clock,
      figuresOf: () => NO_FIGURES,
      disconnect: () => undefined,
    });
    const shared = { audit, transaction, together, clock, random: new SeededRandom(1), log: createLog('silent') };
    return createRuns(shared, database, {
      controllerId,
      isWatched: () => true,
      signer: { sign },
      approvals: {
        neededFor: () => ({ count: rights.needed, waitMs: 600_000 }),
        // Who is asked, and how, is another room's.
        ask: () => undefined,
      },
      actions: createActionsService(createAccountUidsRepository(database), clock, () => Promise.resolve([])),
      nodes,
      health: async (ids) =>
        new Map(ids.map((id) => [id, { isOnline: online.has(id), failedUnits: units.get(id) ?? 0 }])),
      judgeRelease: async () => rights,
      windows,
      shellReceipt: async () => true,
      links: {
        isOnline: (nodeId) => online.has(nodeId),
        send: (nodeId, jws) => {
          if (online.has(nodeId)) sent.push({ jws, order: orderOf(jws) });
          return online.has(nodeId);
        },
      },
    });
  };

  const takeSent = (): SentOrder[] => {
    const taken = sent;
    sent = [];
    return taken;
  };
  const keyOf = (nodeId: string): KeyPair => {
    const key = keys.get(nodeId);
    if (key === undefined) throw new RangeError('no such node');
    return key;
  };
  const receiptFor = (order: SentOrder, more: Partial<Receipt> = {}): Receipt => receiptOf(order, clock.nowMs(), more);

  return {
    sql: fixture.sql,
    url: fixture.url,
    database,
    audit,
    transaction,
    clock,
    controllerId,
    /** Whose signature orders have. */
    authority: { kid, key: authority.publicText },
    nodeIds,
    online,
    units,
    rights,
    signer,
    build,
    /** One more, not online, in no list of nodes. */
    addNode,
    keyOf,
    receiptFor,
    /** The receipt of an order, by its node; what is acknowledged. */
    answer: async (made: WorldController, order: SentOrder, more: Partial<Receipt> = {}): Promise<string | null> => {
      const nodeId = order.order.aud as NodeId;
      return made.receipts.receipt({ nodeId }, await signReceipt(receiptFor(order, more), keyOf(nodeId)));
    },
    /** Orders since `takeSent`. */
    sent: (): readonly SentOrder[] => sent,
    takeSent,
    /** Closes what is open, and all is as at first; rows and clock stay. */
    startOver: async (): Promise<void> => {
      await fixture.sql`UPDATE run_target SET finished_at = 1, state = 'cancelled' WHERE finished_at IS NULL`;
      await fixture.sql`UPDATE run SET finished_at = 1, open_targets = 0 WHERE finished_at IS NULL`;
      takeSent();
      online.clear();
      for (const id of nodeIds) online.add(id);
      units.clear();
      Object.assign(rights, { isGone: false, needed: 0 });
      rights.forbidden.clear();
      signer.mode = 'up';
    },
    requester: { id: randomUUID(), name: 'olga', via: 'api', address: '192.0.2.1' } as const,
    stop: async (): Promise<void> => {
      await database.close();
      await fixture.drop();
    },
  };
}
