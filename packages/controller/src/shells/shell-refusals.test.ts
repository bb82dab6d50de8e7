import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, orderHash, signOrder } from '@hauban/link';
import type { ShellRequest } from '@hauban/shared/api';
import type { NodeId, Receipt, ShellOrder } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { firstShellUser } from './shell-user.ts';
import { createShellsRepository } from './shells.repository.ts';
import { ShellsService, type ShellRequester } from './shells.service.ts';

const clock = new FakeClock(Date.now());
const authority = createKeyPair();
const kid = keyThumbprint(authority.publicText) ?? '';
const node = randomUUID() as NodeId;
const link = { nodeId: node, session: 'link-1' };
const request: ShellRequest = { columns: 80, rows: 24, user: 'root' };
const olga: ShellRequester = { id: 'p-olga', name: 'olga', via: 'page', address: '192.0.2.1' };

let fixture: TestDatabase;
let database: Database;
let shells: ShellsService;
let revokedAt: number | null;
let policy: string;
let sends: 'sent' | 'closed';
/** What the node does with an order. */
let onOrder: (order: ShellOrder, jws: string) => void;

const statesOf = async (): Promise<readonly unknown[]> =>
  (await fixture.sql`SELECT state FROM shell_session`).map((row) => row['state']);

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const { transaction } = database;
  await fixture.sql`INSERT INTO join_token VALUES (${node}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${node}, 'web1', 'k', 'k', ${node}, '{}', '{}', 0, '', '')`;
  shells = new ShellsService({
    repository: createShellsRepository(database),
    audit: createAuditService({ repository: createAuditRepository(database), transaction, clock }),
    transaction,
    clock,
    log: createLog('silent'),
    controllerId: randomUUID(),
    signer: { sign: (order) => signOrder(order, authority, kid) },
    approvals: {
      neededFor: () => ({ count: 0, waitMs: 0 }),
      shellsOf: async () => [],
      ask: () => expect.fail('nothing needs approval here'),
      use: async () => false,
    },
    findNode: async () => ({ hostName: 'web1', revokedAt }),
    policyText: async () => policy,
    hostNames: async () => new Map([[node, 'web1']]),
    findLink: () => ({
      session: link.session,
      sendOrder: (jws) => {
        const payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as ShellOrder;
        if (sends === 'sent') onOrder(payload, jws);
        return sends;
      },
      sendShell: () => 'sent',
      onceDrained: () => undefined,
    }),
  });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(async () => {
  await fixture.sql`DELETE FROM shell_session`;
  [revokedAt, policy, sends] = [null, '', 'sent'];
  onOrder = () => expect.fail('nothing is sent');
});
const open = (more: Partial<ShellRequest> = {}) => shells.open(node, { ...request, ...more }, olga);

describe('a shell', () => {
  it('on a node that was removed is not asked for', async () => {
    revokedAt = 1;
    await expect(open()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await statesOf()).toEqual([]);
  });

  it('whose permit could not be sent is over at once, and nobody waits for it', async () => {
    sends = 'closed';
    await expect(open()).rejects.toMatchObject({ code: 'NODE_OFFLINE' });
    expect(await statesOf()).toEqual(['refused']);
  });

  it('for no user in particular, where the policy lists none, is refused before anything is signed', async () => {
    const { user: _user, ...nobody } = request;
    await expect(shells.open(node, nobody, olga)).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(await statesOf()).toEqual([]);
  });

  it('that does not exist is not shown', async () => {
    await expect(shells.detail(randomUUID())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that the node refuses ends as refused; one that is open is not ended by the same word', async () => {
    onOrder = ({ session }) => void shells.refused(link, { session, code: 'POLICY_DENIED', detail: 'no' });
    await expect(open()).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(await statesOf()).toEqual(['refused']);
    await fixture.sql`DELETE FROM shell_session`;
    onOrder = ({ session }) => void shells.opened(link, session);
    const { sessionId } = await open();
    await shells.refused(link, { session: sessionId, code: 'POLICY_DENIED', detail: 'no' });
    expect(await statesOf()).toEqual(['open']);
  });

  it('that the receipt of its permit refuses ends as refused, also when the message of it was lost', async () => {
    let permit: [ShellOrder, string] | undefined;
    onOrder = (...taken) => void (permit = taken);
    const opening = open();
    await expect.poll(() => permit).toBeDefined();
    if (permit === undefined) return;
    const [order, jws] = permit;
    const receipt = {
      order: order.id,
      orderHash: orderHash(jws),
      outcome: 'refused',
      code: 'POLICY_DENIED',
      detail: 'no',
    };
    expect(await shells.receipt(node, receipt as Receipt, 'a.b.c', () => true)).toBe(true);
    await expect(opening).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(await statesOf()).toEqual(['refused']);
  });
});

describe('the first user of a policy', () => {
  it('is not one of a list that is for something else', () => {
    expect(firstShellUser('users = ["root"]\n')).toBeNull();
    expect(firstShellUser('[actions]\nusers = ["root"]\n')).toBeNull();
    expect(firstShellUser('[shell]\n[actions]\nusers = ["root"]\n')).toBeNull();
    expect(firstShellUser('[shell] # who\nusers = ["deploy", "root"]\n')).toBe('deploy');
  });
});
