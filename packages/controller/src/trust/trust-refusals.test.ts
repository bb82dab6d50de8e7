import { createPublicKey, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  approvalChallenge,
  authorityStepChallenge,
  authorityStepHash,
  bundleChallenge,
  createKeyPair,
  systemClock,
} from '@hauban/link';
import { SeededRandom } from '@hauban/shared/testing';
import type { ApprovalStatement, Assertion, AuthorityStep, Bundle } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createSoftwarePasskey, type SoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { builtInGrant } from '../authorization/index.ts';
import { createTrust } from '../compose-trust.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, runSigner, type SignerClient } from '../signer/index.ts';
import type { Approver } from './approvers.ts';
import type { LinkKeysService } from './link-keys.service.ts';

const controllerId = randomUUID();
const site = { rpId: 'localhost', origin: 'http://localhost:7460' };
const node = randomUUID();
const otherNode = randomUUID();
const HOUR_MS = 3_600_000;
const log = createLog('silent');

interface Person extends Approver {
  readonly key: SoftwarePasskey;
}
const person = (name: string, personId = randomUUID()): Person => ({
  personId,
  name,
  grant: builtInGrant('owner', personId),
  isSession: true,
  address: '192.0.2.1',
  readable: null,
  key: createSoftwarePasskey(site),
});
const [ann, bob, cid, dan] = [person('ann'), person('bob'), person('cid'), person('dan')];

let folder: string;
let fixture: TestDatabase;
let database: Database;
let signer: SignerClient;
let stopSigner: () => Promise<void>;
let trust: ReturnType<typeof createTrust>;
/** Runs that heard of their end. */
let denied: string[];
/** Who may do what they asked for still. */
let mayRequester: boolean;
const linkKeys = { after: () => [], refresh: async () => false, state: () => ({}) } as unknown as LinkKeysService;

function shared() {
  const { transaction, together } = database;
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock: systemClock });
  return { audit, transaction, together, clock: systemClock, random: new SeededRandom(1), log };
}
/** A controller over the same database and signer; it knows no bundle before it looks. */
const build = (publicUrl = 'http://localhost:7460') =>
  createTrust(shared(), database, {
    controllerId,
    publicUrl: new URL(publicUrl),
    signer,
    linkKeys,
    links: () => [],
    hostNames: async () => new Map(),
    waitingRuns: () => ({
      approved: async () => undefined,
      denied: async (_tx, runId) => void denied.push(runId),
    }),
    people: {
      rightsOf: async (id) => (mayRequester ? builtInGrant('owner', id) : null),
      prove: async () => expect.fail('by passkeys here'),
    },
    targetsOf: async (ids) => ids.map((id) => ({ kind: 'node' as const, id, labels: {}, roles: [] })),
  });

/** COSE_Key of a P-256 key. */
function coseOf({ credential }: SoftwarePasskey): Buffer {
  const der = Buffer.from(credential.spki, 'base64url');
  const { x = '', y = '' } = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' });
  const head = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
  return Buffer.concat([
    head,
    Buffer.from(x, 'base64url'),
    Buffer.from([0x22, 0x58, 0x20]),
    Buffer.from(y, 'base64url'),
  ]);
}
const addPerson = async ({ personId, name, key }: Person, role: string): Promise<void> => {
  await fixture.sql`INSERT INTO person (id, name, role, password_hash, created_at) VALUES (${personId}, ${name}, ${role}, 'x', 0)`;
  await fixture.sql`INSERT INTO passkey (id, person_id, public_key, counter, transports, created_at)
    VALUES (${key.credential.id}, ${personId}, ${coseOf(key)}, 0, '{}', 0)`;
};

beforeEach(async () => {
  [denied, mayRequester] = [[], true];
  folder = mkdtempSync(join(tmpdir(), 'hauban-trust-'));
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const settings = { socketPath: join(folder, 's.sock'), keyDir: join(folder, 'keys') };
  const running = await runSigner({ ...settings, passphrase: { credential: null, file: null } }, systemClock, log);
  stopSigner = () => running.stop();
  signer = createSignerClient(settings.socketPath, systemClock);
  trust = build();
  for (const owner of [ann, bob]) await addPerson(owner, 'owner');
  await addPerson(cid, 'operator');
});
afterEach(async () => {
  signer.close();
  await stopSigner();
  await database.close();
  await fixture.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the browser gives back. */
const answerOf = ({ credential, authenticatorData, clientDataJSON, signature }: Assertion): object => ({
  id: credential,
  response: { authenticatorData, clientDataJSON, signature },
});
const touch = ({ personId, key }: Person, challenge: Uint8Array): object => answerOf(key.approve(personId, challenge));
const needs = { high: 1, rootShell: 1, shell: 0 };
const draft = async (quorum: number): Promise<{ readonly hash: string; readonly bundle: Bundle }> => {
  await trust.bundles.draft({ quorum, needs, requesterMayApprove: false }, ann);
  const [row] = await fixture.sql`SELECT hash, bundle FROM trust_draft`;
  return row as unknown as { readonly hash: string; readonly bundle: Bundle };
};
const approveDraft = async (who: Person, { hash, bundle }: Awaited<ReturnType<typeof draft>>): Promise<unknown> =>
  trust.bundles.approve(hash, touch(who, bundleChallenge(bundle)), who);
/** Ann, bob (owners) and cid in force. */
async function establish(quorum = 1): Promise<void> {
  const first = await draft(quorum);
  for (const owner of [ann, bob].slice(0, quorum)) await approveDraft(owner, first);
  expect(trust.bundles.current?.version).toBe(1);
}

describe('the next policy bundle', () => {
  it('is not drafted where no passkey works, nor with rules that no bundle has', async () => {
    await expect(build('http://192.0.2.1').bundles.draft({}, ann)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(trust.bundles.draft({ quorum: 0 }, ann)).rejects.toMatchObject({ code: 'BUNDLE_MALFORMED' });
    await expect(trust.bundles.draft({ quorum: 3 }, ann)).rejects.toMatchObject({ code: 'BUNDLE_UNUSABLE' });
  });

  it('is not approved by the look at another one, which was put in its place meanwhile', async () => {
    const seen = await draft(1);
    const now = await draft(2);
    expect(now.hash).not.toBe(seen.hash);
    await expect(approveDraft(ann, seen)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(trust.bundles.approve(seen.hash, touch(ann, bundleChallenge(now.bundle)), ann)).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('is not approved by somebody who is no owner, and the word of such a person is not even kept', async () => {
    await establish(2);
    const second = await draft(2);
    await expect(approveDraft(cid, second)).rejects.toMatchObject({ code: 'APPROVAL_OPERATOR' });
    expect(await fixture.sql`SELECT * FROM approval`).toEqual([]);
    await expect(trust.bundles.options(dan)).rejects.toMatchObject({ code: 'APPROVAL_OPERATOR' });
  });

  it('that somebody brings back after it was in force is not approved again', async () => {
    const first = await draft(1);
    await approveDraft(ann, first);
    await fixture.sql`INSERT INTO trust_draft (bundle, hash, drafted_by, drafted_at)
      VALUES (${JSON.stringify(first.bundle)}::text::jsonb, ${first.hash}, 'ann', 0)`;
    await expect(trust.bundles.options(ann)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(approveDraft(ann, first)).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('a request for approval', () => {
  const statement = (change: Partial<ApprovalStatement> = {}): ApprovalStatement => ({
    v: 1,
    is: 'hauban-approval',
    controller: controllerId,
    requester: ann.personId,
    run: randomUUID(),
    targets: [node],
    exp: Date.now() + HOUR_MS,
    reason: null,
    what: { kind: 'action', action: 'node.reboot', actionVersion: 1, args: {}, planHash: null },
    ...change,
  });
  /** As ann asks for it. */
  async function ask(change: Partial<ApprovalStatement> = {}, byAnother = false): Promise<ApprovalStatement> {
    const made = statement(change);
    const requester = { id: ann.personId, name: ann.name, address: ann.address };
    await database.transaction(async (tx) =>
      trust.approvals.ask(tx, { kind: 'run', statement: made, needed: 1, byAnother, requester }),
    );
    return made;
  }
  const approve = (made: ApprovalStatement, who: Person): Promise<unknown> =>
    trust.approvals.approve(made.run, { passkey: touch(who, approvalChallenge(made)) }, who);
  beforeEach(() => establish());

  it('whose time is over is neither approved nor denied, also before anybody has swept it away', async () => {
    const late = await ask({ exp: Date.now() - 1 });
    await expect(approve(late, bob)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(trust.approvals.deny(late.run, null, bob)).rejects.toMatchObject({ code: 'CONFLICT' });
    const made = await ask();
    await approve(made, bob);
    await expect(trust.approvals.deny(made.run, null, bob)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('is not there for whoever may not see every node of it', async () => {
    const made = await ask({ targets: [node, otherNode].toSorted() });
    const half = { ...bob, readable: async () => new Set([node]) };
    await expect(approve(made, half)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(trust.approvals.deny(made.run, null, half)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(trust.approvals.options(made.run, half)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await trust.approvals.list(half)).toEqual([]);
    await approve(made, { ...bob, readable: async () => new Set([node, otherNode]) });
  });

  it('is not denied by a bystander, and not approved by who asked', async () => {
    const made = await ask();
    await expect(trust.approvals.deny(made.run, null, dan)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(approve(made, ann)).rejects.toMatchObject({ code: 'APPROVAL_SELF' });
    expect(await trust.approvals.deny(made.run, null, ann)).toMatchObject({ state: 'denied' });
  });

  it('is not approved for somebody who may not do it any more, and the run hears of it', async () => {
    const made = await ask();
    mayRequester = false;
    await expect(approve(made, bob)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(denied).toEqual([made.run]);
    await expect(approve(made, bob)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('of the system, which is nobody, is approved by nobody', async () => {
    const made = await ask();
    await fixture.sql`UPDATE approval_request SET requester_id = 'system' WHERE id = ${made.run}`;
    await expect(approve(made, bob)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('is not approved by the assertion of another one', async () => {
    const [made, other] = [await ask(), await ask({ reason: 'another' })];
    const answer = { passkey: touch(bob, approvalChallenge(other)) };
    await expect(trust.approvals.approve(made.run, answer, bob)).rejects.toMatchObject({ code: 'APPROVAL_CHALLENGE' });
  });

  it('where passkeys do not work is approved by a password only, and never without one', async () => {
    trust = build('http://192.0.2.1');
    const made = await ask({}, true);
    await expect(trust.approvals.options(made.run, dan)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(trust.approvals.approve(made.run, {}, dan)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    const token = { ...dan, isSession: false };
    const answer = { password: 'x' };
    await expect(trust.approvals.approve(made.run, answer, token)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('that does not exist, or where there is no policy bundle, leads nowhere', async () => {
    const made = await ask();
    await expect(approve(statement(), bob)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // One that has not looked yet, as after an old backup was brought back.
    trust = build();
    await expect(approve(made, bob)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(trust.approvals.options(made.run, bob)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the next authority key', () => {
  const storedDraft = async (): Promise<{ readonly hash: string; readonly step: AuthorityStep }> => {
    const [row] = await fixture.sql`SELECT hash, step FROM trust_step_draft`;
    return row as unknown as { readonly hash: string; readonly step: AuthorityStep };
  };
  const approve = async (who: Person, hash?: string): Promise<void> => {
    const made = await storedDraft();
    await trust.authority.approve(hash ?? made.hash, touch(who, authorityStepChallenge(made.step)), who);
  };
  /** Somebody with the database in hand. */
  const edit = async (change: Partial<AuthorityStep>, isHashRight = true): Promise<void> => {
    const { step, hash } = await storedDraft();
    const edited = { ...step, ...change };
    await fixture.sql`UPDATE trust_step_draft SET step = ${JSON.stringify(edited)}::text::jsonb,
      hash = ${isHashRight ? authorityStepHash(edited) : hash}`;
  };
  const rotate = () => trust.authority.rotate(HOUR_MS, ann);

  it('is signed with the approvals of owners, whole as they were given', async () => {
    await establish(2);
    await rotate();
    await approve(ann);
    expect(trust.authority.version).toBe(1);
    await expect(approve(ann)).rejects.toMatchObject({ code: 'APPROVAL_REPEATED' });
    await approve(bob);
    expect(trust.authority.version).toBe(2);
    expect((await signer.step(2))?.approvals.map(({ operator }) => operator)).toEqual([ann.personId, bob.personId]);
  });

  it('is not approved by the look at another draft, nor by anybody who is no owner', async () => {
    await establish(2);
    await rotate();
    await expect(approve(ann, 'a'.repeat(64))).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(approve(cid)).rejects.toMatchObject({ code: 'APPROVAL_OPERATOR' });
    const other = { ...(await storedDraft()).step, issuedAt: 1 };
    const forOther = touch(bob, authorityStepChallenge(other));
    await expect(trust.authority.approve((await storedDraft()).hash, forOther, bob)).rejects.toMatchObject({
      code: 'APPROVAL_CHALLENGE',
    });
    expect(await fixture.sql`SELECT * FROM approval`).toEqual([]);
  });

  it.each<[string, Partial<AuthorityStep>, boolean]>([
    ['for another content under the same hash', { next: createKeyPair().publicText }, false],
    ['for a later version', { version: 3 }, true],
    ['under another policy bundle', { bundle: 7 }, true],
  ])('nobody is asked to approve a draft that was changed in the database %s', async (_name, change, isHashRight) => {
    await establish();
    await rotate();
    await edit(change, isHashRight);
    await expect(trust.authority.options(ann)).rejects.toMatchObject({ code: 'AUTHORITY_STALE' });
    await expect(approve(ann)).rejects.toMatchObject({ code: 'AUTHORITY_STALE' });
  });

  it('is approved by nobody where there is no draft, or no policy bundle', async () => {
    await establish();
    await expect(trust.authority.options(ann)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await rotate();
    trust = build();
    await expect(trust.authority.options(ann)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
