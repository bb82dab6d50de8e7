import { createHmac, randomUUID, sign } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createKeyPair, encodeLocalFrame, loadKeyPair, signReceipt, type KeyPair } from '@hauban/link';
import { LIMITS, LOCAL_KINDS, ORDER_TYPE, type ActionOrder, type Receipt } from '@hauban/shared/protocol';
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
