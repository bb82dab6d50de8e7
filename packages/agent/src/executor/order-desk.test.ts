import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, keyThumbprint, peekJws, signOrder } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { parseNodePolicy } from '@hauban/shared/policy';
import type { ActionOrder, FromExecutor, Order, ShellOrder } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLockTable } from './lock-table.ts';
import { OrderDesk, type DeskParts } from './order-desk.ts';
import { OrderJournal } from './order-journal.ts';

const [nodeId, controllerId] = [randomUUID(), randomUUID()];
const authority = createKeyPair();
const kid = keyThumbprint(authority.publicText) ?? '';
const receiptKey = createKeyPair();
const clock = new FakeClock(Date.now());
const uuid = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

const base = () => ({
  v: 1 as const,
  id: randomUUID(),
  aud: nodeId,
  iss: controllerId,
  iat: clock.nowMs(),
  exp: clock.nowMs() + 60_000,
  requester: { id: '1', name: 'Jo', via: 'cli' as const },
  reason: null,
  approvals: [],
  approved: null,
});
const ping = (): ActionOrder => ({
  ...base(),
  kind: 'action',
  action: 'node.ping',
  actionVersion: ACTIONS.get('node.ping')?.version ?? 1,
  mode: 'apply',
  args: {},
  planHash: null,
});
const shell = (): ShellOrder => ({
  ...base(),
  kind: 'shell',
  session: uuid,
  user: 'root',
  columns: 80,
  rows: 24,
  endsAt: clock.nowMs() + 60_000,
});

let folder: string;
let journal: OrderJournal;
let sent: FromExecutor[];
let faults: object[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-desk-'));
  ({ journal } = OrderJournal.open(folder, clock));
  [sent, faults] = [[], []];
});
afterEach(() => {
  expect(faults).toEqual([]);
  journal.close();
  rmSync(folder, { recursive: true });
});

const policyOf = (allowed: boolean): ReturnType<DeskParts['policy']> => {
  const parsed = parseNodePolicy({
    version: 1,
    allow: allowed ? [{ actions: ['*'] }] : [],
    shell: { users: ['root'] },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return { ...parsed, text: '' };
};
const desk = (change: Partial<DeskParts> = {}): OrderDesk =>
  new OrderDesk({
    journal,
    clock,
    identity: () => ({ nodeId, controllerId }),
    receiptKey: () => receiptKey,
    actions: Object.assign(new Map(ACTIONS), { whyNot: () => null, refresh: async () => undefined }),
    isRoot: true,
    policy: () => policyOf(true),
    bundles: { held: { is: 'none' }, settled: async () => undefined },
    authority: { held: { is: 'held', chain: { root: [{ kid, key: authority.publicText }], steps: [] } } },
    locks: createLockTable(),
    openShell: () => expect.fail('no shell is opened'),
    isShellOpen: () => false,
    send: (message: FromExecutor) => void sent.push(message),
    fatal: (error: unknown) => expect.fail(String(error)),
    log: { warn: () => undefined, info: () => undefined, error: (fields: object) => void faults.push(fields) },
    ...change,
  } as unknown as DeskParts);
const take = async (on: OrderDesk, order: Order): Promise<void> => {
  on.take(await signOrder(order, authority, kid));
  await on.whenIdle();
};
/** The receipts that were sent, as they say it. */
const receipts = (): unknown[] =>
  sent.flatMap((message) => {
    const peeked = message.t === 'receipt' ? peekJws(message.jws) : null;
    return peeked?.ok === true ? [peeked.payload] : [];
  });

describe('an order', () => {
  it('ORDER5 that cannot be remembered is not carried out, and its receipt says so', async () => {
    const value = () => {
      throw new HaubanError('FILE_FAILED', 'the disk is full');
    };
    Object.defineProperty(journal, 'take', { value });
    const order = ping();
    await take(desk(), order);
    expect(sent.map(({ t }) => t)).toEqual(['receipt']);
    expect(receipts()).toMatchObject([{ order: order.id, outcome: 'refused', code: 'FILE_FAILED' }]);
  });

  it('ORDER5 that is refused is remembered with its receipt: asked again, it says the same', async () => {
    const order = ping();
    const refusing = desk({ policy: () => policyOf(false) });
    await take(refusing, order);
    expect(receipts()).toMatchObject([{ order: order.id, outcome: 'refused', code: 'POLICY_DENIED' }]);
    expect(journal.find(order.id)).toMatchObject({ isDone: true });
    expect(journal.receiptOf(order.id)).not.toBeNull();
  });

  it('ORDER6 for a shell that was cut off before the shell was open has failed, and is not undetermined', async () => {
    const order = shell();
    journal.take(order, 'a'.repeat(64), null);
    await journal.begin(order.id, []);
    for (const [isOpen, outcome] of [
      [false, 'failed'],
      [true, 'succeeded'],
    ] as const) {
      if (isOpen) {
        const again = { ...shell(), session: uuid };
        journal.take(again, 'a'.repeat(64), null);
        await journal.begin(again.id, []);
      }
      const recovering = desk({ isShellOpen: () => isOpen });
      recovering.recover();
      await recovering.whenIdle();
      expect(receipts().at(-1)).toMatchObject({ kind: 'shell', outcome });
    }
  });
});
