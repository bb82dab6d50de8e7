import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActionOrder, Receipt } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExecutorNode, OPEN_POLICY, type ExecutorNode, type LinkSide } from '../support/executor-harness.ts';

let node: ExecutorNode;
let link: LinkSide;
beforeEach(async () => {
  node = await createExecutorNode();
  await node.start();
  link = await node.connect();
});
afterEach(async () => {
  link.close();
  await node.cleanUp();
});

const file = (index: number, set = 'a'): string => join(node.folder, `${set}-${index}.txt`);
const content = (index: number, set = 'a'): string | null =>
  existsSync(file(index, set)) ? readFileSync(file(index, set), 'utf8') : null;
const contents = (set = 'a'): readonly (string | null)[] => [0, 1, 2].map((index) => content(index, set));

async function done(change: Partial<ActionOrder> = {}): Promise<ActionOrder> {
  const order = node.actionOrder(change);
  expect(await node.run(link, order)).toMatchObject({ outcome: 'succeeded' });
  return order;
}

const payloadOf = (jws: string): Receipt =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as Receipt;

/** The receipt of that order, whenever it comes. */
async function receiptOf(id: string): Promise<Receipt> {
  const { jws } = await link.next('receipt', (message) => payloadOf(message.jws).order === id);
  return await node.readReceipt(jws);
}

const args = (text: string, set = 'a'): object => ({ set, count: 3, content: text });
const refused = (code: string): object => expect.objectContaining({ outcome: 'refused', code }) as object;

async function restart(options: Parameters<ExecutorNode['start']>[0] = {}): Promise<void> {
  link.close();
  await node.kill();
  await node.start(options);
  link = await node.connect();
}

async function expectRefused(code: string, order: Parameters<ExecutorNode['run']>[1]): Promise<Receipt> {
  const before = node.effects();
  const receipt = await node.run(link, order);
  expect(receipt).toEqual(refused(code));
  expect(node.effects()).toEqual(before);
  return receipt;
}

describe('ORDER12 an undo takes back what an order changed', () => {
  it('ORDER12 everything is as before, the receipt says what was undone, and the same order again changes nothing', async () => {
    writeFileSync(file(1), 'older', { mode: 0o600 });
    const order = await done();
    const undo = node.undoOrder(order);
    const receipt = await node.run(link, undo);
    expect(receipt).toMatchObject({ outcome: 'succeeded', mode: 'undo', code: null, data: { undoes: order.id } });
    const plan = receipt.plan as { changes: { title: string; after: string | null }[] };
    expect(plan.changes).toHaveLength(3);
    expect(plan.changes[0]?.title).toMatch(/^Undo: .*a-2\.txt/);
    expect(receipt.verification).toHaveLength(3);
    expect(receipt.verification.every(({ ok }) => ok === 1)).toBe(true);
    expect(contents()).toEqual([null, 'older', null]);
    const effects = node.effects();
    link.send({ t: 'order', jws: await node.sign(undo) });
    await link.next(
      'receipt',
      ({ jws }) => link.messages.filter((one) => one.t === 'receipt' && one.jws === jws).length === 2,
    );
    expect(node.effects()).toEqual(effects);
  });

  it('ORDER12 it outlives a restart of the executor', async () => {
    const order = await done();
    await restart();
    expect(await node.run(link, node.undoOrder(order))).toMatchObject({ outcome: 'succeeded' });
    expect(contents()).toEqual([null, null, null]);
  });

  it('ORDER12 an order that was settled after a crash can be undone as well', async () => {
    await restart({ dieAt: 6, delayMs: 2 });
    const order = node.actionOrder();
    link.send({ t: 'order', jws: await node.sign(order) });
    await expect.poll(() => node.child?.signalCode, { interval: 2, timeout: 20_000 }).toBe('SIGKILL');
    await restart();
    link.send({ t: 'sync' });
    await link.next('receipt');
    expect(contents()).toEqual(['hello', 'hello', 'hello']);
    expect(await node.run(link, node.undoOrder(order))).toMatchObject({ outcome: 'succeeded' });
    expect(contents()).toEqual([null, null, null]);
  });

  it('ORDER12 what somebody took back by hand meanwhile is no conflict', async () => {
    const order = await done();
    rmSync(file(1));
    expect(await node.run(link, node.undoOrder(order))).toMatchObject({ outcome: 'succeeded' });
    expect(contents()).toEqual([null, null, null]);
  });

  it('ORDER12 only root can read what is kept', async () => {
    const order = await done();
    const folder = join(node.config.paths.executorDir, 'undo');
    expect(readdirSync(folder)).toContain(`${order.id}.json`);
    chmodSync(join(folder, `${order.id}.json`), 0o600);
    writeFileSync(join(folder, `${order.id}.json`), 'damaged');
    await expectRefused('UNDO_UNKNOWN', node.undoOrder(order));
    expect(contents()).toEqual(['hello', 'hello', 'hello']);
  });
});

describe('ORDER13 what cannot be undone is refused, each with its own code', () => {
  it('ORDER13 an order of another node, or one that nobody ever gave', async () => {
    const order = await done();
    await expectRefused('UNDO_UNKNOWN', node.undoOrder(order, { undoes: randomUUID() }));
    await expectRefused('ORDER_AUDIENCE', node.undoOrder(order, { aud: randomUUID() }));
  });

  it('ORDER13 an order that failed, that changed nothing, that was a plan or an undo itself', async () => {
    const failed = node.actionOrder({ action: 'files.write-wrong' });
    expect(await node.run(link, failed)).toMatchObject({ outcome: 'failed' });
    expect((await expectRefused('UNDO_IMPOSSIBLE', node.undoOrder(failed))).detail).toContain('failed');
    const plan = await done({ mode: 'plan' });
    await expectRefused('UNDO_IMPOSSIBLE', node.undoOrder(plan));
    const order = await done();
    const again = node.actionOrder();
    expect(await node.run(link, again)).toMatchObject({ outcome: 'unchanged' });
    expect((await expectRefused('UNDO_IMPOSSIBLE', node.undoOrder(again))).detail).toContain('unchanged');
    const undo = node.undoOrder(order);
    expect(await node.run(link, undo)).toMatchObject({ outcome: 'succeeded' });
    await expectRefused('UNDO_IMPOSSIBLE', node.undoOrder(order, { undoes: undo.id }));
  });

  it('ORDER13 an order that is undone already, and it says by which', async () => {
    const order = await done();
    const undo = node.undoOrder(order);
    await node.run(link, undo);
    expect((await expectRefused('UNDO_DONE', node.undoOrder(order))).detail).toContain(undo.id);
    await restart();
    await expectRefused('UNDO_DONE', node.undoOrder(order));
  });

  it('ORDER13 an order after which another changed the same things: it says which one comes first', async () => {
    const first = await done();
    const second = await done({ args: args('second') });
    await done({ args: args('neighbour', 'b') });
    expect((await expectRefused('UNDO_SUPERSEDED', node.undoOrder(first))).detail).toContain(second.id);
    expect(await node.run(link, node.undoOrder(second))).toMatchObject({ outcome: 'succeeded' });
    expect(contents()).toEqual(['hello', 'hello', 'hello']);
    expect(await node.run(link, node.undoOrder(first))).toMatchObject({ outcome: 'succeeded' });
    expect(contents()).toEqual([null, null, null]);
    expect(contents('b')).toEqual(['neighbour', 'neighbour', 'neighbour']);
  });

  it('ORDER13 other arguments or another action than those of the order that it names', async () => {
    const order = await done();
    await expectRefused('UNDO_MISMATCH', node.undoOrder(order, { args: args('other') }));
    await expectRefused('UNDO_MISMATCH', node.undoOrder(order, { action: 'files.write-late' }));
  });

  it('ORDER13 what the policy file does not allow any more, or not with these arguments', async () => {
    const order = await done();
    node.writePolicy('version = 1\n[[allow]]\nactions = ["files.*"]\nargs.content = { pattern = "other" }\n');
    await expectRefused('POLICY_DENIED', node.undoOrder(order));
    node.writePolicy(OPEN_POLICY);
    expect(await node.run(link, node.undoOrder(order))).toMatchObject({ outcome: 'succeeded' });
  });

  it('ORDER13 a plan hash, or an apply that names an order, is malformed', async () => {
    const order = await done();
    const strange = { ...node.undoOrder(order), planHash: null };
    link.send({ t: 'order', jws: await node.sign(strange) });
    const wrong = { ...node.actionOrder(), undoes: order.id };
    link.send({ t: 'order', jws: await node.sign(wrong) });
    for (const { id } of [strange, wrong]) expect(await receiptOf(id)).toMatchObject({ code: 'ORDER_MALFORMED' });
  });

  it('ORDER13 two undos of one order at the same moment: one is done', async () => {
    await restart({ delayMs: 20 });
    const order = await done();
    const receipts = await Promise.all([1, 2].map(async () => await node.run(link, node.undoOrder(order))));
    expect(receipts.map(({ outcome }) => outcome).toSorted()).toEqual(['refused', 'succeeded']);
    expect(receipts.map(({ code }) => code)).toContain('UNDO_DONE');
  });
});

describe('ORDER14 an undo is whole or not at all', () => {
  it('ORDER14 something changed since: nothing is touched, and it says what', async () => {
    const order = await done();
    writeFileSync(file(1), 'somebody else');
    const receipt = await expectRefused('CHANGE_CONFLICT', node.undoOrder(order));
    expect(receipt.detail).toContain('a-1.txt');
    expect(contents()).toEqual(['hello', 'somebody else', 'hello']);
    writeFileSync(file(1), 'hello');
    expect(await node.run(link, node.undoOrder(order))).toMatchObject({ outcome: 'succeeded' });
  });

  it('ORDER14 a step that fails: what was taken back is done again', async () => {
    await restart({ delayMs: 80 });
    const order = await done();
    const undo = node.undoOrder(order);
    const before = node.effects().length;
    link.send({ t: 'order', jws: await node.sign(undo) });
    await expect.poll(() => node.effects().length, { interval: 2 }).toBe(before + 1);
    rmSync(file(0));
    mkdirSync(file(0));
    expect(['failed', 'undetermined']).toContain((await receiptOf(undo.id)).outcome);
    expect([content(1), content(2)]).toEqual(['hello', 'hello']);
  });

  it.each([1, 2, 3, 4, 5, 6])('ORDER14 killed at half-step %i of an undo, it goes on where it was', async (dieAt) => {
    const order = await done();
    await restart({ dieAt, delayMs: 2 });
    const undo = node.undoOrder(order);
    link.send({ t: 'order', jws: await node.sign(undo) });
    await expect.poll(() => node.child?.signalCode, { interval: 2, timeout: 20_000 }).toBe('SIGKILL');
    link.close();
    // It may be dead again before it listens.
    const child = node.launch({ dieAt: dieAt > 3 ? 0 : 1, delayMs: 2 });
    if (dieAt <= 3) await expect.poll(() => child.signalCode, { interval: 2, timeout: 20_000 }).toBe('SIGKILL');
    await restart();
    link.send({ t: 'sync' });
    expect(await receiptOf(undo.id)).toMatchObject({ outcome: 'succeeded', mode: 'undo' });
    expect(contents()).toEqual([null, null, null]);
    await expectRefused('UNDO_DONE', node.undoOrder(order));
  });
});
