/** Shells on a real database without a node: what is sent to it is kept, and the test answers in its name. */
import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, signOrder } from '@hauban/link';
import type { ShellRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { NodeId, ShellFrame, ShellOrder } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { expect } from 'vitest';
import { createAuditRepository } from '../../packages/controller/src/audit/audit.repository.ts';
import { createAuditService } from '../../packages/controller/src/audit/audit.service.ts';
import { builtInGrant } from '../../packages/controller/src/authorization/index.ts';
import { createDatabase } from '../../packages/controller/src/db/index.ts';
import type { Caller } from '../../packages/controller/src/http/index.ts';
import { createLog } from '../../packages/controller/src/runtime/index.ts';
import { createShellsRepository } from '../../packages/controller/src/shells/shells.repository.ts';
import { ShellsService, type ShellRequester } from '../../packages/controller/src/shells/shells.service.ts';
import { createTestDatabase } from './postgres-database.ts';

const POLICY = 'version = 1\n# [shell]\n# users = ["commented"]\n[shell]\nusers = [\n  "deploy", "root"]\n';

/** What a test of shells plays with. */
interface ShellScene {
  isOnline: boolean;
  signer: 'up' | 'away' | 'refuses';
  /** What the node was sent. */
  frames: ShellFrame[];
  /** Called when an order reaches the node; what it does is the node's answer. */
  onOrder: (order: ShellOrder, jws: string) => void;
}

const callers: Readonly<Record<string, Caller>> = Object.fromEntries(
  (['viewer', 'operator', 'owner'] as const).map((role) => [
    role.padEnd(20, '_'),
    {
      personId: `p-${role}`,
      name: role,
      role,
      grant: builtInGrant(role, `p-${role}`),
      via: 'api',
      credential: { kind: 'token', id: role },
    } satisfies Caller,
  ]),
);

/** Who may come in by a token, and what the rights of a session are held against. */
function doorOf(shells: ShellsService, node: NodeId) {
  const targets = {
    ofNodes: async (ids: readonly string[]) => ids.map((id) => ({ kind: 'node' as const, id, labels: {}, roles: [] })),
    ofRun: async () => null,
    ofSelector: async () => [],
    actionsOfRun: async () => [],
    ofPool: async () => null,
    ofBanList: async () => null,
    actionsOfPool: async () => [],
    ofSession: async (id: string) => {
      const found = await shells.find(id);
      const target = { kind: 'node' as const, id: node, labels: {}, roles: [] };
      return found === null ? null : { target, user: found.login, openedBy: found.openedById };
    },
  };
  const authenticator = {
    bySession: async () => null,
    byToken: async (secret: string) => callers[secret] ?? null,
    isValid: async () => true,
  };
  return {
    targets,
    authenticator,
    bearer: (role: string): { authorization: string } => ({ authorization: `Bearer ${role.padEnd(20, '_')}` }),
  };
}

export type ShellDesk = Awaited<ReturnType<typeof createShellDesk>>;

/** One node with the users of POLICY, and who may ask. */
export async function createShellDesk() {
  const fixture = await createTestDatabase();
  const database = createDatabase({ url: fixture.url });
  const { transaction } = database;
  const clock = new FakeClock(Date.now());
  const key = createKeyPair();
  const kid = keyThumbprint(key.publicText) ?? '';
  const node = randomUUID() as NodeId;
  const link = { nodeId: node, session: 'link-1' };
  const olga: ShellRequester = { id: 'p-olga', name: 'olga', via: 'page', address: '192.0.2.1' };
  const request: ShellRequest = { columns: 80, rows: 24, user: 'root' };
  await fixture.sql`INSERT INTO join_token VALUES (${node}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${node}, 'web1', 'k', 'k', ${node}, '{}', '{}', 0, '', '')`;
  const answer = ({ session }: ShellOrder): void => void shells.opened(link, session);
  const scene: ShellScene = { isOnline: true, signer: 'up', frames: [], onOrder: answer };
  const shells = new ShellsService({
    repository: createShellsRepository(database),
    audit: createAuditService({ repository: createAuditRepository(database), transaction, clock }),
    transaction,
    clock,
    log: createLog('silent'),
    controllerId: randomUUID(),
    signer: {
      sign: async (order) => {
        if (scene.signer === 'away') throw new HaubanError('UNAVAILABLE', 'The signer does not answer.');
        if (scene.signer === 'refuses')
          throw new HaubanError('ORDER_MALFORMED', 'The shell ends later than the signer allows.');
        return await signOrder(order, key, kid);
      },
    },
    approvals: {
      neededFor: () => ({ count: 0, waitMs: 0 }),
      shellsOf: async () => [],
      ask: () => expect.fail('nothing needs approval here'),
      use: async () => false,
    },
    findNode: async (id) => (id === node ? { hostName: 'web1', revokedAt: null } : null),
    policyText: async () => POLICY,
    hostNames: async () => new Map([[node, 'web1']]),
    findLink: (id) =>
      id === node && scene.isOnline
        ? {
            session: link.session,
            sendOrder: (jws) => {
              const payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ShellOrder;
              scene.onOrder(payload, jws);
              return 'sent';
            },
            sendShell: (frame) => {
              scene.frames.push(frame);
              return 'sent';
            },
            onceDrained: (callback) => callback(),
          }
        : null,
  });
  return {
    shells,
    scene,
    clock,
    sql: fixture.sql,
    node,
    link,
    olga,
    request,
    /** Whose signature permits have. */
    authority: { kid, key: key.publicText },
    statesOf: async (): Promise<readonly string[]> =>
      (await fixture.sql`SELECT state FROM shell_session ORDER BY requested_at, id`).map(
        (row) => row['state'] as string,
      ),
    auditOf: async (session: string): Promise<readonly string[]> =>
      (await fixture.sql`SELECT code FROM audit_entry WHERE detail::text LIKE ${`%${session}%`} ORDER BY seq`).map(
        (row) => row['code'] as string,
      ),
    /** Before each test: no session, and the node opens what it is asked to. */
    startOver: async (): Promise<void> => {
      await fixture.sql`DELETE FROM shell_session`;
      Object.assign(scene, { isOnline: true, signer: 'up', frames: [], onOrder: answer } satisfies ShellScene);
    },
    stop: async (): Promise<void> => {
      await database.close();
      await fixture.drop();
    },
    ...doorOf(shells, node),
  };
}
