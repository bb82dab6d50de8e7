import { randomUUID } from 'node:crypto';
import { createKeyPair, parseJoinToken, sha256Base64Url, systemRandom } from '@hauban/link';
import type { JoinTokenRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { fromBase64Url } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService, type AuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createNewNodes } from '../nodes/new-nodes.service.ts';
import { createNodesRepository } from '../nodes/nodes.repository.ts';
import { createPresence } from '../nodes/presence.ts';
import { createControllerIdentityRepository } from './controller-identity.repository.ts';
import { loadControllerIdentity } from './controller-identity.service.ts';
import { createEnrolmentRepository } from './enrolment.repository.ts';
import { createEnrolmentService, type EnrolAttempt, type EnrolmentService } from './enrolment.service.ts';
import { createJoinTokensService, type JoinTokensService } from './join-tokens.service.ts';

const authorityKeys = [{ kid: 'k', key: createKeyPair().publicText }];
const linkKey = createKeyPair().publicText;
const clock = new FakeClock();
let fixture: TestDatabase;
let database: Database;
let audit: AuditService;
let enrolment: EnrolmentService;
let joinTokens: JoinTokensService;
let isSignerUp = true;
/** Nodes whose links were ended. */
const cutOff: string[] = [];

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  const { transaction } = database;
  audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  const repository = createEnrolmentRepository(database);
  const nodes = createNewNodes(createNodesRepository(database), createPresence(), (id) => void cutOff.push(id));
  enrolment = createEnrolmentService({
    repository,
    nodes,
    audit,
    transaction,
    clock,
    authorityKeys: async () => {
      if (!isSignerUp) throw new HaubanError('UNAVAILABLE', 'away');
      return { authorityKeys, authoritySteps: [] };
    },
  });
  const publicUrl = new URL('https://hauban.example');
  joinTokens = createJoinTokensService({
    repository,
    audit,
    transaction,
    clock,
    random: systemRandom,
    linkKey: () => linkKey,
    publicUrl,
  });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

async function makeToken(request: JoinTokenRequest = {}): Promise<{ tokenId: string; secret: string }> {
  const { token } = await joinTokens.make(request, { name: 'olga', address: null });
  const parsed = parseJoinToken(token);
  if (!parsed.ok) throw new TypeError(parsed.problem);
  return parsed.value;
}
const attempt = (token: { tokenId: string; secret: string }, more: Partial<EnrolAttempt> = {}): EnrolAttempt => ({
  tokenId: token.tokenId,
  secret: token.secret,
  linkKey: createKeyPair().publicText,
  receiptKey: createKeyPair().publicText,
  hostName: 'web1',
  agentVersion: '1',
  os: 'Debian',
  address: '192.0.2.7',
  ...more,
});
const countNodes = async (): Promise<number> =>
  Number((await fixture.sql`SELECT count(*)::int AS n FROM node`)[0]?.['n']);

describe('a join token', () => {
  it('names the controller, tells the command, and is stored as a hash only', async () => {
    const made = await joinTokens.make({ labels: { rack: '1' }, roles: ['web'] }, { name: 'olga', address: null });
    const parsed = parseJoinToken(made.token);
    expect(parsed).toMatchObject({
      ok: true,
      value: { tokenId: made.id, thumbprint: sha256Base64Url(fromBase64Url(linkKey) ?? new Uint8Array()) },
    });
    expect(made.command).toBe(`hauban-agent enrol --url wss://hauban.example/link --token ${made.token}`);
    const secret = parsed.ok ? parsed.value.secret : '';
    expect(JSON.stringify(await fixture.sql`SELECT * FROM join_token`)).not.toContain(secret);
    expect(JSON.stringify(await fixture.sql`SELECT * FROM audit_entry`)).not.toContain(secret);
    expect((await joinTokens.list())[0]).toMatchObject({
      id: made.id,
      usesLeft: 1,
      labels: { rack: '1' },
      roles: ['web'],
      createdBy: 'olga',
    });
  });

  it('lets a machine in with its labels and roles, and is gone from the list', async () => {
    const token = await makeToken({ labels: { rack: '1' }, roles: ['web'] });
    const outcome = await enrolment.enrol(attempt(token));
    expect(outcome).toMatchObject({ ok: true, authorityKeys, labels: { rack: '1' }, roles: ['web'] });
    expect((await joinTokens.list()).map(({ id }) => id)).not.toContain(token.tokenId);
    expect((await audit.list({ code: 'A2010I', limit: 1 })).rows[0]).toMatchObject({
      who: 'olga',
      hostName: 'web1',
      nodeId: outcome.ok ? outcome.nodeId : '',
    });
  });

  it('KEYS3 made for a known node gives it new keys, lifts its bar, begins its count of links anew, and cuts off the old keys', async () => {
    const first = await enrolment.enrol(attempt(await makeToken({ labels: { rack: '1' }, roles: ['web'] })));
    const nodeId = first.ok ? first.nodeId : '';
    await fixture.sql`UPDATE node SET barred_at = 1, barred_why = 'two-copies', join_counter = 9, join_mark_hash = 'x', last_seen_at = 5 WHERE id = ${nodeId}`;
    const node = { id: nodeId, labels: { rack: '1' }, roles: ['web'] };
    const made = await joinTokens.makeForNode(node, { name: 'olga', address: '' });
    expect(made.command).toContain('enrol --force --url');
    const parsed = parseJoinToken(made.token);
    if (!parsed.ok) throw new Error(parsed.problem);
    const again = attempt(parsed.value);
    const outcome = await enrolment.enrol(again);
    expect(outcome).toMatchObject({ ok: true, nodeId, labels: { rack: '1' }, roles: ['web'] });
    // The answer was lost: the same again is the same enrolment.
    expect(await enrolment.enrol(again)).toMatchObject({ ok: true, nodeId });
    expect(cutOff).toContain(nodeId);
    const [row] = await fixture.sql`SELECT * FROM node WHERE id = ${nodeId}`;
    const { linkKey: link_key, receiptKey: receipt_key } = again;
    expect(row).toMatchObject({ link_key, receipt_key, barred_at: null, barred_why: null, join_mark_hash: null });
    expect((await audit.list({ code: 'A2012I', limit: 1 })).rows[0]).toMatchObject({ who: 'olga', nodeId });
    expect(await enrolment.enrol(attempt(parsed.value))).toMatchObject({ ok: false, code: 'TOKEN_USED_UP' });
  });

  it.each<[string, () => Promise<EnrolAttempt>, string]>([
    ['that is unknown', async () => attempt({ tokenId: randomUUID(), secret: 'x'.repeat(43) }), 'TOKEN_UNKNOWN'],
    ['with a wrong secret', async () => attempt({ ...(await makeToken()), secret: 'x'.repeat(43) }), 'TOKEN_UNKNOWN'],
    [
      'that is used up',
      async () => {
        const token = await makeToken();
        await enrolment.enrol(attempt(token));
        return attempt(token);
      },
      'TOKEN_USED_UP',
    ],
    [
      'that was deleted',
      async () => {
        const token = await makeToken();
        await joinTokens.remove(token.tokenId, { name: 'olga', address: '' });
        return attempt(token);
      },
      'TOKEN_UNKNOWN',
    ],
    ['for another host name', async () => attempt(await makeToken({ hostName: 'web2' })), 'TOKEN_WRONG_HOST'],
    [
      'that has expired',
      async () => {
        const token = await makeToken({ minutes: 1 });
        clock.advance(60_000);
        return attempt(token);
      },
      'TOKEN_EXPIRED',
    ],
  ])('%s is refused with its own code, makes no node and is in the audit log', async (_name, attack, code) => {
    const bad = await attack();
    const before = await countNodes();
    expect(await enrolment.enrol(bad)).toMatchObject({ ok: false, code });
    expect(await countNodes()).toBe(before);
    expect((await audit.list({ limit: 1 })).rows[0]).toMatchObject({
      code: 'A2011W',
      outcome: 'refused',
      detail: { code },
    });
  });

  it('with a wrong secret says nothing of what else is wrong with it', async () => {
    const token = await makeToken({ hostName: 'web2', minutes: 1 });
    clock.advance(120_000);
    expect(await enrolment.enrol(attempt({ ...token, secret: 'x'.repeat(43) }))).toMatchObject({
      code: 'TOKEN_UNKNOWN',
    });
  });

  it('for one use lets exactly one of many in that come at once; for three uses three', async () => {
    for (const uses of [1, 3]) {
      const token = await makeToken({ uses });
      const before = await countNodes();
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => enrolment.enrol(attempt(token))));
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(uses);
      expect(outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.code]))).toEqual(
        Array(8 - uses).fill('TOKEN_USED_UP'),
      );
      expect(await countNodes()).toBe(before + uses);
    }
    expect(await audit.verify()).toMatchObject({ ok: true });
  });

  it('for its host name takes that name in any case of letters', async () => {
    expect(await enrolment.enrol(attempt(await makeToken({ hostName: 'Web1' }), { hostName: 'wEB1' }))).toMatchObject({
      ok: true,
    });
  });
});

describe('an enrolment', () => {
  it('whose answer was lost gets the same answer again, without using the token twice', async () => {
    const mine = attempt(await makeToken({ uses: 2 }));
    const first = await enrolment.enrol(mine);
    expect(await enrolment.enrol(mine)).toEqual(first);
    expect((await joinTokens.list()).find(({ id }) => id === mine.tokenId)?.usesLeft).toBe(1);
    // Not after the node has been seen, and not with another receipt key: that would be a takeover.
    expect(await enrolment.enrol({ ...mine, receiptKey: createKeyPair().publicText })).toMatchObject({
      code: 'ENROLMENT_REFUSED',
    });
    await fixture.sql`UPDATE node SET last_seen_at = 1, join_mark_hash = 'x' WHERE link_key = ${mine.linkKey}`;
    expect(await enrolment.enrol(mine)).toMatchObject({ code: 'ENROLMENT_REFUSED' });
  });

  it('is not half done when the signer is away: the token can be used later', async () => {
    const token = await makeToken();
    isSignerUp = false;
    await expect(enrolment.enrol(attempt(token))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    isSignerUp = true;
    expect(await enrolment.enrol(attempt(token))).toMatchObject({ ok: true });
  });

  it('keeps a hostile host name verbatim', async () => {
    const hostName = '"><script>alert(1)</script>';
    await enrolment.enrol(attempt(await makeToken(), { hostName, os: '\ud83d<b>' }));
    const [row] = await fixture.sql`SELECT host_name, os FROM node WHERE host_name = ${hostName}`;
    expect(row).toEqual({ host_name: hostName, os: '\uFFFD<b>' });
  });
});

describe("the controller's identity", () => {
  it('is the same at each start, and refuses a key file that belongs to another database', async () => {
    const repository = createControllerIdentityRepository(database);
    const key = createKeyPair();
    const first = await loadControllerIdentity(repository, key, clock);
    expect(await loadControllerIdentity(repository, key, clock)).toEqual(first);
    await expect(loadControllerIdentity(repository, createKeyPair(), clock)).rejects.toMatchObject({
      code: 'CONFIG_BAD',
    });
  });
});
