import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedKeys, systemClock, verifyOrder } from '@hauban/link';
import type { AccessRule, ApprovalRow, RunDetail, TrustState } from '@hauban/shared/api';
import { fromBase64Url, type Assertion } from '@hauban/shared/protocol';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';
import { coseOf, createSoftwarePasskey, type SoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, runSigner, type SignerClient } from '../signer/index.ts';

// Roles that owners have signed, with the real signer on its socket: the controller prepares them, and whoever rewrites its
// database afterwards gives nobody a right. The tests of this file are one story and run in its order.
let folder: string;
let world: ControllerWorld;
let signer: SignerClient;
let stopSigner: () => Promise<void>;
let web: string;
let db: string;
const sessions = new Map<string, string>();
const keys = new Map<string, SoftwarePasskey>();

const rule = (what: string[], more: Partial<AccessRule> = {}): AccessRule => ({
  name: 'rule',
  what,
  where: 'everywhere',
  how: { runAs: ['*'], needsApproval: false, window: null },
  ...more,
});
const asks = { runAs: ['*'], needsApproval: true, window: null };
const putRole = (name: string, rules: AccessRule[]) =>
  world.call('PUT', `/api/roles/${name}`, { session: world.owner, body: { rules } });
async function addKey(name: string): Promise<void> {
  const key = createSoftwarePasskey({ rpId: 'localhost', origin: 'http://localhost:7460' });
  keys.set(name, key);
  await world.fixture.sql`INSERT INTO passkey (id, person_id, public_key, counter, transports, created_at)
    VALUES (${key.credential.id}, ${await world.personId(name)}, ${coseOf(key)}, 0, '{}', 0)`;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-signed-roles-'));
  const settings = {
    socketPath: join(folder, 'signer.sock'),
    keyDir: join(folder, 'keys'),
    passphrase: { credential: null, file: null },
  };
  const running = await runSigner(settings, systemClock, createLog('silent'));
  stopSigner = () => running.stop();
  signer = createSignerClient(settings.socketPath, systemClock);
  world = await createControllerWorld({ signer });
  await putRole('web', [rule(['read']), rule(['action:node.*'], { where: { labels: { tier: 'web' } } })]);
  await putRole('junior', [rule(['read']), rule(['action:node.*'], { how: asks })]);
  await putRole('reader', [rule(['read', 'action:mail.*'])]);
  sessions.set('olga', world.owner);
  const roles = { wim: 'web', jun: 'junior', mel: 'reader', vic: 'viewer', bob: 'operator' };
  for (const [name, role] of Object.entries(roles)) sessions.set(name, await world.addPerson(name, role));
  for (const name of ['olga', 'bob', 'mel', 'jun']) await addKey(name);
  [web, db] = [await world.addNode({ tier: 'web' }), await world.addNode({ tier: 'db' })];
});
afterAll(async () => {
  await world.stop();
  signer.close();
  await stopSigner();
  rmSync(folder, { recursive: true, force: true });
});

interface Reply<T> {
  readonly status: number;
  readonly body: T & { readonly code?: string; readonly detail?: string };
}
async function ask<T = object>(who: string, method: string, url: string, body?: object): Promise<Reply<T>> {
  const session = sessions.get(who) ?? '';
  const reply = await world.call(method, url, { session, ...(body === undefined ? {} : { body }) });
  return { status: reply.statusCode, body: reply.json() };
}
const trust = async (): Promise<TrustState> => (await ask<TrustState>('olga', 'GET', '/api/trust')).body;
const asAnswer = ({ credential, authenticatorData, clientDataJSON, signature }: Assertion) => ({
  id: credential,
  type: 'public-key',
  response: { authenticatorData, clientDataJSON, signature },
});
async function touch(who: string, url: string): Promise<object> {
  const { body } = await ask<{ challenge: string }>(who, 'POST', url, {});
  const assertion = keys
    .get(who)
    ?.approve(await world.personId(who), fromBase64Url(body.challenge) ?? new Uint8Array());
  return assertion === undefined ? {} : asAnswer(assertion);
}
async function signNext(): Promise<TrustState> {
  await ask('olga', 'POST', '/api/trust/draft', {});
  const hash = (await trust()).draft?.bundle.hash;
  const passkey = await touch('olga', '/api/trust/options');
  return (await ask<TrustState>('olga', 'POST', '/api/trust/approve', { hash, passkey })).body;
}
const run = async (who: string, node: string): Promise<string> => {
  const body = { action: 'node.ping', args: {}, nodes: [node], mode: 'apply' };
  return (await ask<RunDetail>(who, 'POST', '/api/runs', body)).body.id;
};
const approve = async (who: string, id: string) =>
  ask(who, 'POST', `/api/approvals/${id}`, { passkey: await touch(who, `/api/approvals/${id}/options`) });
const targetOf = async (id: string) => (await ask<RunDetail>('olga', 'GET', `/api/runs/${id}`)).body.targets[0];
const jwsOf = async (id: string): Promise<string | null> => {
  await world.controller.services.signing.work();
  const [row] = await world.fixture.sql`SELECT jws FROM run_target WHERE run_id = ${id}`;
  return row?.['jws'] as string | null;
};
/** Another part of the controller may be signing it at this moment. */
const becomesSigned = (id: string): Promise<void> =>
  vi.waitFor(async () => expect(await jwsOf(id)).not.toBeNull(), { timeout: 20_000 });
const isRefused = (id: string, code: string): Promise<void> =>
  vi.waitFor(
    async () => {
      await world.controller.services.signing.work();
      expect(await targetOf(id)).toMatchObject({ state: 'refused', code });
    },
    { timeout: 20_000 },
  );

it('the draft carries the roles of now, in force they are signed for', async () => {
  await ask('olga', 'POST', '/api/trust/draft', {});
  const { draft } = await trust();
  expect(draft?.bundle.access?.roles.map(({ name }) => name)).toEqual(['junior', 'reader', 'web']);
  expect(draft?.bundle.access?.people.map(({ role }) => role)).not.toContain('viewer');
  const { current, missing } = await signNext();
  expect(current?.access?.people).toContainEqual({ id: await world.personId('wim'), role: 'web' });
  expect(missing.join(' ')).not.toMatch(/roles|another role/);
});

it('a role that goes by labels is signed for on its nodes, and the system works', async () => {
  await becomesSigned(await run('wim', web));
  expect(
    (await ask('wim', 'POST', '/api/runs', { action: 'node.ping', args: {}, nodes: [db], mode: 'apply' })).status,
  ).toBe(403);
  const compared = await world.controller.services.runs.start(
    {
      action: 'state.compare',
      args: { items: [{ action: 'firewall.ban', args: { targets: ['192.0.2.7'], permanent: true } }] },
      nodes: [web],
      mode: 'apply',
    },
    { id: 'pool', name: 'pool a', via: 'system', address: null },
  );
  expect(await targetOf(compared.id)).toMatchObject({ state: 'queued', code: null });
  await becomesSigned(compared.id);
});

it('what wants another person carries the approval that the signer checks, by a passkey of the bundle', async () => {
  const id = await run('jun', web);
  expect(await jwsOf(id)).toBeNull();
  const rows = (await ask<ApprovalRow[]>('wim', 'GET', '/api/approvals')).body;
  // Wim may do it too, and the bundle lists no key of his: the password counts for nothing now.
  expect(rows.find((row) => row.id === id)).toMatchObject({ mayApprove: false, byPassword: false });
  const byPassword = { password: 'correct horse battery' };
  expect((await ask('wim', 'POST', `/api/approvals/${id}`, byPassword)).body.code).toBe('APPROVAL_MALFORMED');
  expect((await approve('mel', id)).body.code).toBe('APPROVAL_OPERATOR');
  expect((await approve('jun', id)).body.code).toBe('APPROVAL_SELF');
  expect((await approve('bob', id)).body).toEqual({ state: 'approved', missing: 0 });
  await becomesSigned(id);
  const jws = (await jwsOf(id)) ?? '';
  const order = await verifyOrder(jws, pinnedKeys((await signer.keys()).authorityKeys));
  expect(order).toMatchObject({ ok: true, value: { approvals: [{ operator: await world.personId('bob') }] } });
});

it('whoever rewrites the database cannot leave the other person out', async () => {
  const id = await run('jun', web);
  await world.fixture.sql`UPDATE run SET needs_approval = false WHERE id = ${id}`;
  world.controller.services.signing.wake();
  await isRefused(id, 'SIGN_NOT_ALLOWED');
  const own = await run('jun', web);
  await world.fixture.sql`UPDATE approval_request SET by_another = false WHERE id = ${own}`;
  await approve('mel', own);
  await isRefused(own, 'SIGN_NOT_ALLOWED');
});

it('whoever rewrites the database so that a viewer is admin gets nothing signed, and the page says so', async () => {
  await world.fixture.sql`UPDATE person SET role = 'owner' WHERE name IN ('vic', 'mel')`;
  await world.fixture
    .sql`UPDATE role SET rules = ${world.fixture.sql.json([rule(['action:*'])] as never)} WHERE name = 'junior'`;
  const wanted = { mel: 'SIGN_NOT_ALLOWED', vic: 'REQUESTER_UNKNOWN', jun: 'SIGN_NOT_ALLOWED' };
  await vi.waitFor(
    async () => {
      for (const [who, code] of Object.entries(wanted))
        expect(await targetOf(await run(who, web))).toMatchObject({ state: 'refused', code });
    },
    { timeout: 10_000 },
  );
  const { missing } = await trust();
  expect(missing.join('\n')).toContain('has other rules for the roles junior, reader');
  expect(missing.join('\n')).toContain('has another role for mel');
});

it('the owners sign what is to hold, and then it does', async () => {
  const { current } = await signNext();
  expect(current?.version).toBe(2);
  await becomesSigned(await run('mel', db));
  expect((await trust()).missing.join('\n')).not.toMatch(/has other rules|has another role/);
});
