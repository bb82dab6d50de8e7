import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKeyPair,
  keyThumbprint,
  loadKeyPair,
  receiptStepHash,
  signJws,
  storeKeyPair,
  verifyReceipt,
  verifyReceiptStep,
  type KeyPair,
  type ReceiptKeyHeld,
} from '@hauban/link';
import {
  parseFromExecutor,
  RECEIPT_STEP_TYPE,
  type FromExecutor,
  type ReceiptStep,
  type SignedReceiptStep,
} from '@hauban/shared/protocol';
import { createExecutorNode, type ExecutorNode, type LinkSide } from '../support/executor-harness.ts';
import { payloadOf } from '../support/fake-services.ts';
import { waitFor } from '../support/wait-for.ts';

let node: ExecutorNode;
let link: LinkSide;
let first: KeyPair;

const DAY_MS = 86_400_000;
const keyNow = (): KeyPair => {
  const key = loadKeyPair(node.config.paths.receiptKeyFile);
  if (key === null) throw new Error('there is no receipt key');
  return key;
};
const rotation = () => node.actionOrder({ action: 'node.rotate-receipt-key', args: {} });
const stepsOf = (side: LinkSide): SignedReceiptStep[] =>
  side.messages.flatMap((message) => (message.t === 'receipt-key.step' ? [message.step] : []));
/** Of the steps that came, each once. */
const versionsOf = (side: LinkSide): number[] => [
  ...new Set(stepsOf(side).map(({ byNext }) => Number(payloadOf(byNext)['version']))),
];
const atFirst = (): ReceiptKeyHeld => ({
  controllerId: node.controllerId,
  nodeId: node.nodeId,
  version: 1,
  key: first.publicText,
  stepHash: null,
});

/** What the controller keeps of a node's key, told by messages in the order in which they come. */
class Keeper {
  held = atFirst();
  readonly former: string[] = [];
  readonly receipts = new Map<string, string>();
  /** Receipts that were not believed: lost, if they did not come again. */
  refused = 0;

  async take(message: FromExecutor): Promise<void> {
    if (message.t === 'receipt-key.step') {
      const taken = await verifyReceiptStep(message.step, this.held);
      expect(taken.is).not.toBe('refused');
      if (taken.is !== 'next') return;
      this.former.push(this.held.key);
      this.held = { ...this.held, version: taken.step.version, key: taken.step.next, stepHash: taken.hash };
    } else if (message.t === 'receipt') {
      const results = await Promise.all([this.held.key, ...this.former].map((key) => verifyReceipt(message.jws, key)));
      const good = results.find((result) => result.ok);
      if (good?.ok !== true) this.refused += 1;
      else this.receipts.set(good.value.order, good.kid);
    }
  }

  async takeAll(side: LinkSide): Promise<void> {
    for (const message of [...side.messages]) await this.take(message);
    expect(this.refused, 'receipts by a key that the controller was not told of before').toBe(this.mayRefuse);
  }
  mayRefuse = 0;
}

beforeEach(async () => {
  node = await createExecutorNode();
  await node.start();
  link = await node.connect();
  first = keyNow();
});
afterEach(async () => {
  link.close();
  await node.cleanUp();
});

/** Restarts the executor and waits until it has said everything that a new link is told. */
async function restart(options: Parameters<ExecutorNode['start']>[0] = {}): Promise<void> {
  link.close();
  await node.kill();
  await node.start(options);
  await sync();
}

async function sync(): Promise<void> {
  link.close();
  link = await node.connect();
  link.send({ t: 'sync' });
  await link.next('facts');
}

describe('a receipt key is replaced', () => {
  it('KEYS25 by an order, while another one runs: both receipts are good, and the old key is gone from the disk', async () => {
    await restart({ delayMs: 60 });
    const slow = node.actionOrder({ args: { set: 'slow', count: 3, content: 'x' } });
    link.send({ t: 'order', jws: await node.sign(slow) });
    await link.next('taken', ({ order }) => order === slow.id);
    const order = rotation();
    link.send({ t: 'order', jws: await node.sign(order) });
    const keeper = new Keeper();
    await waitFor('both receipts', () => link.messages.filter(({ t }) => t === 'receipt').length === 2);
    await keeper.takeAll(link);
    expect([...keeper.receipts.keys()].toSorted()).toEqual([slow.id, order.id].toSorted());
    expect(keeper.held).toMatchObject({ version: 2, key: keyNow().publicText });
    expect(keeper.former).toEqual([first.publicText]);
    // The new key has signed the receipt of the order that made it.
    expect(keeper.receipts.get(order.id)).toBe(keyThumbprint(keyNow().publicText));
    const { receiptKeyFile } = node.config.paths;
    for (const file of [receiptKeyFile, `${receiptKeyFile}.rotating`, `${receiptKeyFile}.steps`])
      if (existsSync(file)) expect(readFileSync(file, 'utf8')).not.toContain(secretOf(first));
  });

  it('KEYS25 once a day, and by nothing that a taken-over link process can say before', async () => {
    const { receiptKeyFile } = node.config.paths;
    const order = rotation();
    // Forged: by keys that the link process has or makes, an order of the authority for another node, and plain messages.
    for (const jws of [
      await signJws(order, createKeyPair(), { typ: 'hauban-order+jwt', kid: 'authority-1' }),
      await node.sign({ ...order, id: randomUUID(), aud: randomUUID() }),
    ])
      link.send({ t: 'order', jws });
    for (let i = 0; i < 20; i += 1) link.send({ t: 'sync' });
    link.send({ t: 'receipt-key.held', version: 7 });
    await waitFor('both refusals', () => link.messages.filter(({ t }) => t === 'receipt').length === 2);
    expect(keyNow().publicText).toBe(first.publicText);
    expect(existsSync(`${receiptKeyFile}.steps`)).toBe(false);
    await restart({ keyAgeMs: DAY_MS - 600_000 });
    expect(stepsOf(link)).toEqual([]);
    await restart({ keyAgeMs: DAY_MS + 600_000 });
    expect(versionsOf(link)).toEqual([2]);
    const second = keyNow().publicText;
    expect(second).not.toBe(first.publicText);
    // Not again within its own day.
    await sync();
    expect(keyNow().publicText).toBe(second);
  });

  it('KEYS25 an order of the authority that the policy file of the node does not allow replaces nothing', async () => {
    node.writePolicy('version = 1\n[[allow]]\nactions = ["files.*"]\n');
    expect(await node.run(link, rotation())).toMatchObject({ outcome: 'refused', code: 'POLICY_DENIED' });
    expect(keyNow().publicText).toBe(first.publicText);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'KEYS25 KEYS28 an executor that is killed at write %i of a rotation and started again agrees with the controller, and no receipt is lost',
    async (dieAtKeyStep) => {
      const keeper = new Keeper();
      const early = node.actionOrder({ args: { set: 'early', count: 1, content: 'x' } });
      await node.run(link, early);
      await restart({ dieAtKeyStep });
      const order = rotation();
      link.send({ t: 'order', jws: await node.sign(order) });
      await waitFor('the executor to die', () => node.child?.signalCode === 'SIGKILL');
      await keeper.takeAll(link);
      await restart();
      await waitFor('the order to be settled', () => link.messages.some(({ t }) => t === 'receipt'));
      await keeper.takeAll(link);
      // Settled after the crash by the order's own verify; the key and what the controller was told are one.
      await waitFor('every receipt', async () => {
        await sync();
        await keeper.takeAll(link);
        return keeper.receipts.has(early.id) && keeper.receipts.has(order.id);
      });
      expect(keeper.held.key).toBe(keyNow().publicText);
      expect(keeper.held.version).toBeLessThanOrEqual(2);
      const late = await node.run(link, node.actionOrder({ args: { set: 'late', count: 1, content: 'x' } }));
      await keeper.takeAll(link);
      expect(keeper.receipts.get(late.order)).toBe(keyThumbprint(keeper.held.key));
      // And it can be replaced once more, over the same chain.
      await node.run(link, rotation());
      await keeper.takeAll(link);
      expect(keeper.held.key).toBe(keyNow().publicText);
    },
  );

  it('KEYS28 a link process, or a controller, that dies before it has heard of a step hears of it at the next link, before receipts', async () => {
    const order = rotation();
    // Dead before anything was passed on: all of this connection is lost.
    await node.run(link, order);
    const keeper = new Keeper();
    for (let i = 0; i < 3; i += 1) {
      await sync();
      await link.next('receipt');
      const told = link.messages.map(({ t }) => t);
      expect(told.indexOf('receipt-key.step')).toBeLessThan(told.indexOf('receipt'));
      // The second one dies after it has stored the step and before it has answered.
      if (i > 0) await keeper.takeAll(link);
    }
    expect(keeper.held).toMatchObject({ version: 2, key: keyNow().publicText });
    expect(keeper.receipts.has(order.id)).toBe(true);
  });

  it('KEYS28 a controller that was restored from a backup is sent what it lacks, and a refusal is not answered for ever', async () => {
    for (let i = 0; i < 4; i += 1) await node.run(link, rotation());
    await sync();
    expect(stepsOf(link)).toHaveLength(1);
    link.send({ t: 'receipt-key.held', version: 1 });
    // The receipts came before those steps, and come again after them.
    await waitFor('all receipts twice', () => link.messages.filter(({ t }) => t === 'receipt').length === 8);
    expect(stepsOf(link)).toHaveLength(5);
    const keeper = new Keeper();
    keeper.mayRefuse = 4;
    await keeper.takeAll(link);
    expect(keeper.receipts.size).toBe(4);
    expect(keeper.held).toMatchObject({ version: 5, key: keyNow().publicText });
    // It says the same again: it does not take them.
    for (let i = 0; i < 5; i += 1) link.send({ t: 'receipt-key.held', version: 1 });
    link.send({ t: 'sync' });
    await waitFor('the next facts', () => link.messages.filter(({ t }) => t === 'facts').length === 2);
    // Only the newest one, as each link is told.
    expect(stepsOf(link)).toHaveLength(6);
  });

  it('KEYS28 a taken-over link process that forges or withholds the answer delays, and nothing more', async () => {
    await node.run(link, rotation());
    for (const version of [2, 1_000_000, 1]) link.send({ t: 'receipt-key.held', version });
    await node.run(link, node.actionOrder());
    await restart();
    const keeper = new Keeper();
    await keeper.takeAll(link);
    expect(keeper.held).toMatchObject({ version: 2, key: keyNow().publicText });
  });

  it('KEYS25 with its steps damaged the key is not replaced any more, and receipts go on', async () => {
    await node.run(link, rotation());
    const { receiptKeyFile } = node.config.paths;
    const second = keyNow().publicText;
    writeFileSync(`${receiptKeyFile}.steps`, 'damaged', { mode: 0o600 });
    await restart({ keyAgeMs: 3 * DAY_MS });
    expect((await node.run(link, node.actionOrder())).outcome).toBe('succeeded');
    expect((await node.run(link, rotation())).outcome).toBe('failed');
    expect(keyNow().publicText).toBe(second);
    expect(node.log()).toContain('the steps of the receipt key are damaged');
  });

  it('KEYS30 after an enrolment the steps of the former one count for nothing', async () => {
    await node.run(link, rotation());
    // As an enrolment that was cut off after its first file leaves it.
    const enrolled = createKeyPair();
    storeKeyPair(node.config.paths.receiptKeyFile, enrolled);
    await sync();
    expect(stepsOf(link)).toEqual([]);
    rmSync(`${node.config.paths.receiptKeyFile}.steps`);
    await node.run(link, rotation());
    const [step] = stepsOf(link);
    if (step === undefined) throw new Error('no step');
    const taken = await verifyReceiptStep(step, { ...atFirst(), key: enrolled.publicText });
    expect(taken).toMatchObject({ is: 'next', step: { version: 2, before: enrolled.publicText } });
  });
});

const secretOf = (key: KeyPair): string => String(key.privateKey.export({ format: 'jwk' }).d);
const kidOf = (key: KeyPair): string => keyThumbprint(key.publicText) ?? '';
const sign = (step: object, key: KeyPair, typ = RECEIPT_STEP_TYPE): Promise<string> =>
  signJws(step, key, { typ, kid: kidOf(key) });

describe('a step of a receipt key is refused', () => {
  const [mine, next, stranger] = [createKeyPair(), createKeyPair(), createKeyPair()];
  const held: ReceiptKeyHeld = {
    controllerId: randomUUID(),
    nodeId: randomUUID(),
    version: 1,
    key: mine.publicText,
    stepHash: null,
  };
  const good: ReceiptStep = {
    v: 1,
    is: 'hauban-receipt-step',
    controller: held.controllerId,
    node: held.nodeId,
    version: 2,
    previous: null,
    before: mine.publicText,
    next: next.publicText,
    issuedAt: 1_700_000_000_000,
  };
  const signed = async (step: ReceiptStep, by: readonly [KeyPair, KeyPair] = [mine, next]) => ({
    byBefore: await sign(step, by[0]),
    byNext: await sign(step, by[1]),
  });

  it('KEYS26 when it is not: the good one is taken, and the same again says nothing', async () => {
    const taken = await verifyReceiptStep(await signed(good), held);
    if (taken.is !== 'next') throw new Error(taken.is);
    const after = { ...held, version: 2, key: next.publicText, stepHash: taken.hash };
    expect(await verifyReceiptStep(await signed(good), after)).toEqual({ is: 'held' });
    expect(await verifyReceiptStep(await signed(good), { ...after, version: 3 })).toEqual({ is: 'old' });
    expect(taken.hash).toBe(receiptStepHash(good));
  });

  it.each<[string, string, () => Promise<SignedReceiptStep>]>([
    ['KEYS26 of another node', 'RECEIPT_STEP_NODE', () => signed({ ...good, node: randomUUID() })],
    [
      'KEYS26 of the node of another controller',
      'RECEIPT_STEP_NODE',
      () => signed({ ...good, controller: randomUUID() }),
    ],
    [
      'KEYS26 by a taken-over link process, with keys of its own',
      'RECEIPT_STEP_SIGNATURE',
      () => signed({ ...good, next: stranger.publicText }, [stranger, stranger]),
    ],
    ['KEYS26 without the new key', 'RECEIPT_STEP_SIGNATURE', () => signed(good, [mine, mine])],
    [
      'KEYS26 with two statements, one by each key',
      'RECEIPT_STEP_SIGNATURE',
      async () => ({ byBefore: await sign(good, mine), byNext: await sign({ ...good, issuedAt: 1 }, next) }),
    ],
    [
      'KEYS26 that is a signature for something else',
      'RECEIPT_STEP_SIGNATURE',
      async () => ({ byBefore: await sign(good, mine, 'hauban-receipt+jwt'), byNext: await sign(good, next) }),
    ],
    [
      'KEYS26 over a key that is not gone by',
      'RECEIPT_STEP_FORKED',
      () => signed({ ...good, before: stranger.publicText }, [stranger, next]),
    ],
    ['KEYS26 over a step that never was', 'RECEIPT_STEP_FORKED', () => signed({ ...good, previous: 'a'.repeat(64) })],
    [
      'KEYS26 with something else, signed by the new key',
      'RECEIPT_STEP_SIGNATURE',
      async () => ({ byBefore: await sign(good, mine), byNext: await sign({ ...good, is: 'else' }, next) }),
    ],
    ['KEYS26 that is no statement', 'RECEIPT_STEP_MALFORMED', () => signed({ ...good, is: 'else' } as never)],
  ])('%s', async (_attack, code, make) => {
    expect(await verifyReceiptStep(await make(), held)).toMatchObject({ is: 'refused', code });
  });

  it('KEYS26 a second successor of a key that was replaced, by a copy of the node or a thief of its key', async () => {
    const after = { ...held, version: 2, key: next.publicText, stepHash: receiptStepHash(good) };
    const second = await signed({ ...good, next: stranger.publicText }, [mine, stranger]);
    expect(await verifyReceiptStep(second, after)).toMatchObject({ is: 'refused', code: 'RECEIPT_STEP_FORKED' });
    const third = await signed({ ...good, version: 3, previous: receiptStepHash(good) }, [mine, next]);
    expect(await verifyReceiptStep(third, after)).toMatchObject({ is: 'refused', code: 'RECEIPT_STEP_FORKED' });
  });

  it('KEYS26 a step that has the number of the one that is gone by, over its very key', async () => {
    const after = { ...held, version: 2, key: next.publicText, stepHash: receiptStepHash(good) };
    const same = { ...good, previous: receiptStepHash(good), before: next.publicText, next: stranger.publicText };
    const taken = await verifyReceiptStep(await signed(same, [next, stranger]), after);
    expect(taken).toMatchObject({ is: 'refused', code: 'RECEIPT_STEP_FORKED' });
  });

  it('KEYS26 one message is a step only when it is whole', () => {
    for (const step of [null, {}, { byBefore: 'a.b.c' }, { byBefore: 'x', byNext: 'y' }])
      expect(parseFromExecutor(JSON.stringify({ t: 'receipt-key.step', step })).ok).toBe(false);
  });
});
