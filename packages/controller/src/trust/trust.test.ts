import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  approvalChallenge,
  createKeyPair,
  pinnedKeys,
  systemClock,
  verifyApprovals,
  verifyNextBundle,
  verifyOrder,
} from '@hauban/link';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import type { ApprovalRow, Offboarded, RunDetail, TrustState } from '@hauban/shared/api';
import { fromBase64Url, type ApprovalStatement, type Assertion, type Bundle } from '@hauban/shared/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FakeController } from '../../../../test/support/fake-controller.ts';
import { FakeNode, STATUS } from '../../../../test/support/fake-node.ts';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { coseOf, createSoftwarePasskey, type SoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import { createMemoryRing } from '../../../../test/support/memory-ring.ts';
import { createController, type Controller } from '../app.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createControllerIdentityRepository } from '../enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../enrolment/controller-identity.service.ts';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, runSigner, type SignerClient } from '../signer/index.ts';

// The whole way with real parts: PostgreSQL, the signer on its socket, the gateway, passkeys in software. The tests of
// this file are one story and run in its order.
const PASSWORD = 'correct horse battery';
const publicUrl = new URL('http://localhost:7460');
const { origin } = publicUrl;
const site = { rpId: 'localhost', origin };
/** No action of the catalogue is dangerous yet: this one says that it is. */
const ping = ACTIONS.get('node.ping') as ActionDefinition;
(ACTIONS as Map<string, ActionDefinition>).set('node.danger', { ...ping, name: 'node.danger', risk: 'high' });

type Name = 'ann' | 'bob' | 'cid' | 'dan';
interface Person {
  readonly id: string;
  readonly key: SoftwarePasskey;
  cookie: string;
}
const people = {} as Record<Name, Person>;
const nodeKey = createKeyPair();
const nodeId = randomUUID();
const otherNode = randomUUID();

let folder: string;
let fixture: TestDatabase;
let database: Database;
let signer: SignerClient;
let stopSigner: () => Promise<void>;
let controller: Controller;
const linkKey = 'k';
let identity: Awaited<ReturnType<typeof loadControllerIdentity>>;
let port: number;
/** One link for the whole story: a second one without the mark of the first would be a clone. */
let node: FakeNode;

const settings = () => ({
  socketPath: join(folder, 'signer.sock'),
  keyDir: join(folder, 'keys'),
  passphrase: { credential: null, file: null },
});
async function startSigner(): Promise<void> {
  const running = await runSigner(settings(), systemClock, createLog('silent'));
  stopSigner = () => running.stop();
}
async function startController(): Promise<void> {
  controller = await createController({
    webhooks: { ring: createMemoryRing() },
    database,
    identity,
    signer,
    log: createLog('silent'),
    publicUrl,
    tls: null,
    uiDir: null,
    trustedProxies: [],
    version: '0.0.0',
    attemptsPerMinute: 1000,
  });
  port = await controller.start('127.0.0.1', 0);
}

interface Reply<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T & { readonly code?: string; readonly detail?: string };
}
async function ask<T>(who: Name, method: 'GET' | 'POST', url: string, payload: object = {}): Promise<Reply<T>> {
  const reply = await controller.app.server.inject({
    method,
    url,
    headers: { origin, cookie: `hauban-session=${people[who].cookie}` },
    ...(method === 'POST' ? { payload } : {}),
  });
  return { status: reply.statusCode, body: reply.json() };
}
const get = <T>(who: Name, url: string): Promise<Reply<T>> => ask<T>(who, 'GET', url);
const post = <T>(who: Name, url: string, payload: object = {}): Promise<Reply<T>> => ask<T>(who, 'POST', url, payload);

const addPasskey = (who: Name): Promise<unknown> =>
  fixture.sql`INSERT INTO passkey (id, person_id, public_key, counter, transports, created_at)
    VALUES (${people[who].key.credential.id}, ${people[who].id}, ${coseOf(people[who].key)}, 0, '{}', 0)`;

/** What the browser gives back. */
const asAnswer = ({ credential, authenticatorData, clientDataJSON, signature }: Assertion) => ({
  id: credential,
  type: 'public-key',
  response: { authenticatorData, clientDataJSON, signature },
});
async function touch(who: Name, optionsUrl: string, key: Name = who): Promise<object> {
  const { body } = await post<{ challenge: string; rpId: string }>(who, optionsUrl);
  expect(body.rpId).toBe('localhost');
  return asAnswer(people[key].key.approve(people[key].id, fromBase64Url(body.challenge) ?? new Uint8Array()));
}
async function approveDraft(who: Name): Promise<Reply<TrustState>> {
  const hash = (await get<TrustState>(who, '/api/trust')).body.draft?.bundle.hash ?? '';
  return post<TrustState>(who, '/api/trust/approve', { hash, passkey: await touch(who, '/api/trust/options') });
}
const approveRequest = async (who: Name, id: string): Promise<Reply> =>
  post(who, `/api/approvals/${id}`, { passkey: await touch(who, `/api/approvals/${id}/options`) });
const bundleInForce = (): Bundle => {
  const { current } = controller.services.bundles;
  if (current === null) throw new Error('there is no bundle in force');
  return current;
};
const run = (who: Name, more: object = {}): Promise<Reply<RunDetail>> =>
  post<RunDetail>(who, '/api/runs', { action: 'node.danger', args: {}, nodes: [nodeId], mode: 'apply', ...more });
const runOf = async (id: string): Promise<RunDetail> => (await get<RunDetail>('ann', `/api/runs/${id}`)).body;
const jwsOf = async (runId: string): Promise<string[]> =>
  (await fixture.sql`SELECT jws FROM run_target WHERE run_id = ${runId} AND jws IS NOT NULL ORDER BY node_id`).map(
    (row) => row['jws'] as string,
  );
const codesOf = async (text: string): Promise<string[]> =>
  (await fixture.sql`SELECT code FROM audit_entry WHERE detail::text LIKE ${`%${text}%`} ORDER BY seq`).map(
    (row) => row['code'] as string,
  );

async function addPeople(): Promise<void> {
  const token = await controller.services.setup.makeToken();
  const { server } = controller.app;
  await server.inject({
    method: 'POST',
    url: '/api/setup',
    headers: { origin },
    payload: { token, name: 'ann', password: PASSWORD },
  });
  const roles = { ann: 'owner', bob: 'owner', cid: 'operator', dan: 'operator' } as const;
  for (const name of Object.keys(roles) as Name[]) {
    if (name !== 'ann')
      await fixture.sql`INSERT INTO person (id, name, role, password_hash, created_at)
        SELECT ${randomUUID()}, ${name}, ${roles[name]}, password_hash, 0 FROM person WHERE name = 'ann'`;
    const reply = await server.inject({
      method: 'POST',
      url: '/api/sign-in',
      headers: { origin },
      payload: { name, password: PASSWORD },
    });
    const cookie = reply.cookies.find((one) => one.name === 'hauban-session')?.value ?? '';
    people[name] = { id: reply.json<{ id: string }>().id, key: createSoftwarePasskey(site), cookie };
  }
}

async function addNodes(): Promise<void> {
  const tokenId = randomUUID();
  await fixture.sql`INSERT INTO join_token VALUES (${tokenId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  for (const [id, name, key] of [
    [nodeId, 'web1', nodeKey.publicText],
    [otherNode, 'web2', 'k'],
  ] as const)
    await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
      VALUES (${id}, ${name}, ${key}, ${key}, ${tokenId}, '{}', '{web}', 0, 'Debian', '1')`;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-trust-'));
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  identity = await loadControllerIdentity(createControllerIdentityRepository(database), createKeyPair(), systemClock);
  await startSigner();
  signer = createSignerClient(settings().socketPath, systemClock);
  await startController();
  await addPeople();
  await addNodes();
});
afterAll(async () => {
  await controller.stop();
  signer.close();
  await stopSigner();
  await database.close();
  await fixture.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** The node's end of a real link to this controller. */
const connectNode = (): Promise<FakeNode> =>
  FakeNode.connect({ url: `ws://127.0.0.1:${port}/link`, identity } as FakeController, { nodeId, key: nodeKey });

describe('without a policy bundle', () => {
  it('everything works as before, and what is missing is said in plain words', async () => {
    const { body } = await get<TrustState>('cid', '/api/trust');
    expect(body).toMatchObject({ current: null, draft: null });
    expect(body.missing.join(' ')).toContain('There is no policy bundle');
    expect(body.missing.join(' ')).toContain('No owner has a passkey: nobody can approve');
    const { body: free } = await run('cid');
    expect(free.counts).toEqual({ queued: 1 });
    expect(await jwsOf(free.id)).toHaveLength(1);
    expect((await get<ApprovalRow[]>('cid', '/api/approvals')).body).toEqual([]);
  });

  it('an operator drafts none, and owners without passkeys would lock themselves out', async () => {
    expect((await post('cid', '/api/trust/draft')).status).toBe(403);
    const { body } = await post('ann', '/api/trust/draft', { quorum: 2 });
    expect(body).toMatchObject({ code: 'BUNDLE_UNUSABLE' });
    expect(body.detail).toContain('only 0 of them have a passkey');
    expect((await post('ann', '/api/trust/options')).status).toBe(404);
  });
});

const PIN = { name: 'disk', hash: 'd'.repeat(64), allowRoot: false };

describe('the first policy bundle', () => {
  it('is in force when its owners have touched their keys, and reaches the node over its link', async () => {
    await addPasskey('ann');
    await addPasskey('bob');
    await addPasskey('cid');
    node = await connectNode();
    await node.control('ready');
    node.say(STATUS);
    await vi.waitFor(async () =>
      expect((await get<TrustState>('ann', '/api/trust')).body.nodes[0]).toMatchObject({ saidAt: expect.any(Number) }),
    );
    await post('ann', '/api/trust/draft', {
      quorum: 2,
      needs: { high: 2, rootShell: 1, shell: 0 },
      requesterMayApprove: true,
      custom: [PIN],
    });
    expect((await approveDraft('ann')).body).toMatchObject({ current: null, draft: { approvedBy: ['ann'] } });
    // The signer is away at the moment of the last approval: once more, when it is back.
    await stopSigner();
    expect((await approveDraft('bob')).body).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await get<TrustState>('ann', '/api/trust')).body.current).toBeNull();
    await startSigner();
    const { body } = await approveDraft('bob');
    expect(body).toMatchObject({ draft: null, current: { version: 1, quorum: 2 } });
    const { items } = await node.control('bundles');
    const trust = {
      authorityKeys: pinnedKeys((await signer.keys()).authorityKeys),
      controllerId: identity.controllerId,
    };
    expect(items).toHaveLength(1);
    const [item] = items;
    expect(item && 'jws' in item && (await verifyNextBundle(item, null, trust))).toMatchObject({
      ok: true,
      isNew: true,
    });
    node.say({ ...STATUS, bundle: 1 });
    await vi.waitFor(async () =>
      expect((await get<TrustState>('ann', '/api/trust')).body.nodes[0]).toMatchObject({
        hostName: 'node.test',
        version: 1,
      }),
    );
  });

  it('is sent after the status of a node that has none, and not to one that has it', async () => {
    node.say(STATUS);
    expect((await node.control('bundles')).items).toHaveLength(1);
    node.say({ ...STATUS, bundle: 1 });
    expect(await controller.services.bundles.nodeStatus(nodeId, { version: 1, authority: 1, linkKey })).toEqual({
      items: [],
      isAll: true,
    });
  });

  it('says who is not in it and which nodes lack it', async () => {
    await fixture.sql`INSERT INTO person (id, name, role, created_at) VALUES (${randomUUID()}, 'new', 'operator', 0)`;
    const { missing } = (await get<TrustState>('ann', '/api/trust')).body;
    expect(missing.join(' ')).toContain('does not list new');
    expect(missing.join(' ')).toContain('do not hold the newest policy bundle yet');
  });
});

describe('a dangerous run', () => {
  it('waits unsigned for two people, is shown to them in words, and carries their approvals then', async () => {
    const { body: waiting } = await run('cid', { nodes: [nodeId, otherNode], reason: 'because' });
    expect(waiting.targets.map(({ state, detail }) => [state, detail])).toEqual(
      [1, 2].map(() => ['queued', 'Waits for the approval of 2 people.']),
    );
    const [row] = (await get<ApprovalRow[]>('ann', '/api/approvals')).body;
    expect(row).toMatchObject({ id: waiting.id, kind: 'run', requester: 'cid', needed: 2, mayApprove: true });
    expect(row?.words.join('\n')).toContain('node.danger');
    expect(row?.words.join('\n')).toMatch(/On 2 nodes: .*web2/);
    expect(row?.words).toContain('Reason: because');
    expect((await approveRequest('ann', waiting.id)).body).toEqual({ state: 'waiting', missing: 1 });
    await controller.services.signing.work();
    expect(await jwsOf(waiting.id)).toEqual([]);
    expect((await approveRequest('cid', waiting.id)).body).toEqual({ state: 'approved', missing: 0 });
    await vi.waitFor(async () => expect(await jwsOf(waiting.id)).toHaveLength(2));
    for (const jws of await jwsOf(waiting.id)) {
      const order = await verifyOrder(jws, pinnedKeys((await signer.keys()).authorityKeys));
      if (!order.ok) throw new Error(order.detail);
      expect(verifyApprovals(order.value, bundleInForce(), 2, order.value.aud)).toMatchObject({ ok: true });
    }
    expect((await runOf(waiting.id)).targets.every(({ detail }) => detail === '')).toBe(true);
    expect(await codesOf(waiting.id)).toEqual(['A3000I', 'A7010I', 'A7011I', 'A7011I', 'A3001I', 'A3001I']);
  });

  it('that is only planned needs nobody', async () => {
    const { body } = await run('cid', { mode: 'plan' });
    expect(await jwsOf(body.id)).toHaveLength(1);
  });

  it('an insider with one of two approvals cannot give the second: not twice, not in another name, not by a borrowed key', async () => {
    const { id } = (await run('ann')).body;
    await approveRequest('ann', id);
    const url = `/api/approvals/${id}`;
    const again = await touch('ann', `${url}/options`);
    expect((await post('ann', url, { passkey: again })).body).toMatchObject({ code: 'APPROVAL_REPEATED' });
    // Ann's own key in bob's session, and bob's in dan's, who is in the bundle without one.
    expect((await post('bob', url, { passkey: again })).body).toMatchObject({ code: 'APPROVAL_CREDENTIAL' });
    const byBob = await touch('bob', `${url}/options`);
    expect((await post('dan', url, { passkey: byBob })).body).toMatchObject({ code: 'APPROVAL_CREDENTIAL' });
    expect((await post('dan', `${url}/options`)).body).toMatchObject({ code: 'APPROVAL_OPERATOR' });
    await controller.services.signing.work();
    expect(await jwsOf(id)).toEqual([]);
    expect(await codesOf(id)).toEqual(['A3000I', 'A7010I', 'A7011I', 'A7013W', 'A7013W']);
  });

  it('an approval for another run, and nonsense, are not accepted', async () => {
    const one = (await run('ann')).body.id;
    const other = (await run('ann', { reason: 'other' })).body.id;
    const passkey = await touch('bob', `/api/approvals/${one}/options`);
    expect((await post('bob', `/api/approvals/${other}`, { passkey })).body).toMatchObject({
      code: 'APPROVAL_CHALLENGE',
    });
    for (const nonsense of [null, 7, {}, { id: '<b>', response: {} }, { id: 'x', response: { signature: 1 } }])
      expect((await post('bob', `/api/approvals/${other}`, { passkey: nonsense })).body).toMatchObject({
        code: 'APPROVAL_MALFORMED',
      });
    expect((await post('bob', `/api/approvals/${randomUUID()}`, { passkey })).status).toBe(404);
  });

  it('whoever edits the database gets nothing signed: not by lowering the number, not by changing what was approved', async () => {
    const lowered = (await run('ann')).body.id;
    await fixture.sql`UPDATE approval_request SET needed = 1 WHERE id = ${lowered}`;
    expect((await approveRequest('ann', lowered)).body).toMatchObject({ state: 'approved' });
    const changed = (await run('ann')).body.id;
    await approveRequest('ann', changed);
    await fixture.sql`UPDATE run SET reason = 'another' WHERE id = ${changed}`;
    await approveRequest('bob', changed);
    const freed = (await run('ann')).body.id;
    await fixture.sql`UPDATE run SET needs_approval = false WHERE id = ${freed}`;
    controller.services.signing.wake();
    const wanted = [
      [lowered, 'APPROVAL_MISSING'],
      [changed, 'APPROVAL_CHALLENGE'],
      [freed, 'APPROVAL_MISSING'],
    ] as const;
    for (const [id, code] of wanted)
      await vi.waitFor(async () => expect((await runOf(id)).targets[0]).toMatchObject({ state: 'refused', code }), {
        timeout: 20_000,
      });
  });

  it('that somebody denies ends as cancelled, and can no longer be approved', async () => {
    const { id } = (await run('cid')).body;
    expect((await post('bob', `/api/approvals/${id}/deny`, { reason: 'not today' })).body).toMatchObject({
      state: 'denied',
    });
    expect((await runOf(id)).targets[0]).toMatchObject({ state: 'cancelled', code: 'APPROVAL_REFUSED' });
    expect((await runOf(id)).targets[0]?.detail).toBe('bob denied it: not today.');
    expect((await runOf(id)).finishedAt).not.toBeNull();
    expect((await post('ann', `/api/approvals/${id}/options`)).body).toMatchObject({ code: 'CONFLICT' });
    expect(await codesOf(id)).toContain('A7012W');
  });

  it('that nobody approves in time expires, and so does the request', async () => {
    const { id } = (await run('cid')).body;
    await fixture.sql`UPDATE run_target SET expires_at = 1 WHERE run_id = ${id}`;
    await fixture.sql`UPDATE approval_request SET expires_at = 1 WHERE id = ${id}`;
    await controller.services.expiry.sweep();
    await controller.services.approvals.sweep();
    expect((await runOf(id)).targets[0]).toMatchObject({ state: 'expired' });
    expect((await runOf(id)).targets[0]?.detail).toContain('nobody approved it in time');
    expect((await post('ann', `/api/approvals/${id}/options`)).body).toMatchObject({ code: 'CONFLICT' });
    expect(await codesOf(id)).toContain('A7014W');
  });
});

describe('a shell as root', () => {
  const open = (who: Name, user = 'root'): Promise<Reply> =>
    post(who, `/api/nodes/${nodeId}/shells`, { user, columns: 80, rows: 24 });

  it('is answered with "needs approval", and opens for who asked when it was approved, once', async () => {
    expect(await open('cid')).toMatchObject({ status: 409, body: { code: 'APPROVAL_NEEDED' } });
    expect(await open('cid')).toMatchObject({ status: 409, body: { code: 'APPROVAL_NEEDED' } });
    const [row, ...others] = (await get<ApprovalRow[]>('bob', '/api/approvals')).body.filter(
      ({ kind }) => kind === 'shell',
    );
    expect(others).toEqual([]);
    expect(row?.words[0]).toBe('Open a shell as root');
    expect((await approveRequest('bob', row?.id ?? '')).body).toMatchObject({ state: 'approved' });
    // Somebody else's approval opens nothing for ann.
    expect(await open('ann')).toMatchObject({ body: { code: 'APPROVAL_NEEDED' } });
    const opening = open('cid');
    const order = await nextShellOrder();
    expect(order).toMatchObject({ kind: 'shell', session: row?.id, user: 'root' });
    expect(verifyApprovals(order, bundleInForce(), 1, nodeId)).toMatchObject({
      ok: true,
      operators: [people.bob.id],
    });
    node.say({ t: 'shell.opened', session: row?.id } as never);
    expect(await opening).toMatchObject({ status: 200, body: { sessionId: row?.id } });
    expect(await open('cid')).toMatchObject({ body: { code: 'APPROVAL_NEEDED' } });
  });
});

describe('the next policy bundle', () => {
  it('is not signed for one owner, nor for an operator, nor after the draft was edited in the database', async () => {
    await post('ann', '/api/trust/draft', { quorum: 1, needs: { high: 0, rootShell: 0, shell: 0 } });
    expect((await approveDraft('ann')).body.current).toMatchObject({ version: 1 });
    expect((await approveDraft('ann')).body).toMatchObject({ code: 'APPROVAL_REPEATED' });
    const { hash } = (await get<TrustState>('ann', '/api/trust')).body.draft?.bundle ?? {};
    expect((await post('cid', '/api/trust/approve', { hash, passkey: {} })).status).toBe(403);
    // A second approval that the attacker writes into the table: ann's own in bob's name.
    await fixture.sql`INSERT INTO approval SELECT subject, ${people.bob.id}, 'bob', assertion, given_at FROM approval
      WHERE subject = (SELECT hash FROM trust_draft)`;
    expect((await approveDraft('bob')).body).toMatchObject({ code: 'APPROVAL_REPEATED' });
    expect((await get<TrustState>('ann', '/api/trust')).body.current).toMatchObject({ version: 1 });
  });

  it('an approval of the draft before is not one of the draft that took its place', async () => {
    await post('ann', '/api/trust/draft', { quorum: 2 });
    const stale = await touch('bob', '/api/trust/options');
    await post('ann', '/api/trust/draft', { quorum: 1 });
    const hash = (await get<TrustState>('bob', '/api/trust')).body.draft?.bundle.hash;
    expect((await post('bob', '/api/trust/approve', { hash, passkey: stale })).body).toMatchObject({
      code: 'APPROVAL_CHALLENGE',
    });
  });

  it('takes somebody who left out: nothing is signed for them from then on', async () => {
    await post('ann', '/api/trust/draft', {});
    const done = await post<Offboarded>('ann', `/api/people/${people.dan.id}/offboard`, {});
    expect(done.body.trust).toEqual([
      expect.stringMatching(/version 1 lists dan: .* until the next one is in force/) as string,
      'The signer signs nothing for dan any more.',
      'Version 2 without dan is drafted: it waits for the approval of 2 owners.',
    ]);
    expect(await codesOf(people.dan.id)).toContain('A7008W');
    const early = { ...(await plainOrder()), requester: { id: people.dan.id, name: 'dan', via: 'api' as const } };
    await expect(signer.sign(early)).rejects.toMatchObject({ code: 'REQUESTER_UNKNOWN' });
    const { draft } = (await get<TrustState>('ann', '/api/trust')).body;
    // Pins stay as they are until an owner changes them.
    expect(draft?.bundle.custom).toEqual([PIN]);
    expect(draft?.bundle.operators.map(({ name }) => name)).not.toContain('dan');
    await approveDraft('ann');
    expect((await approveDraft('bob')).body.current).toMatchObject({ version: 2 });
    expect(bundleInForce().operators.map(({ name }) => name)).not.toContain('dan');
    const order = { ...(await plainOrder()), requester: { id: people.dan.id, name: 'dan', via: 'api' as const } };
    await expect(signer.sign(order)).rejects.toMatchObject({ code: 'REQUESTER_UNKNOWN' });
    const lacking = await controller.services.bundles.nodeStatus(otherNode, { version: 0, authority: 1, linkKey });
    expect(lacking).toMatchObject({ isAll: true, items: [{}, {}] });
  });

  it('APPROVE5 who asked cannot approve too, not even by writing the approval or a name made up into the database', async () => {
    expect((await get<TrustState>('ann', '/api/trust')).body.current).toMatchObject({ requesterMayApprove: false });
    const { id } = (await run('cid')).body;
    const mine = (await get<ApprovalRow[]>('cid', '/api/approvals')).body.find((row) => row.id === id);
    expect(mine).toMatchObject({ mayApprove: false });
    expect((await approveRequest('cid', id)).body).toMatchObject({ code: 'APPROVAL_SELF' });
    // Signed by his own key, over the very statement, and written into the table by himself.
    const [row] = await fixture.sql`SELECT statement FROM approval_request WHERE id = ${id}`;
    const own = people.cid.key.approve(people.cid.id, approvalChallenge(row?.['statement'] as ApprovalStatement));
    await fixture.sql`INSERT INTO approval (subject, operator, name, assertion, given_at)
      VALUES (${id}, ${people.cid.id}, 'cid', ${fixture.sql.json({ ...own })}, 0)`;
    const other = (await run('cid', { reason: 'in a name made up' })).body.id;
    await approveRequest('ann', other);
    await fixture.sql`UPDATE run SET requester_id = ${randomUUID()} WHERE id = ${other}`;
    for (const each of [id, other]) await approveRequest('bob', each);
    for (const [each, code] of [
      [id, 'APPROVAL_SELF'],
      [other, 'REQUESTER_UNKNOWN'],
    ] as const)
      await vi.waitFor(async () => expect((await runOf(each)).targets[0]).toMatchObject({ state: 'refused', code }), {
        timeout: 20_000,
      });
  });

  it('survives the loss of its tables: the signer has it', async () => {
    await controller.stop();
    await fixture.sql`DELETE FROM trust_bundle`;
    await startController();
    expect((await get<TrustState>('ann', '/api/trust')).body.current).toMatchObject({ version: 2 });
  });
});

describe('a new authority key', () => {
  const approveStep = async (who: Name): Promise<Reply<TrustState>> => {
    const hash = (await get<TrustState>('ann', '/api/trust')).body.authority.draft?.hash ?? '';
    const passkey = await touch(who, '/api/trust/authority/options');
    return post<TrustState>(who, '/api/trust/authority/approve', { hash, passkey });
  };
  const system = { name: 'system', address: null };

  it('KEYS14 waits for the owners: one is not enough, nor once more, nor an operator', async () => {
    const { authority } = controller.services;
    expect(await authority.rotate(3_600_000, system)).toMatchObject({ is: 'waiting', version: 2, needed: 2 });
    const keys = await signer.keys();
    expect((await approveStep('ann')).body.authority).toMatchObject({ version: 1, draft: { approvedBy: ['ann'] } });
    expect((await approveStep('ann')).body.code).toBe('APPROVAL_REPEATED');
    expect((await post('cid', '/api/trust/authority/options')).status).toBe(403);
    expect(await signer.keys()).toEqual(keys);
  });

  it('KEYS14 whoever edits the draft in the database gets no approval for it', async () => {
    const [row] = await fixture.sql`SELECT step FROM trust_step_draft`;
    const step = row?.['step'] as Record<string, string>;
    const { publicText } = createKeyPair();
    await fixture.sql`UPDATE trust_step_draft SET step = ${fixture.sql.json({ ...step, next: publicText })}`;
    expect((await post('bob', '/api/trust/authority/options')).body.code).toBe('AUTHORITY_STALE');
    await fixture.sql`UPDATE trust_step_draft SET step = ${fixture.sql.json(step)}`;
  });

  it('KEYS18 is signed with the last of them and sent, right after the bundle that it names', async () => {
    expect((await approveStep('bob')).body).toMatchObject({
      authority: { version: 2, draft: null, followed: 0, nodes: 2 },
    });
    expect((await signer.keys()).authoritySteps).toHaveLength(1);
    const { items } = await controller.services.bundles.nodeStatus(otherNode, { version: 0, authority: 1, linkKey });
    expect(items.map((item) => ('byBefore' in item ? 'step' : 'bundle'))).toEqual(['bundle', 'bundle', 'step']);
    const here = await controller.services.bundles.nodeStatus(nodeId, { version: 2, authority: 1, linkKey });
    expect(here).toMatchObject({ isAll: true, items: [{ approvals: [{}, {}] }] });
    await controller.services.bundles.nodeStatus(nodeId, { version: 2, authority: 2, linkKey });
    expect((await get<TrustState>('ann', '/api/trust')).body.authority).toMatchObject({ followed: 1, nodes: 2 });
  });

  it('signs the next bundle, while orders are still signed by the old one', async () => {
    const { authorityKeys } = await signer.keys();
    expect(await verifyOrder(await signer.sign(await plainOrder()), pinnedKeys(authorityKeys))).toMatchObject({
      ok: true,
    });
    await post('ann', '/api/trust/draft', {});
    await approveDraft('ann');
    expect((await approveDraft('bob')).body.current).toMatchObject({ version: 3 });
    const { items } = await controller.services.bundles.nodeStatus(otherNode, { version: 2, authority: 1, linkKey });
    expect(items.map((item) => ('byBefore' in item ? 'step' : 'bundle'))).toEqual(['step', 'bundle']);
  });

  it('survives the loss of its tables: the signer has it', async () => {
    await controller.stop();
    await fixture.sql`DELETE FROM trust_step`;
    await startController();
    expect((await get<TrustState>('ann', '/api/trust')).body.authority).toMatchObject({ version: 2 });
  });
});

/** The next permit that reaches the node; orders of runs come by too. */
async function nextShellOrder() {
  for (;;) {
    const { jws } = await node.control('order');
    const order = await verifyOrder(jws, pinnedKeys((await signer.keys()).authorityKeys));
    if (!order.ok) throw new Error(order.detail);
    if (order.value.kind === 'shell') return order.value;
  }
}

async function plainOrder() {
  const [jws = ''] = await jwsOf((await run('cid', { mode: 'plan' })).body.id);
  const order = await verifyOrder(jws, pinnedKeys((await signer.keys()).authorityKeys));
  if (!order.ok) throw new Error(order.detail);
  return { ...order.value, id: randomUUID() };
}
