import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemRandom } from '@hauban/link';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createPeople } from '../compose-people.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { attemptSecrets } from './oidc-attempt.ts';
import { createOidcProvider, type OidcProvider } from './oidc-provider.ts';
import { parseSignOnSettings, type ProviderSettings } from './oidc-settings.ts';
import type { SignOnRow } from './oidc.repository.ts';
import { hashSecret } from './secret.ts';
import type { Owner } from './tokens.service.ts';

const publicUrl = new URL('http://localhost:7460');
const clock = new FakeClock(Date.now());
const from = { address: '192.0.2.1', userAgent: 'test' };
const settingsOf = (issuer: string): ProviderSettings => ({
  id: 'corp',
  name: 'Corp',
  issuer,
  clientId: 'hauban',
  clientSecret: 'a secret of the client',
  scopes: ['openid'],
  people: null,
});

describe('a provider that somebody has taken over', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secrets = attemptSecrets('a browser');
  let server: Server;
  let port: number;
  let issuer: string;
  /** What it says otherwise than it should. */
  let metadata: object;
  let padding: string;
  let subject: string;
  let asked: string[];
  let provider: OidcProvider;

  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  function idToken(): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: 'hauban', sub: subject, nonce: secrets.nonce, iat: now, exp: now + 60 };
    const text = `${encode({ alg: 'RS256', kid: 'one' })}.${encode(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
  }
  const answerTo = (path: string): object => {
    if (path === '/token') return { access_token: 'x', token_type: 'Bearer', id_token: idToken() };
    if (path === '/keys') return { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' }] };
    return {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      padding,
      ...metadata,
    };
  };
  const finish = () => provider.finish(`?code=c&state=${secrets.state}`, secrets);

  beforeEach(async () => {
    metadata = {};
    padding = '';
    subject = 'ann';
    asked = [];
    server = createServer(({ url = '', headers }, response) => {
      asked.push(`${headers.host?.split(':')[0] ?? ''}${url}`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answerTo(url)));
    });
    await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
    ({ port } = server.address() as AddressInfo);
    issuer = `http://127.0.0.1:${port}`;
    provider = createOidcProvider({ settings: settingsOf(issuer), publicUrl, clock, onFault: () => undefined });
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  it('is believed while it says nothing strange', async () => {
    expect((await provider.begin(secrets)).origin).toBe(issuer);
    expect(await finish()).toMatchObject({ issuer, subject: 'ann' });
  });

  it('cannot fill the memory with an answer that does not end', async () => {
    padding = 'x'.repeat(1024 * 1024);
    await expect(provider.begin(secrets)).rejects.toMatchObject({ code: 'SIGN_ON_DOWN' });
  });

  it('cannot call itself something else, not even in another spelling', async () => {
    metadata = { issuer: `${issuer}/` };
    await expect(provider.begin(secrets)).rejects.toMatchObject({ code: 'SIGN_ON_DOWN' });
  });

  it('cannot have the secret of the client sent in the clear to another host', async () => {
    metadata = { token_endpoint: `http://127.0.0.2:${port}/token` };
    await expect(finish()).rejects.toMatchObject({ code: 'SIGN_ON_REFUSED' });
    expect(asked).not.toContain('127.0.0.2/token');
  });

  it('cannot have browsers sent to a page in the clear on another host', async () => {
    metadata = { authorization_endpoint: `http://127.0.0.2:${port}/auth` };
    await expect(provider.begin(secrets)).rejects.toMatchObject({ code: 'SIGN_ON_DOWN' });
  });

  it('cannot have a name of any length kept, nor nobody', async () => {
    for (const name of ['x'.repeat(256), '']) {
      subject = name;
      await expect(finish()).rejects.toMatchObject({ code: 'SIGN_ON_REFUSED' });
    }
    subject = 'x'.repeat(255);
    expect(await finish()).toMatchObject({ subject });
  });
});

describe('an address of a provider', () => {
  it.each(['http://corp.example', 'https://ann@corp.example', 'https://corp.example?a', 'https://corp.example#a', 'x'])(
    '%s is not taken from the file',
    (issuer) => {
      const provider = { id: 'corp', name: 'Corp', issuer, clientId: 'c', clientSecretFile: '/s' };
      expect(() => parseSignOnSettings(JSON.stringify({ providers: [provider] }), () => 's')).toThrow(
        expect.objectContaining({ code: 'CONFIG_BAD' }) as Error,
      );
    },
  );
});

describe('an identity of a provider', () => {
  let fixture: TestDatabase;
  let database: Database;
  let people: ReturnType<typeof createPeople>;
  let ann: Owner;
  let count = 0;
  const provider = settingsOf('http://127.0.0.1:9');
  const claimsOf = (subject: string) => ({ issuer: provider.issuer, subject, methods: [], all: {} });
  const vouched = (subject: string) => ({ claims: claimsOf(subject), provider, from });
  const attempt = (change: Partial<SignOnRow>): SignOnRow => ({
    browserHash: 'x',
    provider: 'corp',
    purpose: 'link',
    returnTo: '/',
    personId: ann.personId,
    sessionHash: null,
    inviteHash: null,
    expiresAt: clock.nowMs() + 60_000,
    ...change,
  });
  async function addPerson(): Promise<Owner> {
    const owner = { personId: randomUUID(), name: `person${(count += 1)}`, address: from.address };
    await fixture.sql`INSERT INTO person (id, name, role, password_hash, created_at)
      VALUES (${owner.personId}, ${owner.name}, 'viewer', 'x', 0)`;
    return owner;
  }
  const link = (subject: string, owner = ann) =>
    people.links.bySession(attempt({ personId: owner.personId }), vouched(subject));

  beforeAll(async () => {
    fixture = await createTestDatabase();
    database = createDatabase({ url: fixture.url });
    const { transaction, together } = database;
    const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
    const shared = { audit, transaction, together, clock, random: systemRandom, log: createLog('silent') };
    people = createPeople(shared, database, publicUrl, { providers: [provider], onRightsChanged: () => undefined });
  });
  afterAll(async () => {
    await database.close();
    await fixture.drop();
  });
  beforeEach(async () => {
    ann = await addPerson();
  });

  it('that is somebody’s becomes nobody else’s', async () => {
    const subject = randomUUID();
    expect(await link(subject)).toMatchObject({ kind: 'linked' });
    expect(await link(subject, await addPerson())).toEqual({ kind: 'refused', why: 'linked-already' });
  });

  it('becomes nobody’s who has left, and takes nothing from them', async () => {
    await link(randomUUID());
    await link(randomUUID());
    const [first] = await people.links.list(ann.personId);
    await fixture.sql`UPDATE person SET left_at = 1, password_hash = NULL WHERE id = ${ann.personId}`;
    expect(await link(randomUUID())).toEqual({ kind: 'refused', why: 'left' });
    await expect(people.links.remove(first?.id ?? '', ann)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('comes in by an invitation once, and by none that is made up', async () => {
    const made = await people.invites.invite({ name: `guest${count}`, role: 'viewer' }, ann);
    const inviteHash = hashSecret(new URL(made.url).searchParams.get('token') ?? '');
    const invited = attempt({ purpose: 'invite', personId: made.personId, inviteHash });
    expect(await people.links.byInvitation(invited, vouched(randomUUID()))).toMatchObject({ kind: 'linked' });
    expect(await people.links.byInvitation(invited, vouched(randomUUID()))).toEqual({
      kind: 'refused',
      why: 'invitation',
    });
  });

  it('that is the only way in is not removed', async () => {
    await link(randomUUID());
    await fixture.sql`UPDATE person SET password_hash = NULL WHERE id = ${ann.personId}`;
    const [only] = await people.links.list(ann.personId);
    await expect(people.links.remove(only?.id ?? '', ann)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('is asked for at no provider that this controller does not know, and for no made-up invitation', async () => {
    const { signOn } = people;
    await expect(signOn.begin({ provider: 'toString' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const invite = 'x'.repeat(43);
    await expect(signOn.begin({ provider: 'corp', invite })).rejects.toMatchObject({ code: 'SETUP_TOKEN_REFUSED' });
  });

  it('is brought by no browser that did not begin, and by none that has no cookie', async () => {
    for (const browser of [null, 'made up'])
      await expect(
        people.signOn.finish({ provider: 'corp', query: '?code=x', browser, session: null }, from),
      ).rejects.toMatchObject({ code: 'SIGN_ON_REFUSED' });
  });
});
