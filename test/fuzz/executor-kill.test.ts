import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@hauban/shared/testing';
import { LIMITS, type Receipt } from '@hauban/shared/protocol';
import { afterEach, expect, it } from 'vitest';
import { createExecutorNode, type ExecutorNode } from '../support/executor-harness.ts';

/**
 * The executor is killed (SIGKILL) at every half-step of an order, at random moments, and again while it settles what
 * the first kill left. Afterwards: one receipt, the machine as that receipt says, no effect twice.
 */
let node: ExecutorNode | null = null;
afterEach(async () => {
  await node?.cleanUp();
  node = null;
});

const COUNT = 3;
const files = (one: ExecutorNode): readonly (string | null)[] =>
  Array.from({ length: COUNT }, (_unused, index) => {
    const path = join(one.folder, `a-${index}.txt`);
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  });

const decode = (jws: string): Receipt =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as Receipt;

/** Everything the executor says about the order once it is left alone. */
async function settledReceipts(one: ExecutorNode, order: string): Promise<readonly Receipt[]> {
  await one.start();
  const link = await one.connect();
  link.send({ t: 'sync' });
  await link.next('receipt', ({ jws }) => decode(jws).order === order);
  link.send({ t: 'sync' });
  await expect.poll(() => link.messages.filter(({ t }) => t === 'facts').length, { interval: 5 }).toBe(2);
  const receipts = [];
  for (const message of link.messages) if (message.t === 'receipt') receipts.push(await one.readReceipt(message.jws));
  link.close();
  return receipts;
}

/** No file was written twice without having been taken back in between. */
function expectNoDoubleEffect(effects: readonly string[]): void {
  const last = new Map<string, string>();
  for (const line of effects) {
    const [what = '', path = ''] = line.split(' ');
    expect(last.get(path) === what, `twice: ${line} in ${effects.join(', ')}`).toBe(false);
    last.set(path, what);
  }
}

async function expectSettled(one: ExecutorNode, order: string): Promise<Receipt> {
  const receipts = await settledReceipts(one, order);
  expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
  const [receipt] = receipts;
  if (receipt === undefined) throw new Error('no receipt');
  expect(['succeeded', 'failed']).toContain(receipt.outcome);
  expect(files(one)).toEqual(Array.from({ length: COUNT }, () => (receipt.outcome === 'succeeded' ? 'hello' : null)));
  expectNoDoubleEffect(one.effects());
  return receipt;
}

async function runUntilDead(one: ExecutorNode, action: string): Promise<string> {
  const link = await one.connect();
  const order = one.actionOrder({ action });
  link.send({ t: 'order', jws: await one.sign(order) });
  await expect.poll(() => one.child?.signalCode, { interval: 2, timeout: 20_000 }).toBe('SIGKILL');
  link.close();
  return order.id;
}

it('ORDER5 killed before its first effect, the order is in the journal on disk; after its receipt, the outcome is', async () => {
  node = await createExecutorNode();
  const journal = (one: ExecutorNode): string => {
    const folder = one.config.paths.journalDir;
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'latin1'))
      .join('');
  };
  await node.start({ dieAt: 1, delayMs: 2 });
  const order = await runUntilDead(node, 'files.write');
  expect(node.effects()).toEqual([]);
  expect(journal(node)).toContain(order);
  const receipt = await expectSettled(node, order);
  expect(receipt.outcome).toBe('failed');
  expect(journal(node)).toMatch(new RegExp(`"t":"done".*"id":"${order}"`));
});

it.each([1, 2, 3, 4, 5, 6])('ORDER6 killed at half-step %i of applying', async (dieAt) => {
  node = await createExecutorNode();
  await node.start({ dieAt, delayMs: 2 });
  const order = await runUntilDead(node, 'files.write');
  const receipt = await expectSettled(node, order);
  expect(receipt.outcome).toBe(dieAt === 6 ? 'succeeded' : 'failed');
  if (receipt.outcome === 'failed') expect(receipt.code).toBe('ORDER_INTERRUPTED');
});

it.each([7, 8, 9, 10, 11, 12])(
  'ORDER6 killed at half-step %i, while it undoes what verify did not see',
  async (dieAt) => {
    node = await createExecutorNode();
    await node.start({ dieAt, delayMs: 2 });
    const order = await runUntilDead(node, 'files.write-wrong');
    expect((await expectSettled(node, order)).outcome).toBe('failed');
  },
);

it.each([1, 2, 3, 4])('ORDER6 killed in the middle, and again at half-step %i of settling it', async (dieAt) => {
  node = await createExecutorNode();
  await node.start({ dieAt: 4, delayMs: 2 });
  const order = await runUntilDead(node, 'files.write');
  const child = node.launch({ dieAt, delayMs: 2 });
  await expect.poll(() => child.signalCode, { interval: 2, timeout: 20_000 }).toBe('SIGKILL');
  expect((await expectSettled(node, order)).outcome).toBe('failed');
});

it('ORDER6 what somebody else changed in between is not undone: undetermined, and it says so', async () => {
  node = await createExecutorNode();
  await node.start({ dieAt: 4, delayMs: 2 });
  const order = await runUntilDead(node, 'files.write');
  writeFileSync(join(node.folder, 'a-0.txt'), 'somebody else');
  const [receipt] = await settledReceipts(node, order);
  expect(receipt).toMatchObject({ outcome: 'undetermined', code: 'ACTION_UNDO_FAILED' });
  expect(receipt?.detail).toContain('a-0.txt');
  expect(readFileSync(join(node.folder, 'a-0.txt'), 'utf8')).toBe('somebody else');
});

it('ORDER6 after a crash, a later order on the same thing waits until the first is settled', async () => {
  node = await createExecutorNode();
  await node.start({ dieAt: 4, delayMs: 2 });
  const first = await runUntilDead(node, 'files.write');
  await node.start({ delayMs: 60 });
  const link = await node.connect();
  const second = node.actionOrder({ args: { set: 'a', count: COUNT, content: 'second' } });
  expect(await node.run(link, second)).toMatchObject({ outcome: 'succeeded' });
  const order = link.messages.flatMap((message) => (message.t === 'receipt' ? [decode(message.jws).order] : []));
  expect(order).toEqual([first, second.id]);
  link.close();
});

it('ORDER3 the memory outlives a kill at any moment: the same orders again have no second effect', async () => {
  const seed = 20_261_122;
  const random = new SeededRandom(seed);
  node = await createExecutorNode();
  const sent: { readonly id: string; readonly set: string; readonly jws: string }[] = [];
  for (let round = 0; round < 20; round += 1) {
    await node.start({ delayMs: 4 });
    const link = await node.connect();
    for (let i = 0; i < 3; i += 1) {
      const set = `r${round}x${i}`;
      const order = node.actionOrder({ args: { set, count: 2, content: 'hello' } });
      sent.push({ id: order.id, set, jws: await node.sign(order) });
    }
    for (const { jws } of sent) link.send({ t: 'order', jws });
    const waitMs = random.below(60);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    await node.kill();
    link.close();
  }
  await node.start();
  const link = await node.connect();
  for (const { jws } of sent) link.send({ t: 'order', jws });
  const receipts = new Map<string, Receipt>();
  for (const { id } of sent) {
    const { jws } = await link.next('receipt', (message) => decode(message.jws).order === id);
    receipts.set(id, await node.readReceipt(jws));
  }
  link.close();
  expectNoDoubleEffect(node.effects());
  for (const { id, set } of sent) {
    const outcome = receipts.get(id)?.outcome ?? '';
    expect(['succeeded', 'failed'], `seed ${seed}, order ${id}`).toContain(outcome);
    expect(existsSync(join(node.folder, `${set}-1.txt`)), `seed ${seed}, ${set}: ${outcome}`).toBe(
      outcome === 'succeeded',
    );
  }
  expect(LIMITS.orderMemoryMs).toBe(24 * 3_600_000);
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])('ORDER6 killed at a random moment (seed %i)', async (seed) => {
  const random = new SeededRandom(seed);
  node = await createExecutorNode();
  await node.start({ delayMs: 6 });
  const link = await node.connect();
  const order = node.actionOrder({ action: random.unit() < 0.5 ? 'files.write' : 'files.write-wrong' });
  link.send({ t: 'order', jws: await node.sign(order) });
  await new Promise((resolve) => setTimeout(resolve, random.below(70)));
  await node.kill();
  link.close();
  for (let again = random.below(3); again > 0; again -= 1) {
    node.launch({ delayMs: 6 });
    await new Promise((resolve) => setTimeout(resolve, 100 + random.below(60)));
    await node.kill();
  }
  const isKnown =
    existsSync(join(node.config.paths.journalDir, 'orders.journal')) &&
    readFileSync(join(node.config.paths.journalDir, 'orders.journal'), 'utf8').includes(order.id);
  if (isKnown) await expectSettled(node, order.id);
  else expect(node.effects()).toEqual([]);
});
