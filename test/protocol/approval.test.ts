import { createHash, randomUUID } from 'node:crypto';
import { approvalChallenge } from '@hauban/link';
import {
  approvalStatement,
  type ActionOrder,
  type Assertion,
  type Bundle,
  type Receipt,
} from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approveOrder,
  createPerson,
  firstBundle,
  nextBundle,
  sealBundle,
  type Person,
} from '../support/approving-people.ts';
import {
  AUTHORITY_KID,
  createExecutorNode,
  OPEN_POLICY,
  type ExecutorNode,
  type LinkSide,
} from '../support/executor-harness.ts';

let node: ExecutorNode;
let link: LinkSide;
let ada: Person;
let bo: Person;
let cy: Person;
let first: Bundle;

beforeEach(async () => {
  node = await createExecutorNode();
  node.writePolicy(OPEN_POLICY.replace('["root"]', '["root", "daemon"]'));
  await node.start();
  link = await node.connect();
  ada = createPerson('Ada', true);
  bo = createPerson('Bo', true, -8);
  cy = createPerson('Cy', false, -257);
  first = firstBundle(node.controllerId, [ada, bo, cy], { needs: { high: 2, rootShell: 2, shell: 1 } });
  await hold(first);
});
afterEach(async () => {
  link.close();
  await node.cleanUp();
});

async function hold(bundle: Bundle, approvers: readonly Person[] = []): Promise<void> {
  link.send({
    t: 'bundles',
    items: [await sealBundle(bundle, { authority: node.authority, kid: AUTHORITY_KID }, approvers)],
  });
  await link.next('facts', (facts) => facts.bundle === bundle.version);
}

async function restart(): Promise<void> {
  link.close();
  await node.kill();
  await node.start();
  link = await node.connect();
}

const risky = (change: Partial<ActionOrder> = {}): ActionOrder =>
  node.actionOrder({ action: 'files.write-risky', ...change });

const refused = (code: string): object => expect.objectContaining({ outcome: 'refused', code }) as object;

async function expectRefused(order: Parameters<ExecutorNode['run']>[1], code: string): Promise<Receipt> {
  const before = node.effects();
  const receipt = await node.run(link, order);
  expect(receipt).toEqual(refused(code));
  expect(receipt.detail.length).toBeGreaterThan(10);
  expect(node.effects()).toEqual(before);
  expect(link.messages.some((message) => message.t === 'taken' && message.order === order.id)).toBe(false);
  return receipt;
}

const otherPolicy = (needs: Bundle['needs']): Bundle => nextBundle(first, { needs });

describe('APPROVE1 how many approvals an order needs', () => {
  it('APPROVE1 an action of high risk: two different operators, of any kind of key', async () => {
    expect(await node.run(link, approveOrder(risky(), [cy, ada]))).toMatchObject({ outcome: 'succeeded' });
    expect(node.effects()).toHaveLength(3);
    expect(await node.run(link, approveOrder(risky(), [ada, bo, cy]))).toMatchObject({ outcome: 'unchanged' });
  });

  it('APPROVE1 approvals stripped', async () => {
    const order = approveOrder(risky(), [ada, bo]);
    await expectRefused({ ...order, approvals: [], approved: null }, 'APPROVAL_MISSING');
    await expectRefused({ ...order, id: randomUUID(), approvals: [] }, 'APPROVAL_TARGETS');
  });

  it('APPROVE1 too few: an insider with one of two approvals', async () => {
    await expectRefused(approveOrder(risky(), [ada]), 'APPROVAL_MISSING');
  });

  it('APPROVE1 one operator twice, with one key and with two', async () => {
    await expectRefused(approveOrder(risky(), [ada, ada]), 'APPROVAL_REPEATED');
    const spare = createPerson('Ada', true);
    const both = { ...ada.operator, credentials: [ada.passkey.credential, spare.passkey.credential] };
    await hold(nextBundle(first, { operators: [both, bo.operator] }), [ada, bo]);
    const order = approveOrder(risky(), [ada]);
    const statement = approvalStatement(order);
    if (statement === null) throw new Error('no statement');
    const second = spare.passkey.approve(ada.operator.id, approvalChallenge(statement));
    await expectRefused({ ...order, approvals: [...order.approvals, second] }, 'APPROVAL_REPEATED');
  });

  it('APPROVE1 a plan, and an action of low risk, need none', async () => {
    expect(await node.run(link, risky({ mode: 'plan' }))).toMatchObject({ outcome: 'succeeded' });
    expect(await node.run(link, node.actionOrder())).toMatchObject({ outcome: 'succeeded' });
  });

  it('APPROVE1 a shell as root, and any other shell', async () => {
    await expectRefused(node.shellOrder(), 'APPROVAL_MISSING');
    await expectRefused(approveOrder(node.shellOrder(), [ada]), 'APPROVAL_MISSING');
    await expectRefused(node.shellOrder({ user: 'daemon' }), 'APPROVAL_MISSING');
    const refusal = link.messages.filter((message) => message.t === 'shell.refused');
    expect(refusal).toHaveLength(3);
    const permit = approveOrder(node.shellOrder(), [ada, bo]);
    expect(await node.run(link, permit)).toMatchObject({ outcome: 'succeeded' });
    await link.next('shell.started', ({ session }) => session === permit.session);
  });

  it('APPROVE1 other user in shell: an approval for a user does not open one for root', async () => {
    const permit = approveOrder(node.shellOrder({ user: 'daemon' }), [ada, bo]);
    await expectRefused({ ...permit, user: 'root' }, 'APPROVAL_CHALLENGE');
  });

  it('APPROVE1 a node without a bundle asks for none', async () => {
    const other = await createExecutorNode();
    try {
      await other.start();
      const side = await other.connect();
      const order = other.actionOrder({ action: 'files.write-risky' });
      expect(await other.run(side, order)).toMatchObject({ outcome: 'succeeded' });
      side.close();
    } finally {
      await other.cleanUp();
    }
  });

  it('APPROVE1 a bundle of another controller, left by an earlier enrolment, is none', async () => {
    link.close();
    await node.kill();
    const { config } = node;
    Object.assign(config, { controllerId: randomUUID() });
    await node.start();
    link = await node.connect();
    link.send({ t: 'sync' });
    expect((await link.next('facts')).bundle).toBe(0);
    expect(await node.run(link, risky())).toMatchObject({ outcome: 'succeeded' });
  });

  it('APPROVE1 what the newer bundle asks for counts at once, also while an order waits for its lock', async () => {
    await node.stop();
    await node.start({ delayMs: 200 });
    link = await node.connect();
    const running = node.run(link, node.actionOrder());
    await link.next('progress');
    const waiting = approveOrder(risky(), [ada, bo]);
    const late = node.run(link, waiting);
    await link.next('taken', (message) => message.order === waiting.id);
    await hold(otherPolicy({ high: 3, rootShell: 2, shell: 1 }), [ada, bo]);
    expect(await running).toMatchObject({ outcome: 'succeeded' });
    expect(await late).toEqual(refused('APPROVAL_MISSING'));
  });

  it('APPROVE1 operator removed in the newer bundle that came just before the order', async () => {
    const order = approveOrder(risky(), [ada, cy]);
    const without = nextBundle(first, { operators: [ada.operator, bo.operator] });
    const signed = await sealBundle(without, { authority: node.authority, kid: AUTHORITY_KID }, [ada, bo]);
    const jws = await node.sign(order);
    link.send({ t: 'bundles', items: [signed] });
    link.send({ t: 'order', jws });
    const { jws: receipt } = await link.next('receipt');
    expect(await node.readReceipt(receipt)).toEqual(refused('APPROVAL_OPERATOR'));
    expect(node.effects()).toEqual([]);
  });
});

describe('APPROVE2 what an approval is about', () => {
  it.each([
    ['args altered', (): Partial<ActionOrder> => ({ args: { set: 'b', count: 1, content: 'x' } })],
    ['another reason', (): Partial<ActionOrder> => ({ reason: 'harmless' })],
    ['another plan', (): Partial<ActionOrder> => ({ planHash: 'a'.repeat(64) })],
    ['a longer life', (): Partial<ActionOrder> => ({ exp: Date.now() + 3_600_000 })],
  ])('APPROVE2 %s', async (_attack, change) => {
    await expectRefused({ ...approveOrder(risky(), [ada, bo]), ...change() }, 'APPROVAL_CHALLENGE');
  });

  it('APPROVE2 another action: an approval of something small', async () => {
    const small = approveOrder(node.actionOrder(), [ada, bo]);
    await expectRefused({ ...small, action: 'files.write-risky' }, 'APPROVAL_CHALLENGE');
  });

  it('APPROVE2 another controller that the same people approve for', async () => {
    await expectRefused(approveOrder(risky({ iss: randomUUID() }), [ada, bo]), 'APPROVAL_CONTROLLER');
    const order = approveOrder(risky({ iss: randomUUID() }), [ada, bo]);
    await expectRefused({ ...order, iss: node.controllerId }, 'APPROVAL_CHALLENGE');
  });

  it('APPROVE2 assertion for another challenge: a sign-in', async () => {
    const challenge = createHash('sha256').update('sign in').digest();
    await expectRefused(approveOrder(risky(), [ada, bo], {}, { challenge }), 'APPROVAL_CHALLENGE');
  });

  it.each([
    ['another origin', { origin: 'https://fleet.example.evil' }, 'APPROVAL_ORIGIN'],
    ['the origin without TLS', { origin: 'http://fleet.example' }, 'APPROVAL_ORIGIN'],
    ['another relying party', { rpId: 'evil.example' }, 'APPROVAL_ORIGIN'],
    ['a frame of another site', { crossOrigin: true }, 'APPROVAL_ORIGIN'],
    ['no PIN or finger (UV)', { flags: 1 }, 'APPROVAL_PRESENCE'],
    ['no touch (UP)', { flags: 4 }, 'APPROVAL_PRESENCE'],
    ['the making of a key', { type: 'webauthn.create' }, 'APPROVAL_MALFORMED'],
  ])('APPROVE2 assertion with %s', async (_attack, change, code) => {
    await expectRefused(approveOrder(risky(), [ada, bo], {}, change), code);
  });

  it('APPROVE2 signature altered in each of its bytes', async () => {
    for (const person of [ada, bo, cy]) {
      const order = approveOrder(risky(), person === bo ? [bo, ada] : [person, bo]);
      const [mine, other] = order.approvals as [Assertion, Assertion];
      const bytes = Buffer.from(mine.signature, 'base64url');
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 8)) {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ 1;
        const approvals = [{ ...mine, signature: altered.toString('base64url') }, other];
        await expectRefused({ ...order, id: randomUUID(), approvals }, 'APPROVAL_SIGNATURE');
      }
    }
  });

  it('APPROVE2 authenticator data altered after the signature', async () => {
    const order = approveOrder(risky(), [ada, bo], {}, { flags: 1 });
    const approvals = order.approvals.map((one) => {
      const data = Buffer.from(one.authenticatorData, 'base64url');
      data[32] = 5;
      return { ...one, authenticatorData: data.toString('base64url') };
    });
    await expectRefused({ ...order, approvals }, 'APPROVAL_SIGNATURE');
  });

  it('APPROVE2 credential not in the bundle, and one of somebody else', async () => {
    const stranger = createPerson('Eve', true);
    const asAda = { ...stranger, operator: ada.operator };
    asAda.approve = (challenge, change) => stranger.passkey.approve(ada.operator.id, challenge, change);
    await expectRefused(approveOrder(risky(), [asAda, bo]), 'APPROVAL_CREDENTIAL');
    await expectRefused(approveOrder(risky(), [stranger, bo]), 'APPROVAL_OPERATOR');
    const order = approveOrder(risky(), [bo, cy]);
    const approvals = order.approvals.map((one) => ({ ...one, operator: ada.operator.id }));
    await expectRefused({ ...order, approvals }, 'APPROVAL_CREDENTIAL');
    const named = approveOrder(risky(), [asAda, bo]);
    const [mine, other] = named.approvals as [Assertion, Assertion];
    const claimed = { ...mine, credential: ada.passkey.credential.id };
    await expectRefused({ ...named, approvals: [claimed, other] }, 'APPROVAL_SIGNATURE');
  });

  it('APPROVE2 bytes that are no assertion', async () => {
    const order = approveOrder(risky(), [ada, bo]);
    const [mine, other] = order.approvals as [Assertion, Assertion];
    for (const change of [{ authenticatorData: 'AAAA' }, { clientDataJSON: 'AAAA' }, { signature: 'AB' }])
      await expectRefused(
        { ...order, id: randomUUID(), approvals: [{ ...mine, ...change }, other] },
        'APPROVAL_MALFORMED',
      );
  });

  it('APPROVE2 expired', async () => {
    const now = Date.now();
    const order = approveOrder(risky({ iat: now - 20_000, exp: now - 1 }), [ada, bo]);
    expect(await node.run(link, order)).toMatchObject({ outcome: 'expired', code: 'ORDER_EXPIRED' });
    await expectRefused({ ...order, id: randomUUID(), iat: now, exp: now + 60_000 }, 'APPROVAL_CHALLENGE');
    expect(node.effects()).toEqual([]);
  });
});

describe('APPROVE3 for which nodes', () => {
  it('APPROVE3 one approval for many nodes counts on each that it names', async () => {
    const targets = [node.nodeId, randomUUID(), randomUUID()].sort();
    expect(await node.run(link, approveOrder(risky(), [ada, bo], { targets }))).toMatchObject({ outcome: 'succeeded' });
  });

  it('APPROVE3 order re-targeted: approved for another node', async () => {
    const order = approveOrder(risky(), [ada, bo], { targets: [randomUUID()] });
    await expectRefused(order, 'APPROVAL_TARGETS');
    if (order.approved === null) throw new Error('not approved');
    const approved = { ...order.approved, targets: [node.nodeId] };
    await expectRefused({ ...order, id: randomUUID(), approved }, 'APPROVAL_CHALLENGE');
  });

  it('APPROVE3 targets out of order, twice, or none', async () => {
    const other = randomUUID();
    const descending = [node.nodeId, other].sort().toReversed();
    for (const targets of [descending, [node.nodeId, node.nodeId], []])
      await expectRefused(approveOrder(risky(), [ada, bo], { targets }), 'APPROVAL_TARGETS');
  });

  it('APPROVE3 approved without approvals, and approvals without what they are for, of any order', async () => {
    const order = approveOrder(node.actionOrder(), [ada]);
    await expectRefused({ ...order, approvals: [] }, 'APPROVAL_TARGETS');
    await expectRefused({ ...order, id: randomUUID(), approved: null }, 'APPROVAL_TARGETS');
  });

  it('APPROVE3 another session than the approved one', async () => {
    await expectRefused(approveOrder(node.shellOrder(), [ada, bo], { run: randomUUID() }), 'APPROVAL_TARGETS');
    const permit = approveOrder(node.shellOrder(), [ada, bo]);
    await expectRefused({ ...permit, session: randomUUID() }, 'APPROVAL_TARGETS');
  });
});

describe('APPROVE4 an approval is used once', () => {
  it('APPROVE4 second order of an approved run, also after a restart', async () => {
    const order = approveOrder(risky(), [ada, bo]);
    expect(await node.run(link, order)).toMatchObject({ outcome: 'succeeded' });
    await expectRefused({ ...order, id: randomUUID() }, 'ORDER_REPLAYED');
    await restart();
    await expectRefused({ ...order, id: randomUUID() }, 'ORDER_REPLAYED');
    // After a start the journal is written anew: it must still know.
    await restart();
    await expectRefused({ ...order, id: randomUUID() }, 'ORDER_REPLAYED');
    expect(await node.run(link, order)).toMatchObject({ outcome: 'succeeded' });
    expect(node.effects()).toHaveLength(3);
  });

  it('APPROVE4 many orders of one run at once: one is taken', async () => {
    const order = approveOrder(risky({ args: { set: 'z', count: 1, content: 'once' } }), [ada, bo]);
    const orders = Array.from({ length: 20 }, () => ({ ...order, id: randomUUID() }));
    const receipts = await Promise.all(orders.map((one) => node.run(link, one)));
    expect(receipts.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(1);
    expect(receipts.filter(({ code }) => code === 'ORDER_REPLAYED')).toHaveLength(19);
    expect(node.effects()).toHaveLength(1);
  });

  it('APPROVE4 a refused order uses nothing up', async () => {
    const order = approveOrder(risky(), [ada, bo]);
    await expectRefused(
      { ...order, id: randomUUID(), args: { set: 'b', count: 1, content: 'x' } },
      'APPROVAL_CHALLENGE',
    );
    node.writePolicy('version = 1\n');
    await expectRefused({ ...order, id: randomUUID() }, 'POLICY_DENIED');
    node.writePolicy(OPEN_POLICY);
    expect(await node.run(link, order)).toMatchObject({ outcome: 'succeeded' });
  });

  it('APPROVE4 the same permit again opens no second shell', async () => {
    const permit = approveOrder(node.shellOrder(), [ada, bo]);
    expect(await node.run(link, permit)).toMatchObject({ outcome: 'succeeded' });
    await expectRefused({ ...permit, id: randomUUID() }, 'ORDER_REPLAYED');
    await restart();
    await expectRefused({ ...permit, id: randomUUID() }, 'ORDER_REPLAYED');
  });
});

describe('APPROVE5 who asks does not approve too, where the bundle says so', () => {
  const by = ({ operator }: Person): ActionOrder['requester'] => ({
    id: operator.id,
    name: operator.name,
    via: 'page',
  });
  const others = (): Promise<void> =>
    hold(nextBundle(first, { needs: { high: 1, rootShell: 1, shell: 1 }, requesterMayApprove: false }), [ada, bo]);

  it('APPROVE5 who asked approves alone, or beside somebody else', async () => {
    await others();
    await expectRefused(approveOrder(risky({ requester: by(ada) }), [ada]), 'APPROVAL_SELF');
    await expectRefused(approveOrder(risky({ requester: by(ada) }), [bo, ada]), 'APPROVAL_SELF');
    await expectRefused(approveOrder(node.shellOrder({ requester: by(ada) }), [ada]), 'APPROVAL_SELF');
    expect(await node.run(link, approveOrder(risky({ requester: by(ada) }), [bo]))).toMatchObject({
      outcome: 'succeeded',
    });
  });

  it('APPROVE5 a requester made up, so that who asked is not known', async () => {
    await others();
    for (const id of [randomUUID(), 'system', ada.operator.name])
      await expectRefused(
        approveOrder(risky({ requester: { id, name: 'Ada', via: 'api' } }), [ada]),
        'REQUESTER_UNKNOWN',
      );
  });

  it('APPROVE5 another requester put in after the approval', async () => {
    await others();
    const order = approveOrder(risky({ requester: by(ada) }), [ada]);
    await expectRefused({ ...order, requester: by(bo) }, 'APPROVAL_CHALLENGE');
    const fair = approveOrder(risky({ requester: by(ada) }), [bo]);
    await expectRefused({ ...fair, id: randomUUID(), requester: by(cy) }, 'APPROVAL_CHALLENGE');
  });

  it('APPROVE5 a bundle without the field, and one with true, do not ask who asked', async () => {
    const needs = { high: 1, rootShell: 1, shell: 1 };
    const second = nextBundle(first, { needs });
    await hold(second, [ada, bo]);
    expect(await node.run(link, approveOrder(risky({ requester: by(ada) }), [ada]))).toMatchObject({
      outcome: 'succeeded',
    });
    await hold(nextBundle(second, { requesterMayApprove: true }), [ada, bo]);
    expect(await node.run(link, approveOrder(risky({ requester: by(ada) }), [ada]))).toMatchObject({
      outcome: 'unchanged',
    });
  });

  it('APPROVE5 what needs nobody’s approval is not asked about', async () => {
    await others();
    expect(
      await node.run(link, node.actionOrder({ requester: { id: 'system', name: 'system', via: 'system' } })),
    ).toMatchObject({ outcome: 'succeeded' });
  });
});
