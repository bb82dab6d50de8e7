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
import { createRuns } from '../../packages/controller/src/compose-runs.ts';
import { createDatabase } from '../../packages/controller/src/db/index.ts';
import { NO_FIGURES } from '../../packages/controller/src/nodes/node-row.ts';
import { createNodesRepository } from '../../packages/controller/src/nodes/nodes.repository.ts';
import { createNodesService } from '../../packages/controller/src/nodes/nodes.service.ts';
import { createPresence } from '../../packages/controller/src/nodes/presence.ts';
import { createLog } from '../../packages/controller/src/runtime/index.ts';
import type { ActionOrder, NodeId, Receipt, UndoOrder } from '../../packages/shared/src/protocol/index.ts';
import { FakeClock, SeededRandom } from '../../packages/shared/src/testing/index.ts';
import { createTestDatabase } from './postgres-database.ts';

export interface SentOrder {
  readonly jws: string;
  readonly order: ActionOrder | UndoOrder;
}

const orderOf = (jws: string): ActionOrder | UndoOrder =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ActionOrder | UndoOrder;

export type RunWorld = Awaited<ReturnType<typeof createRunWorld>>;

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
  for (let n = 0; n < count; n += 1) {
    const id = randomUUID();
    const key = createKeyPair();
    keys.set(id, key);
    await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
      VALUES (${id}, ${`node-${n}`}, ${id}, ${key.publicText}, ${controllerId}, '{}', '{}', 0, '', '')`;
  }
  const nodeIds = [...keys.keys()].sort();
  const online = new Set(nodeIds);
  const units = new Map<string, number>();
  const rights = { isGone: false, forbidden: new Set<string>(), needed: 0 };
  let sent: SentOrder[] = [];

  const { transaction, together } = database;
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  /** A controller: another one over the same database is one that was restarted, or a second. */
  const build = () => {
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
      isWatched: () => false,
      signer: { sign: async (order) => signOrder(order, authority, kid) },
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

  const answer = async (
    made: ReturnType<typeof build>,
    { jws, order }: SentOrder,
    more: Partial<Receipt> = {},
  ): Promise<void> => {
    const key = keys.get(order.aud);
    if (key === undefined) throw new RangeError('no such node');
    const receipt: Receipt = {
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
      startedAt: clock.nowMs(),
      finishedAt: clock.nowMs(),
      ...more,
    };
    await made.receipts.receipt({ nodeId: order.aud as NodeId }, await signReceipt(receipt, key));
  };

  return {
    sql: fixture.sql,
    database,
    audit,
    transaction,
    clock,
    nodeIds,
    online,
    units,
    rights,
    build,
    answer,
    /** Orders since the last call. */
    takeSent: (): SentOrder[] => {
      const taken = sent;
      sent = [];
      return taken;
    },
    requester: { id: randomUUID(), name: 'olga', via: 'api', address: '192.0.2.1' } as const,
    stop: async (): Promise<void> => {
      await database.close();
      await fixture.drop();
    },
  };
}
