import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyPair, orderHash, planHash, storeKeyPair } from '@hauban/link';
import type { ActionOrder, Receipt, ShellOrder } from '@hauban/shared/protocol';
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

const refused = (code: string): object => expect.objectContaining({ outcome: 'refused', code }) as object;

describe('ORDER3 and ORDER4: one effect', () => {
  it('ORDER4 a repeated order is answered from the journal, also after a restart and when it has expired', async () => {
    const order = { ...node.actionOrder(), exp: Date.now() + 1500 };
    const jws = await node.sign(order);
    link.send({ t: 'order', jws });
    const { jws: receipt } = await link.next('receipt');
    const before = node.effects();
    expect(before).toHaveLength(3);
    await node.kill();
    await node.start();
    await expect.poll(() => Date.now() > order.exp, { interval: 20, timeout: 5000 }).toBe(true);
    link = await node.connect();
    link.send({ t: 'order', jws });
    expect((await link.next('receipt')).jws).toBe(receipt);
    expect(node.effects()).toEqual(before);
  });

  it('ORDER4 the same order many times at once has one effect', async () => {
    const jws = await node.sign(node.actionOrder());
    for (let i = 0; i < 50; i += 1) link.send({ t: 'order', jws });
    await link.next('receipt');
    link.send({ t: 'order', jws });
    await expect
      .poll(() => link.messages.filter(({ t }) => t === 'receipt').length, { interval: 5 })
      .toBeGreaterThan(1);
    expect(node.effects()).toHaveLength(3);
  });

  it('ORDER2 replayed: an id with other content, also after a restart', async () => {
    const order = node.actionOrder();
    await node.run(link, order);
    const before = node.effects();
    const other = { ...order, args: { set: 'b', count: 1, content: 'x' } };
    const jws = await node.sign(other);
    link.send({ t: 'order', jws });
    const isReplay = ({ jws: text }: { jws: string }): boolean =>
      text.length > 0 && decode(text).code === 'ORDER_REPLAYED';
    await link.next('receipt', isReplay);
    await node.kill();
    await node.start();
    link = await node.connect();
    link.send({ t: 'order', jws });
    const again = decode((await link.next('receipt', isReplay)).jws);
    expect(again).toMatchObject({ outcome: 'refused', orderHash: orderHash(jws) });
    expect(node.effects()).toEqual(before);
  });

  it('ORDER3 a lost journal opens no door to a replay', async () => {
    const order = { ...node.actionOrder(), iat: Date.now() - 60_000 };
    await node.stop();
    const late = { ...order, exp: Date.now() + 60_000 };
    rmSync(node.config.paths.journalDir, { recursive: true });
    await node.start();
    link = await node.connect();
    expect(await node.run(link, late)).toMatchObject({ outcome: 'expired', code: 'ORDER_EXPIRED' });
    expect(node.effects()).toEqual([]);
    expect(link.messages.some((message) => message.t === 'taken')).toBe(false);
  });

  it('ORDER3 a damaged journal is kept aside, and orders from before are refused', async () => {
    const before = node.actionOrder();
    await node.run(link, node.actionOrder());
    await node.kill();
    const path = join(node.config.paths.journalDir, 'orders.journal');
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"taken"') + 1] = 0x78;
    writeFileSync(path, bytes);
    await node.start();
    expect(readdirSync(node.config.paths.journalDir).some((name) => name.includes('.corrupt-'))).toBe(true);
    expect(node.log()).toContain('the order journal is damaged');
    link = await node.connect();
    const effects = node.effects();
    expect(await node.run(link, before)).toMatchObject({ outcome: 'expired', code: 'ORDER_EXPIRED' });
    expect(node.effects()).toEqual(effects);
    expect(await node.run(link, node.actionOrder({ args: { set: 'n', count: 1, content: 'x' } }))).toMatchObject({
      outcome: 'succeeded',
    });
  });
});

const decode = (jws: string): Receipt =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as Receipt;

describe('carrying out', () => {
  it('ORDER10 a plan changes nothing and names what would change', async () => {
    const receipt = await node.run(link, node.actionOrder({ mode: 'plan' }));
    expect(receipt).toMatchObject({ outcome: 'succeeded', mode: 'plan', code: null });
    const { hash, changes } = receipt.plan as { hash: string; changes: readonly { title: string }[] };
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(changes.map(({ title }) => title)).toHaveLength(3);
    expect(node.effects()).toEqual([]);
  });

  it('ORDER10 an apply with the hash of the plan runs; with another one it is PLAN_CHANGED', async () => {
    const planned = await node.run(link, node.actionOrder({ mode: 'plan' }));
    const { hash } = planned.plan as { hash: string };
    writeFileSync(join(node.folder, 'a-1.txt'), 'meanwhile', { mode: 0o644 });
    expect(await node.run(link, node.actionOrder({ planHash: hash }))).toEqual(refused('PLAN_CHANGED'));
    expect(node.effects()).toEqual([]);
    rmSync(join(node.folder, 'a-1.txt'));
    expect(await node.run(link, node.actionOrder({ planHash: hash }))).toMatchObject({ outcome: 'succeeded' });
    expect(planHash([])).not.toBe(hash);
  });

  it('ORDER7 the receipt is signed by the receipt key and names order, hash and what verify saw', async () => {
    const order = node.actionOrder();
    const receipt = await node.run(link, order);
    expect(receipt).toMatchObject({
      order: order.id,
      orderHash: orderHash(await node.sign(order)),
      node: node.nodeId,
      outcome: 'succeeded',
    });
    expect(receipt.verification).toHaveLength(3);
    expect(receipt.verification.every(({ ok }) => ok === 1)).toBe(true);
    expect(receipt.finishedAt).toBeGreaterThanOrEqual(receipt.startedAt);
  });

  it('ORDER7 KEYS3 after an enrolment under a running executor the receipt is signed by the new receipt key', async () => {
    storeKeyPair(node.config.paths.receiptKeyFile, createKeyPair());
    // Verified with the key that is in the file now: the former one does not pass.
    expect((await node.run(link, node.actionOrder())).outcome).toBe('succeeded');
  });

  it('a second run finds nothing to do', async () => {
    await node.run(link, node.actionOrder());
    const before = node.effects();
    expect(await node.run(link, node.actionOrder())).toMatchObject({ outcome: 'unchanged' });
    expect(node.effects()).toEqual(before);
  });

  it('an effect that verify does not see is undone', async () => {
    const receipt = await node.run(link, node.actionOrder({ action: 'files.write-wrong' }));
    expect(receipt).toMatchObject({ outcome: 'failed', code: 'VERIFY_FAILED' });
    expect(existsSync(join(node.folder, 'a-0.txt'))).toBe(false);
    expect(node.effects()).toHaveLength(6);
  });

  it('a step that fails undoes those before it', async () => {
    mkdirSync(join(node.folder, 'a-2.txt.tmp'));
    const receipt = await node.run(link, node.actionOrder());
    expect(receipt.outcome).toBe('failed');
    expect(existsSync(join(node.folder, 'a-0.txt'))).toBe(false);
  });

  it('an undo that fails is undetermined and says what is left', async () => {
    await node.stop();
    await node.start({ delayMs: 60 });
    link = await node.connect();
    const running = node.run(link, node.actionOrder({ action: 'files.write-wrong' }));
    await expect.poll(() => node.effects().includes('write a-1.txt'), { interval: 2, timeout: 10_000 }).toBe(true);
    writeFileSync(join(node.folder, 'a-0.txt'), 'somebody else');
    const receipt = await running;
    expect(receipt).toMatchObject({ outcome: 'undetermined', code: 'ACTION_UNDO_FAILED' });
    expect(receipt.detail).toContain('a-0.txt');
    expect(readFileSync(join(node.folder, 'a-0.txt'), 'utf8')).toBe('somebody else');
  });

  it('an action that is over its time is undone', async () => {
    await node.stop();
    await node.start({ delayMs: 100 });
    link = await node.connect();
    const receipt = await node.run(link, node.actionOrder({ action: 'files.write-late' }));
    expect(receipt).toMatchObject({ outcome: 'failed', code: 'ACTION_TIMEOUT' });
    expect(existsSync(join(node.folder, 'a-0.txt'))).toBe(false);
  });

  it('orders on different things run side by side, on the same thing one after the other', async () => {
    await node.stop();
    await node.start({ delayMs: 40 });
    link = await node.connect();
    const order = (set: string, content: string): ActionOrder => node.actionOrder({ args: { set, count: 2, content } });
    await Promise.all([order('a', '1'), order('a', '2'), order('b', '3')].map((one) => node.run(link, one)));
    const effects = node.effects();
    const ofA = effects.filter((line) => line.includes(' a-'));
    expect(ofA).toEqual(['write a-0.txt', 'write a-1.txt', 'write a-0.txt', 'write a-1.txt']);
    const lastOfB = effects.findLastIndex((line) => line.includes(' b-'));
    expect(lastOfB).toBeLessThan(effects.findLastIndex((line) => line.includes(' a-')));
  });

  it('an order that expires while it waits for a lock never starts', async () => {
    await node.stop();
    await node.start({ delayMs: 200 });
    link = await node.connect();
    const first = node.run(link, node.actionOrder({ args: { set: 'a', count: 5, content: 'one' } }));
    await link.next('progress');
    const order = { ...node.actionOrder({ args: { set: 'a', count: 1, content: 'two' } }), exp: Date.now() + 300 };
    expect(await node.run(link, order)).toMatchObject({ outcome: 'expired', code: 'LOCK_BUSY' });
    expect(await first).toMatchObject({ outcome: 'succeeded' });
    expect(readFileSync(join(node.folder, 'a-0.txt'), 'utf8')).toBe('one');
  });

  it('ORDER11 progress tells the newest step of an order that lasts', async () => {
    await node.stop();
    await node.start({ delayMs: 300 });
    link = await node.connect();
    await node.run(link, node.actionOrder());
    const steps = link.messages.flatMap((message) => (message.t === 'progress' ? [message] : []));
    expect(steps.length).toBeGreaterThan(1);
    // A step that was over before its turn to be told is left out, so that which ones are told depends on the machine.
    const told = steps.map(({ done }) => done);
    expect(told).toEqual([...new Set(told)].toSorted((a, b) => a - b));
    for (const { total } of steps) expect(total).toBe(3);
  });
});

describe('ORDER8 receipts are kept until they are acknowledged', () => {
  it('ORDER8 offered again at each sync, also after a restart, until the ack', async () => {
    const order = node.actionOrder();
    await node.run(link, order);
    await node.kill();
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    await link.next('receipt', ({ jws }) => decode(jws).order === order.id);
    link.send({ t: 'receipt.ack', order: order.id });
    link.send({ t: 'receipt.ack', order: randomUUID() });
    const count = link.messages.filter(({ t }) => t === 'receipt').length;
    link.send({ t: 'sync' });
    await expect.poll(() => link.messages.filter(({ t }) => t === 'facts').length, { interval: 5 }).toBe(2);
    expect(link.messages.filter(({ t }) => t === 'receipt')).toHaveLength(count);
  });
});

describe('the process', () => {
  it('says who it is when asked', async () => {
    link.send({ t: 'sync' });
    const facts = await link.next('facts');
    expect(facts.isRoot).toBe(process.getuid?.() === 0);
    expect(facts.actions).toContainEqual({ name: 'files.write', version: 1 });
    expect(facts.policyText).toBe(OPEN_POLICY);
    node.writePolicy('version = 3\n');
    link.send({ t: 'sync' });
    const bad = await link.next('facts', ({ policyText }) => policyText.startsWith('# This policy is not usable'));
    expect(bad.policyText).toContain('version must be 1');
  });

  it('a second executor on the same folder is refused with one sentence', async () => {
    const before = node.child;
    const second = node.launch();
    await expect.poll(() => second.exitCode, { interval: 10, timeout: 10_000 }).not.toBeNull();
    expect(second.exitCode).not.toBe(0);
    expect(node.log()).toContain('DATA_IN_USE');
    before?.kill('SIGKILL');
  });

  it('SIGTERM lets a running order finish', async () => {
    await node.stop();
    await node.start({ delayMs: 60 });
    link = await node.connect();
    const order = node.actionOrder();
    link.send({ t: 'order', jws: await node.sign(order) });
    await link.next('progress');
    await node.stop();
    expect(node.effects()).toHaveLength(3);
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    const receipt = await link.next('receipt', ({ jws }) => decode(jws).order === order.id);
    expect(decode(receipt.jws)).toMatchObject({ outcome: 'succeeded' });
  });

  it('a shell for a user who is not in the policy is refused, twice over the same permit', async () => {
    const order: ShellOrder = node.shellOrder({ user: 'www-data' });
    expect(await node.run(link, order)).toEqual(refused('POLICY_DENIED'));
    await link.next('shell.refused', ({ session, code }) => session === order.session && code === 'POLICY_DENIED');
    expect(readdirSync(node.config.paths.recordingsDir)).toEqual([]);
  });
});
