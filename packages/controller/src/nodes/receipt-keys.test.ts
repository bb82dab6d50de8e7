import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createKeyPair,
  keyThumbprint,
  orderHash,
  receiptStepHash,
  signJws,
  signReceipt,
  verifyReceipt,
  verifyReceiptStep,
  type KeyPair,
} from '@hauban/link';
import { RECEIPT_STEP_TYPE, type NodeId, type ReceiptStep, type SignedReceiptStep } from '@hauban/shared/protocol';
import { randomUUID } from 'node:crypto';
import { createRunWorld, type RunWorld, type SentOrder } from '../../../../test/support/run-world.ts';
import { createLog } from '../runtime/index.ts';
import { createNewNodes } from './new-nodes.service.ts';
import { NO_FIGURES } from './node-row.ts';
import { createNodesRepository } from './nodes.repository.ts';
import { createNodesService } from './nodes.service.ts';
import { createPresence } from './presence.ts';
import { createReceiptSteps } from './receipt-steps.service.ts';

let world: RunWorld;
let made: ReturnType<RunWorld['build']>;
let nodeId: NodeId;
/** The key that counts at the node, and what led to it. */
let key: KeyPair;
let last: ReceiptStep | null;
const controllerId = randomUUID();

beforeAll(async () => {
  world = await createRunWorld(1);
});
afterAll(() => world.stop());
beforeEach(async () => {
  made = world.build();
  nodeId = world.nodeIds[0] as NodeId;
  await world.sql`DELETE FROM receipt_key`;
  key = createKeyPair();
  last = null;
  await world.sql`UPDATE node SET receipt_key = ${key.publicText}, receipt_key_version = 1, receipt_step_hash = NULL, receipt_key_since = NULL, barred_at = NULL, barred_why = NULL`;
});

const repository = () => createNodesRepository(world.database);
const steps = (transaction = world.transaction) => {
  const { audit, clock } = world;
  const log = createLog('silent');
  return createReceiptSteps({
    repository: repository(),
    presence: createPresence(),
    audit,
    transaction,
    controllerId,
    clock,
    log,
  });
};

/** The next step as the node signs it, and its key. */
async function makeStep(change: Partial<ReceiptStep> = {}, next = createKeyPair()) {
  const step: ReceiptStep = {
    v: 1,
    is: 'hauban-receipt-step',
    controller: controllerId,
    node: nodeId,
    version: (last?.version ?? 1) + 1,
    previous: last === null ? null : receiptStepHash(last),
    before: key.publicText,
    next: next.publicText,
    issuedAt: world.clock.nowMs(),
    ...change,
  };
  const by = (signer: KeyPair): Promise<string> =>
    signJws(step, signer, { typ: RECEIPT_STEP_TYPE, kid: keyThumbprint(signer.publicText) ?? '' });
  return { step, next, signed: { byBefore: await by(key), byNext: await by(next) } };
}

async function rotate(): Promise<SignedReceiptStep> {
  const { step, next, signed } = await makeStep();
  expect(await steps().receiptStep(nodeId, signed)).toBe(step.version);
  [key, last] = [next, step];
  return signed;
}

async function order(): Promise<SentOrder> {
  const request = { action: 'node.ping', args: {}, nodes: [String(nodeId)], mode: 'apply' as const };
  await made.runs.start(request, world.requester);
  const [sent] = world.takeSent();
  if (sent === undefined) throw new Error('nothing was sent');
  return sent;
}

const receiptBy = (signer: KeyPair, { jws, order: { id, aud } }: SentOrder): Promise<string> =>
  signReceipt(
    {
      v: 1,
      order: id,
      orderHash: orderHash(jws),
      node: aud,
      kind: 'action',
      mode: 'apply',
      outcome: 'succeeded',
      code: null,
      detail: 'done',
      plan: null,
      verification: [],
      data: null,
      startedAt: 1,
      finishedAt: 2,
    },
    signer,
  );
const told = async (code: string) =>
  await world.sql<{ detail: string }[]>`SELECT detail::text FROM audit_entry WHERE code = ${code} ORDER BY seq`;

describe('receipts around a hand-over', () => {
  it('KEYS29 a receipt under way during it is taken, by either key', async () => {
    const [before, sameTime] = [await order(), await order()];
    const old = key;
    const early = await receiptBy(old, before);
    await rotate();
    expect(await made.receipts.receipt({ nodeId }, early)).toBe(before.order.id);
    expect(await made.receipts.receipt({ nodeId }, await receiptBy(key, sameTime))).toBe(sameTime.order.id);
    // Two hand-overs later too: the node was away.
    const late = await order();
    const then = key;
    await rotate();
    await rotate();
    expect(await made.receipts.receipt({ nodeId }, await receiptBy(then, late))).toBe(late.order.id);
  });

  it('KEYS29 a stolen key that was replaced signs nothing for an order that was issued later', async () => {
    const stolen = key;
    await rotate();
    world.clock.advance(31_000);
    const later = await order();
    const refusals = (await told('A3020W')).length;
    expect(await made.receipts.receipt({ nodeId }, await receiptBy(stolen, later))).toBeNull();
    expect(await told('A3020W')).toHaveLength(refusals + 1);
    expect((await told('A3020W')).at(-1)?.detail).toContain('had been replaced');
    expect(await made.receipts.receipt({ nodeId }, await receiptBy(key, later))).toBe(later.order.id);
  });

  it('KEYS29 a receipt by a key of nobody, or for an order of nobody, is not believed', async () => {
    const stolen = key;
    await rotate();
    const sent = await order();
    const unknown = { ...sent, order: { ...sent.order, id: randomUUID() } };
    expect(await made.receipts.receipt({ nodeId }, await receiptBy(stolen, unknown))).toBeNull();
    expect(await made.receipts.receipt({ nodeId }, await receiptBy(createKeyPair(), sent))).toBeNull();
  });
});

describe('a step at the controller', () => {
  it('KEYS27 is stored once, with the old key and its times, or not at all when the controller is killed before the commit', async () => {
    const { signed, next } = await makeStep();
    const dying: RunWorld['transaction'] = (work) =>
      world.transaction(async (tx) => {
        await work(tx);
        throw new Error('killed');
      });
    await expect(steps(dying).receiptStep(nodeId, signed)).rejects.toThrow('killed');
    expect(await repository().listRetired(nodeId)).toEqual([]);
    const first = key.publicText;
    const rows = (await told('A2051I')).length;
    // Sent again at the next link; and once more, because the answer was lost.
    for (let i = 0; i < 3; i += 1) expect(await steps().receiptStep(nodeId, signed)).toBe(2);
    expect(await told('A2051I')).toHaveLength(rows + 1);
    const at = world.clock.nowMs();
    expect(await made.receipts.receipt({ nodeId }, 'x')).toBeNull();
    const { nodes } = serviceOf();
    expect(await nodes.receiptKeys(nodeId)).toEqual([
      { key: first, sinceAt: 0, untilAt: at },
      { key: next.publicText, sinceAt: at, untilAt: null },
    ]);
  });

  it('KEYS27 KEYS28 that comes too early is answered with the version that is held, and nothing is stored', async () => {
    const { signed } = await makeStep({ version: 5, previous: 'a'.repeat(64) });
    expect(await steps().receiptStep(nodeId, signed)).toBe(1);
    expect(await repository().listRetired(nodeId)).toEqual([]);
  });

  it('KEYS27 a second successor, made by a copy of the node, is refused and told once an hour', async () => {
    const service = steps();
    const [mine, copys] = [await makeStep(), await makeStep()];
    expect(await service.receiptStep(nodeId, mine.signed)).toBe(2);
    const rows = (await told('A2052E')).length;
    for (let i = 0; i < 5; i += 1) expect(await service.receiptStep(nodeId, copys.signed)).toBe(2);
    expect(await told('A2052E')).toHaveLength(rows + 1);
    expect((await told('A2052E')).at(-1)?.detail).toContain('RECEIPT_STEP_FORKED');
    world.clock.advance(3_600_001);
    await service.receiptStep(nodeId, copys.signed);
    expect(await told('A2052E')).toHaveLength(rows + 2);
  });

  it('KEYS27 a key that was replaced does not come back', async () => {
    const first = key;
    await rotate();
    const back = await makeStep({}, first);
    expect(await steps().receiptStep(nodeId, back.signed)).toBe(2);
    expect((await told('A2052E')).at(-1)?.detail).toContain('does not come back');
    const same = await makeStep({}, key);
    expect(await steps().receiptStep(nodeId, same.signed)).toBe(2);
  });

  it('KEYS27 a node that makes keys without end is stopped at a hundred a day', async () => {
    for (let i = 0; i < 100; i += 1) await rotate();
    const one = await makeStep();
    expect(await steps().receiptStep(nodeId, one.signed)).toBe(101);
    expect((await told('A2052E')).at(-1)?.detail).toContain('RECEIPT_STEP_TOO_MANY');
    world.clock.advance(86_400_001);
    expect(await steps().receiptStep(nodeId, one.signed)).toBe(102);
  });

  it('KEYS27 a node that is barred, or not here, replaces nothing', async () => {
    const { signed } = await makeStep();
    expect(await steps().receiptStep(randomUUID() as NodeId, signed)).toBeNull();
    await world.sql`UPDATE node SET barred_at = 1, barred_why = 'revoked'`;
    expect(await steps().receiptStep(nodeId, signed)).toBeNull();
  });
});

function serviceOf() {
  const presence = createPresence();
  const { audit, transaction, clock } = world;
  const nodes = createNodesService({
    repository: repository(),
    presence,
    audit,
    transaction,
    clock,
    figuresOf: () => NO_FIGURES,
    disconnect: () => undefined,
  });
  return { nodes, enrolment: createNewNodes(repository(), presence, () => undefined) };
}

describe('what is left of keys that were replaced', () => {
  it('KEYS30 the rows of the audit log alone say which key signed an old receipt, and what a forger adds to them does not', async () => {
    const sent = await order();
    const first = key;
    const receipt = await receiptBy(first, sent);
    const rows = (await told('A2051I')).length;
    for (let i = 0; i < 3; i += 1) await rotate();
    const exported = (await told('A2051I')).slice(rows).map(({ detail }) => JSON.parse(detail) as AuditDetail);
    // Offline: from the key of the enrolment row on, each step by its own signatures.
    let held = { controllerId, nodeId, version: 1, key: first.publicText, stepHash: null as string | null };
    const known = [first.publicText];
    for (const { step } of exported) {
      const taken = await verifyReceiptStep(step, held);
      if (taken.is !== 'next') throw new Error(taken.is);
      held = { ...held, version: taken.step.version, key: taken.step.next, stepHash: taken.hash };
      known.push(held.key);
    }
    expect(held.key).toBe(key.publicText);
    expect((await verifyReceipt(receipt, known[0] ?? '')).ok).toBe(true);
    expect(exported.map(({ handedOverAt }) => handedOverAt)).toEqual(exported.map(() => world.clock.nowMs()));
    const [one] = exported;
    if (one === undefined) throw new Error('no row');
    expect(
      (
        await verifyReceiptStep(
          { ...one.step, byNext: one.step.byBefore },
          { ...held, version: 1, key: first.publicText, stepHash: null },
        )
      ).is,
    ).toBe('refused');
  });

  it('KEYS30 KEYS3 after the node was enrolled again its former keys are evidence, and sign nothing that is taken', async () => {
    const [older, sent] = [key, await order()];
    await rotate();
    const former = key;
    const { nodes, enrolment } = serviceOf();
    const node = await nodes.find(nodeId);
    if (node === null) throw new Error('no node');
    const { hostName, linkKey, joinTokenId, os, agentVersion } = node;
    const fresh = createKeyPair();
    const enrolledAt = world.clock.nowMs();
    const again = { hostName, linkKey, receiptKey: fresh.publicText, joinTokenId, enrolledAt, os, agentVersion };
    expect(await world.transaction((tx) => enrolment.reenrol(tx, nodeId, again))).toBe(true);
    for (const stolen of [older, former])
      expect(await made.receipts.receipt({ nodeId }, await receiptBy(stolen, sent))).toBeNull();
    expect((await nodes.receiptKeys(nodeId)).map((one) => one.key)).toEqual(
      [older, former, fresh].map(({ publicText }) => publicText),
    );
    // A new count: the first step of the new enrolment is version 2 again.
    [key, last] = [fresh, null];
    await rotate();
  });
});

interface AuditDetail {
  readonly step: SignedReceiptStep;
  readonly handedOverAt: number;
}
