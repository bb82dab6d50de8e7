import { createHmac, randomUUID, sign } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  createKeyPair,
  encodeLocalFrame,
  loadKeyPair,
  orderHash,
  planHash,
  signReceipt,
  storeKeyPair,
  type KeyPair,
} from '@hauban/link';
import {
  LIMITS,
  LOCAL_KINDS,
  ORDER_TYPE,
  type ActionOrder,
  type Receipt,
  type ShellOrder,
} from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AUTHORITY_KID,
  createExecutorNode,
  OPEN_POLICY,
  type ExecutorNode,
  type LinkSide,
} from '../support/executor-harness.ts';

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

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWS with any header, signed by any key: what an attacker can make. */
function forge(header: object, payload: object, key: KeyPair): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

const header = { alg: 'EdDSA', typ: ORDER_TYPE, kid: AUTHORITY_KID };

/** Sends a compact JWS as it is and returns the receipt for that id. */
async function send(jws: string, id: string): Promise<Receipt> {
  link.send({ t: 'order', jws });
  let found: Receipt | null = null;
  await link.next('receipt', ({ jws: receipt }) => {
    const payload = JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString()) as Receipt;
    if (payload.order !== id) return false;
    found = payload;
    return true;
  });
  if (found === null) throw new Error('no receipt');
  return found;
}

/** Nothing was done and nobody was told that it was begun. */
function expectNoEffect(): void {
  expect(node.effects()).toEqual([]);
  expect(link.messages.some((message) => message.t === 'taken')).toBe(false);
}

const refused = (code: string): object => expect.objectContaining({ outcome: 'refused', code }) as object;

describe('ORDER1 only a JWS of the pinned authority is an order', () => {
  it('ORDER1 signed by a wrong key', async () => {
    const order = node.actionOrder();
    expect(await send(forge(header, order, createKeyPair()), order.id)).toEqual(refused('ORDER_SIGNATURE'));
    expectNoEffect();
  });

  it("ORDER1 signed by the node's own receipt key", async () => {
    const order = node.actionOrder();
    const own = loadKeyPair(node.config.paths.receiptKeyFile);
    if (own === null) throw new Error('no key');
    expect(await send(forge(header, order, own), order.id)).toEqual(refused('ORDER_SIGNATURE'));
    expectNoEffect();
  });

  it('ORDER1 a key id that is not pinned', async () => {
    const order = node.actionOrder();
    const jws = forge({ ...header, kid: 'authority-2' }, order, node.authority);
    expect(await send(jws, order.id)).toEqual(refused('ORDER_SIGNATURE'));
    expectNoEffect();
  });

  it('ORDER1 alg none', async () => {
    const order = node.actionOrder();
    const jws = `${part({ ...header, alg: 'none' })}.${part(order)}.${'A'.repeat(86)}`;
    expect(await send(jws, order.id)).toEqual(refused('ORDER_SIGNATURE'));
    expectNoEffect();
  });

  it('ORDER1 HS256 with the public key as secret: algorithm confusion', async () => {
    const order = node.actionOrder();
    const signed = `${part({ ...header, alg: 'HS256' })}.${part(order)}`;
    const mac = createHmac('sha512', node.authority.publicText).update(signed).digest('base64url');
    expect(await send(`${signed}.${mac}`, order.id)).toEqual(refused('ORDER_SIGNATURE'));
    expectNoEffect();
  });

  it('ORDER1 a receipt in the place of an order: type confusion', async () => {
    const order = node.actionOrder();
    const jws = forge({ ...header, typ: 'hauban-receipt+jwt' }, order, node.authority);
    expect(await send(jws, order.id)).toEqual(refused('ORDER_SIGNATURE'));
    const receipt = await node.run(link, node.actionOrder({ mode: 'plan' }));
    link.send({ t: 'order', jws: await signReceipt(receipt, node.authority) });
    link.send({ t: 'sync' });
    await link.next('facts');
    expect(node.effects()).toEqual([]);
  });

  it('ORDER1 an altered argument under the old signature', async () => {
    const order = node.actionOrder();
    const [head = '', , signature = ''] = (await node.sign(order)).split('.');
    const altered = { ...order, args: { set: 'a', count: 3, content: 'other' } };
    expect(await send(`${head}.${part(altered)}.${signature}`, order.id)).toEqual(refused('ORDER_SIGNATURE'));
    expectNoEffect();
  });
});

describe('ORDER2 each refusal has its own code', () => {
  const cases: readonly (readonly [string, (order: ActionOrder) => Partial<ActionOrder>, string])[] = [
    ['wrong audience', () => ({ aud: randomUUID() }), 'ORDER_AUDIENCE'],
    ['from the future', ({ iat, exp }) => ({ iat: iat + 60_000, exp: exp + 60_000 }), 'ORDER_NOT_YET_VALID'],
    ['a life longer than 12 h', ({ iat }) => ({ exp: iat + LIMITS.orderLifetimeMs + 1 }), 'ORDER_MALFORMED'],
    ['unknown action', () => ({ action: 'files.destroy' }), 'ACTION_UNKNOWN'],
    ['a name out of the prototype', () => ({ action: 'to-string.constructor' }), 'ACTION_UNKNOWN'],
    ['another version of the action', () => ({ actionVersion: 2 }), 'ACTION_UNKNOWN'],
    ['extra field', () => ({ args: { set: 'a', count: 1, content: '', force: true } }), 'ACTION_ARGUMENTS'],
    ['missing field', () => ({ args: { set: 'a', count: 1 } }), 'ACTION_ARGUMENTS'],
    ['wrong type', () => ({ args: { set: 'a', count: '1', content: '' } }), 'ACTION_ARGUMENTS'],
    ['path metacharacters', () => ({ args: { set: '../../etc/x', count: 1, content: '' } }), 'ACTION_ARGUMENTS'],
    ['shell metacharacters', () => ({ args: { set: 'a;id', count: 1, content: '' } }), 'ACTION_ARGUMENTS'],
    ['a line break after a valid value', () => ({ args: { set: 'a\n', count: 1, content: '' } }), 'ACTION_ARGUMENTS'],
    ['no arguments', () => ({ args: null }), 'ACTION_ARGUMENTS'],
  ];

  it.each(cases)('ORDER2 %s', async (_attack, change, code) => {
    const order = node.actionOrder();
    const receipt = await node.run(link, { ...order, ...change(order) });
    expect(receipt).toEqual(refused(code));
    expect(receipt.detail.length).toBeGreaterThan(5);
    expectNoEffect();
  });

  it('ORDER2 expired', async () => {
    const order = node.actionOrder();
    const receipt = await node.run(link, { ...order, iat: order.iat - 20_000, exp: order.iat - 1 });
    expect(receipt).toMatchObject({ outcome: 'expired', code: 'ORDER_EXPIRED' });
    expectNoEffect();
  });

  it('ORDER2 an order with a field too many, well signed', async () => {
    const order = node.actionOrder();
    expect(await send(forge(header, { ...order, sudo: true }, node.authority), order.id)).toEqual(
      refused('ORDER_MALFORMED'),
    );
    expectNoEffect();
  });

  it('ORDER2 policy denied', async () => {
    node.writePolicy('version = 1\n[[allow]]\nactions = ["files.write"]\nargs.set = { pattern = "b" }\n');
    expect(await node.run(link, node.actionOrder())).toEqual(refused('POLICY_DENIED'));
    expect(await node.run(link, node.actionOrder({ action: 'files.write-wrong' }))).toEqual(refused('POLICY_DENIED'));
    expectNoEffect();
    const allowed = node.actionOrder({ args: { set: 'b', count: 1, content: 'x' } });
    expect(await node.run(link, allowed)).toMatchObject({ outcome: 'succeeded' });
  });

  it('ORDER2 a policy file that others may write', async () => {
    for (const mode of [0o664, 0o646, 0o666]) {
      chmodSync(node.config.paths.policyFile, mode);
      const receipt = await node.run(link, node.actionOrder());
      expect(receipt).toEqual(refused('POLICY_DENIED'));
      expect(receipt.detail).toContain('may be written by others');
    }
    chmodSync(node.config.paths.policyFile, 0o644);
    chmodSync(dirname(node.config.paths.policyFile), 0o777);
    expect(await node.run(link, node.actionOrder())).toEqual(refused('POLICY_DENIED'));
    expectNoEffect();
  });

  it.runIf(process.getuid?.() === 0)('ORDER2 a policy file that belongs to somebody else', async () => {
    chownSync(node.config.paths.policyFile, 33, 33);
    expect(await node.run(link, node.actionOrder())).toEqual(refused('POLICY_DENIED'));
    expectNoEffect();
  });

  it.each([
    ['missing', null],
    ['not TOML', 'version = ='],
    ['with a word that is not known', 'version = 1\nallow_all = true\n'],
    ['empty', ''],
    ['not UTF-8', Buffer.from([0x76, 0xff, 0xfe])],
  ])('ORDER2 a policy file that is %s allows nothing', async (_fault, content) => {
    if (content === null) rmSync(node.config.paths.policyFile);
    else writeFileSync(node.config.paths.policyFile, content);
    expect(await node.run(link, node.actionOrder())).toEqual(refused('POLICY_DENIED'));
    expectNoEffect();
    node.writePolicy(OPEN_POLICY);
    expect(await node.run(link, node.actionOrder())).toMatchObject({ outcome: 'succeeded' });
  });

  it('ORDER2 the policy changes while the order waits for its lock', async () => {
    await node.stop();
    await node.start({ delayMs: 100 });
    link = await node.connect();
    const first = node.run(link, node.actionOrder({ args: { set: 'a', count: 3, content: 'one' } }));
    await link.next('progress');
    const order = node.actionOrder({ args: { set: 'a', count: 3, content: 'two' } });
    const second = node.run(link, order);
    await link.next('taken', (message) => message.order === order.id);
    node.writePolicy('version = 1\n');
    expect(await first).toMatchObject({ outcome: 'succeeded' });
    expect(await second).toEqual(refused('POLICY_DENIED'));
    expect(readFileSync(join(node.folder, 'a-0.txt'), 'utf8')).toBe('one');
  });
});

describe('ORDER2 bytes on the socket', () => {
  const attacks: readonly (readonly [string, () => Uint8Array])[] = [
    ['no frames at all', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame that claims 4 GiB', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ['a frame of another kind', () => Buffer.from([0, 0, 0, 2, 9, 0])],
    ['a shell frame', () => encodeLocalFrame(LOCAL_KINDS.shell, new Uint8Array(20))],
    ['no JSON', () => encodeLocalFrame(LOCAL_KINDS.json, Buffer.from('{'))],
    ['an unknown message', () => encodeLocalFrame(LOCAL_KINDS.json, Buffer.from('{"t":"exec","cmd":"id"}'))],
    ['a message out of the prototype', () => encodeLocalFrame(LOCAL_KINDS.json, Buffer.from('{"t":"__proto__"}'))],
    ['a field too many', () => encodeLocalFrame(LOCAL_KINDS.json, Buffer.from('{"t":"sync","all":1}'))],
    ['deep nesting', () => encodeLocalFrame(LOCAL_KINDS.json, Buffer.from('['.repeat(100_000)))],
  ];

  it.each(attacks)('ORDER2 %s ends the connection and nothing else', async (_attack, bytes) => {
    const other = await node.connect();
    other.sendRaw(bytes());
    await expect.poll(() => other.isClosed(), { interval: 5, timeout: 10_000 }).toBe(true);
    expect(await node.run(link, node.actionOrder())).toMatchObject({ outcome: 'succeeded' });
  });
});

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
    expectNoEffect();
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
    await node.start({ delayMs: 120 });
    link = await node.connect();
    await node.run(link, node.actionOrder());
    const steps = link.messages.flatMap((message) => (message.t === 'progress' ? [message] : []));
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.at(-1)).toMatchObject({ done: 2, total: 3 });
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
