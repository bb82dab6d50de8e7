import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, pinnedKeys, signOrder, verifyOrder } from '@hauban/link';
import type { AccessRule, ApprovalRow, RunDetail } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { fromBase64Url, type Assertion, type Order } from '@hauban/shared/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';
import type { FakeController } from '../../../../test/support/fake-controller.ts';
import { FakeNode } from '../../../../test/support/fake-node.ts';
import { coseOf, createSoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import type { SignerClient } from '../signer/index.ts';

// A rule of a role wants another person, and there is no policy bundle: the controller alone asks for that person. With one,
// the signer asks as well (signed-roles.test.ts). The tests of this file are one story and run in its order.
const PASSWORD = 'correct horse battery';
const authority = createKeyPair();
const kid = keyThumbprint(authority.publicText) ?? '';
const key = createSoftwarePasskey({ rpId: 'localhost', origin: 'http://localhost:7460' });
const nodeKey = createKeyPair();
let isAway = false;
let world: ControllerWorld;
let node: string;
/** Sessions. */
let jun: string;
let peer: string;
let mel: string;
let cat: string;
let bob: string;

const rule = (name: string, what: string[], how: Partial<AccessRule['how']> = {}): AccessRule => ({
  name,
  what,
  where: 'everywhere',
  how: { runAs: ['*'], needsApproval: false, window: null, ...how },
});
const putRole = (name: string, rules: AccessRule[]) =>
  world.call('PUT', `/api/roles/${name}`, { session: world.owner, body: { rules } });
const junior = (how: Partial<AccessRule['how']> = {}): AccessRule[] => [
  rule('sees', ['read']),
  rule('asks first', ['action:node.*', 'shell', 'edit-node'], { needsApproval: true, ...how }),
];

beforeAll(async () => {
  world = await createControllerWorld({
    signer: {
      sign: (order: Order) =>
        isAway ? Promise.reject(new HaubanError('UNAVAILABLE', 'away')) : signOrder(order, authority, kid),
      keys: async () => ({ authorityKeys: [{ kid, key: authority.publicText }], authoritySteps: [] }),
      bundle: async () => null,
      step: async () => null,
      leave: async () => undefined,
      close: () => undefined,
    } as unknown as SignerClient,
  });
  await putRole('junior', junior());
  await putRole('mailer', [rule('mail', ['read', 'action:mail.*', 'shell'], { runAs: ['mail'] })]);
  [jun, peer] = [await world.addPerson('jun', 'junior'), await world.addPerson('peer', 'junior')];
  [mel, cat, bob] = [
    await world.addPerson('mel', 'mailer'),
    await world.addPerson('cat', 'junior'),
    await world.addPerson('bob', 'operator'),
  ];
  node = await world.addNode({}, nodeKey.publicText);
});
afterAll(() => world.stop());

interface Reply<T = { readonly code?: string; readonly detail?: string }> {
  readonly status: number;
  readonly body: T & { readonly code?: string; readonly detail?: string };
}
async function ask<T>(session: string, method: string, url: string, body?: object): Promise<Reply<T>> {
  const reply = await world.call(method, url, { session, ...(body === undefined ? {} : { body }) });
  return { status: reply.statusCode, body: reply.json() };
}
const run = async (session: string, more: object = {}): Promise<string> => {
  const wanted = { action: 'node.ping', args: {}, nodes: [node], mode: 'apply', ...more };
  const { body, status } = await ask<RunDetail>(session, 'POST', '/api/runs', wanted);
  expect(status).toBe(200);
  return body.id;
};
const runOf = async (id: string): Promise<RunDetail> =>
  (await ask<RunDetail>(world.owner, 'GET', `/api/runs/${id}`)).body;
const rowOf = async (session: string, id: string): Promise<ApprovalRow | undefined> =>
  (await ask<ApprovalRow[]>(session, 'GET', '/api/approvals')).body.find((row) => row.id === id);
const approve = (session: string, id: string, answer: object = { password: PASSWORD }): Promise<Reply> =>
  ask(session, 'POST', `/api/approvals/${id}`, answer);
const isSigned = async (id: string): Promise<boolean> => {
  await world.controller.services.signing.work();
  return (
    (await world.fixture.sql`SELECT 1 AS one FROM run_target WHERE run_id = ${id} AND jws IS NOT NULL`).length === 1
  );
};
/** Another part of the controller may be signing it at this moment. */
const becomesSigned = (id: string): Promise<void> =>
  vi.waitFor(async () => expect(await isSigned(id)).toBe(true), { timeout: 20_000 });
const codesOf = async (id: string): Promise<string[]> =>
  (await world.fixture.sql`SELECT code FROM audit_entry WHERE detail::text LIKE ${`%${id}%`} ORDER BY seq`).map((row) =>
    String(row['code']),
  );

describe('a run that a role wants another person for', () => {
  it('waits unsigned for somebody else who may do it too, and goes on then by itself', async () => {
    const id = await run(jun);
    expect((await runOf(id)).targets[0]).toMatchObject({
      state: 'queued',
      detail: 'Waits for the approval of another person.',
    });
    expect(await isSigned(id)).toBe(false);
    expect(await rowOf(jun, id)).toMatchObject({ byAnother: true, needed: 1, mayApprove: false });
    expect(await rowOf(mel, id)).toMatchObject({ mayApprove: false });
    expect(await rowOf(bob, id)).toMatchObject({ mayApprove: true, byPassword: true });
    expect((await approve(bob, id)).body).toEqual({ state: 'approved', missing: 0 });
    await becomesSigned(id);
    expect(await codesOf(id)).toEqual(['A3000I', 'A7010I', 'A7011I', 'A3001I']);
  });

  it('own approval: not by who asked, whatever the proof', async () => {
    const id = await run(jun);
    expect((await approve(jun, id)).body).toMatchObject({ code: 'APPROVAL_SELF' });
    expect(await isSigned(id)).toBe(false);
    expect(await codesOf(id)).toContain('A7013W');
    // Two who need each other are four eyes.
    expect((await approve(peer, id)).body).toMatchObject({ state: 'approved' });
  });

  it('approver without the right: somebody who may not do it approves nothing and denies nothing', async () => {
    const id = await run(jun);
    expect((await approve(mel, id)).body).toMatchObject({ code: 'APPROVAL_OPERATOR' });
    expect((await ask(mel, 'POST', `/api/approvals/${id}/deny`, {})).body).toMatchObject({ code: 'FORBIDDEN' });
    expect(await isSigned(id)).toBe(false);
    expect((await ask(bob, 'POST', `/api/approvals/${id}/deny`, { reason: 'no' })).body).toMatchObject({
      state: 'denied',
    });
    expect((await runOf(id)).targets[0]).toMatchObject({ state: 'cancelled', code: 'APPROVAL_REFUSED' });
    expect((await approve(bob, id)).body).toMatchObject({ code: 'CONFLICT' });
  });

  it('a stolen session or token: without the password nothing is approved', async () => {
    const id = await run(jun);
    expect((await approve(bob, id, { password: 'wrong wrong wrong' })).body).toMatchObject({ code: 'SIGN_IN_REFUSED' });
    expect((await approve(bob, id, {})).body).toMatchObject({ code: 'BAD_REQUEST' });
    const { body } = await ask<{ secret: string }>(bob, 'POST', '/api/tokens', { name: 'stolen' });
    const byToken = { token: body.secret, body: { password: PASSWORD } };
    const reply = await world.call('POST', `/api/approvals/${id}`, byToken);
    expect(reply.json()).toMatchObject({ code: 'FORBIDDEN' });
    expect(await isSigned(id)).toBe(false);
  });

  it('replay: what was approved is used up, and the next one waits again', async () => {
    const id = await run(jun);
    await approve(bob, id);
    expect((await approve(bob, id)).body).toMatchObject({ code: 'CONFLICT' });
    expect((await approve(cat, id)).body).toMatchObject({ code: 'CONFLICT' });
    expect(await isSigned(await run(jun))).toBe(false);
  });

  it('after its time nobody approves it any more', async () => {
    const id = await run(jun);
    await world.fixture.sql`UPDATE approval_request SET expires_at = 1 WHERE id = ${id}`;
    expect((await approve(bob, id)).body).toMatchObject({ code: 'CONFLICT' });
    await world.controller.services.approvals.sweep();
    expect(await isSigned(id)).toBe(false);
    expect(await codesOf(id)).toContain('A7014W');
  });

  it('after the end of the window in which who asked may do it, an approval ends it', async () => {
    const id = await run(jun);
    await putRole('junior', junior({ window: { days: [], fromMinute: 0, toMinute: 1440 } }));
    expect((await approve(bob, id)).body).toMatchObject({ code: 'CONFLICT' });
    expect((await runOf(id)).targets[0]).toMatchObject({ state: 'cancelled', code: 'FORBIDDEN' });
    expect(await codesOf(id)).toContain('A7015W');
    await putRole('junior', junior());
    expect((await approve(bob, id)).body).toMatchObject({ code: 'CONFLICT' });
  });

  it('when the role of who asked was taken away meanwhile, an approval ends it', async () => {
    const id = await run(cat);
    const personId = await world.personId('cat');
    await ask(world.owner, 'PATCH', `/api/people/${personId}`, { role: 'viewer' });
    expect((await approve(bob, id)).body).toMatchObject({ code: 'CONFLICT' });
    expect(await isSigned(id)).toBe(false);
    expect((await runOf(id)).finishedAt).not.toBeNull();
  });

  it('when who approved is offboarded before it is signed, it waits again', async () => {
    const gone = await world.addPerson('gone', 'operator');
    const id = await run(jun);
    isAway = true;
    expect((await approve(gone, id)).body).toMatchObject({ state: 'approved' });
    await ask(world.owner, 'POST', `/api/people/${await world.personId('gone')}/offboard`, {});
    isAway = false;
    expect(await isSigned(id)).toBe(false);
    expect(await rowOf(bob, id)).toMatchObject({ approvedBy: [], mayApprove: true });
    await approve(bob, id);
    await becomesSigned(id);
  });

  it('a run in waves is approved once, and each wave is judged by who approved it', async () => {
    const id = await run(jun, { strategy: {} });
    expect((await approve(bob, id)).body).toMatchObject({ state: 'approved' });
    await world.controller.services.rollout.tick();
    await becomesSigned(id);
    const other = await run(jun, { strategy: {} });
    await ask(world.owner, 'POST', `/api/runs/${other}/pause`, {});
    await approve(bob, other);
    // Approved, and then rewritten as if who asked had approved it.
    const by = world.fixture.sql.json({ targets: [node], approvals: [], by: [await world.personId('jun')] });
    await world.fixture.sql`UPDATE run SET approval = ${by} WHERE id = ${other}`;
    await ask(world.owner, 'POST', `/api/runs/${other}/resume`, {});
    await world.controller.services.rollout.tick();
    await vi.waitFor(
      async () => expect((await runOf(other)).targets[0]).toMatchObject({ state: 'refused', code: 'FORBIDDEN' }),
      { timeout: 20_000 },
    );
  });

  it('a plan changes nothing and waits for nobody; what cannot wait is refused', async () => {
    await becomesSigned(await run(jun, { mode: 'plan' }));
    const change = await ask(jun, 'PATCH', `/api/nodes/${node}`, { labels: {} });
    expect(change.body).toMatchObject({ code: 'FORBIDDEN' });
    expect(change.body.detail).toContain('this cannot wait for one');
    const id = await run(jun);
    expect((await ask(jun, 'POST', `/api/runs/${id}/resume`, {})).body).toMatchObject({ code: 'FORBIDDEN' });
    expect((await ask(jun, 'POST', `/api/runs/${id}/cancel`, {})).status).toBe(200);
    await approve(bob, id);
    expect(await isSigned(id)).toBe(false);
  });
});

describe('with a passkey of the approver', () => {
  const answerOf = ({ credential, authenticatorData, clientDataJSON, signature }: Assertion) => ({
    passkey: { id: credential, type: 'public-key', response: { authenticatorData, clientDataJSON, signature } },
  });
  const touch = async (id: string): Promise<object> => {
    const { body } = await ask<{ challenge: string }>(bob, 'POST', `/api/approvals/${id}/options`, {});
    return answerOf(key.approve(await world.personId('bob'), fromBase64Url(body.challenge) ?? new Uint8Array()));
  };

  it('only the passkey approves, and an approval for another order is none of this one', async () => {
    await world.fixture.sql`INSERT INTO passkey (id, person_id, public_key, counter, transports, created_at)
      VALUES (${key.credential.id}, ${await world.personId('bob')}, ${coseOf(key)}, 0, '{}', 0)`;
    const [one, other] = [await run(jun), await run(jun)];
    expect(await rowOf(bob, one)).toMatchObject({ mayApprove: true, byPassword: false });
    expect((await approve(bob, one)).body).toMatchObject({ code: 'APPROVAL_MALFORMED' });
    const answer = await touch(one);
    expect((await approve(bob, other, answer)).body).toMatchObject({ code: 'APPROVAL_CHALLENGE' });
    expect((await approve(peer, one, answer)).body).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await isSigned(one)).toBe(false);
    expect((await approve(bob, one, answer)).body).toMatchObject({ state: 'approved' });
    await becomesSigned(one);
    expect(await isSigned(other)).toBe(false);
    await ask(jun, 'POST', `/api/runs/${other}/cancel`, {});
  });
});

describe('a shell that a role wants another person for', () => {
  const open = (session: string, user = 'web'): Promise<Reply> =>
    ask(session, 'POST', `/api/nodes/${node}/shells`, { user, columns: 80, rows: 24 });

  it('waits, opens once for who asked, and an approval of one is none of another', async () => {
    const url = `ws://127.0.0.1:${world.port}/link`;
    const { identity } = world.controller.services;
    // One link for both: a second one without the mark of the first would be a clone.
    const here = await FakeNode.up({ url, identity } as FakeController, { nodeId: node, key: nodeKey });
    const asked = await open(peer);
    expect(asked).toMatchObject({ status: 409, body: { code: 'APPROVAL_NEEDED' } });
    expect(asked.body.detail).toContain('waits for another person');
    const [row] = (await ask<ApprovalRow[]>(bob, 'GET', '/api/approvals')).body.filter(({ kind }) => kind === 'shell');
    const session = row?.id ?? randomUUID();
    expect((await approve(peer, session)).body).toMatchObject({ code: 'APPROVAL_SELF' });
    // Mel may open shells, and as another user.
    expect((await approve(mel, session)).body).toMatchObject({ code: 'APPROVAL_OPERATOR' });
    expect((await approve(jun, session)).body).toMatchObject({ state: 'approved' });
    expect((await open(peer, 'root')).body).toMatchObject({ code: 'APPROVAL_NEEDED' });
    expect((await open(jun)).body).toMatchObject({ code: 'APPROVAL_NEEDED' });
    const opening = open(peer);
    const { jws } = await nextShell(here);
    const keys = pinnedKeys([{ kid, key: authority.publicText }]);
    expect(await verifyOrder(jws, keys)).toMatchObject({
      ok: true,
      value: { kind: 'shell', session, user: 'web', approvals: [], approved: null },
    });
    here.say({ t: 'shell.opened', session } as never);
    expect(await opening).toMatchObject({ status: 200, body: { sessionId: session } });
    expect((await open(peer)).body).toMatchObject({ code: 'APPROVAL_NEEDED' });
  });

  it('an approval without another person, from before the role wanted one, opens nothing', async () => {
    const [row] = (await ask<ApprovalRow[]>(bob, 'GET', '/api/approvals')).body.filter(
      ({ kind, requester }) => kind === 'shell' && requester === 'jun',
    );
    const session = row?.id ?? randomUUID();
    await world.fixture.sql`UPDATE approval_request SET by_another = false, state = 'approved' WHERE id = ${session}`;
    expect((await open(jun)).body).toMatchObject({ code: 'APPROVAL_NEEDED' });
  });
});

async function nextShell(from: FakeNode): Promise<{ readonly jws: string }> {
  const keys = pinnedKeys([{ kid, key: authority.publicText }]);
  for (;;) {
    const message = await from.control('order');
    const order = await verifyOrder(message.jws, keys);
    if (order.ok && order.value.kind === 'shell') return message;
  }
}
