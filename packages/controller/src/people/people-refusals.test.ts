import { randomUUID } from 'node:crypto';
import { systemRandom } from '@hauban/link';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserPasskey } from '../../../../test/support/browser-passkey.ts';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createPeople } from '../compose-people.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createAuthenticator } from './authenticator.service.ts';
import { hashPassword, isPassword } from './password-hash.ts';
import { createPeopleRepository } from './people.repository.ts';
import { createReAuthentication } from './re-authentication.service.ts';
import { hashSecret } from './secret.ts';
import { createTotpSeal, TOTP_KEY_BYTES } from './totp-seal.ts';
import type { Owner } from './tokens.service.ts';

const PASSWORD = 'correct horse battery';
const HOST = 'localhost';
const origin = 'http://localhost:7460';
const from = { address: '192.0.2.1', userAgent: 'test' };
const clock = new FakeClock(Date.now());
const nobody: Owner = { personId: randomUUID(), name: 'nobody-here', address: from.address };
const seal = createTotpSeal(systemRandom.bytes(TOTP_KEY_BYTES), systemRandom);

let fixture: TestDatabase;
let database: Database;
let passwordHash: string;
let people: ReturnType<typeof createPeople>;
let ann: Owner;
let ben: Owner;
let count = 0;

function shared() {
  const { transaction, together } = database;
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  return { audit, transaction, together, clock, random: systemRandom, log: createLog('silent') };
}
const build = (publicUrl = origin) =>
  createPeople(shared(), database, new URL(publicUrl), {
    providers: [],
    onRightsChanged: () => undefined,
    totpSeal: seal,
  });
async function addPerson(role: string): Promise<Owner> {
  count += 1;
  const owner = { personId: randomUUID(), name: `person${count}`, address: from.address };
  await fixture.sql`INSERT INTO person (id, name, role, password_hash, created_at)
    VALUES (${owner.personId}, ${owner.name}, ${role}, ${passwordHash}, 0)`;
  return owner;
}
/** As an offboarding at this very moment leaves them. */
const leave = ({ personId }: Owner) =>
  fixture.sql`UPDATE person SET left_at = 1, password_hash = NULL WHERE id = ${personId}`;
const refused = (code: string) => ({ code });

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  passwordHash = await hashPassword(PASSWORD);
  people = build();
  await addPerson('owner');
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(async () => {
  ann = await addPerson('viewer');
  ben = await addPerson('viewer');
});

describe('what is not there', () => {
  it('is not shown, changed or ended: a person, a session, an API token', async () => {
    await expect(people.directory.need(nobody.personId)).rejects.toMatchObject(refused('NOT_FOUND'));
    for (const role of ['owner', 'viewer'])
      await expect(people.directory.setRole(nobody.personId, role, ann)).rejects.toMatchObject(refused('NOT_FOUND'));
    await expect(people.people.me(nobody.name)).rejects.toMatchObject(refused('NOT_SIGNED_IN'));
    await expect(people.tokens.remove(randomUUID(), ann)).rejects.toMatchObject(refused('NOT_FOUND'));
    await expect(people.secondFactor.offer(nobody)).rejects.toMatchObject(refused('CONFLICT'));
    await expect(people.invites.again(nobody.personId, ann)).rejects.toMatchObject(refused('NOT_FOUND'));
  });

  it('the session of somebody else is not ended by knowing its number', async () => {
    const hash = hashSecret(
      await database.transaction((tx) => people.people.openSession(tx, ben.personId, from, { way: 'password' })),
    );
    await expect(people.people.endSession(ann.personId, hash, ann)).rejects.toMatchObject(refused('NOT_FOUND'));
    expect(await people.people.isSessionLive(hash)).toBe(true);
  });

  it('what is no session is not remembered, so nobody fills the memory with made-up ones', async () => {
    const authenticator = createAuthenticator(people.people, people.tokens, people.roles, clock);
    const secret = randomUUID();
    expect(await authenticator.bySession(secret)).toBeNull();
    await fixture.sql`INSERT INTO session (token_hash, person_id, created_at, last_used_at, expires_at, address, user_agent, way)
      VALUES (${hashSecret(secret)}, ${ann.personId}, 0, ${clock.nowMs()}, ${clock.nowMs() + 60_000}, '', '', 'password')`;
    expect(await authenticator.bySession(secret)).toMatchObject({ name: ann.name });
  });

  it('the password that the look at nobody is made with opens no account without a password', async () => {
    expect(await isPassword('nobody has this password', null)).toBe(false);
    expect(await isPassword(PASSWORD, passwordHash)).toBe(true);
  });
});

describe('a role', () => {
  it('that is built in is neither overwritten nor deleted', async () => {
    await expect(people.roles.put('viewer', [], ann)).rejects.toMatchObject(refused('CONFLICT'));
    await expect(people.roles.remove('viewer', ann)).rejects.toMatchObject(refused('CONFLICT'));
  });

  it('that somebody has, or that does not exist, is not deleted', async () => {
    const name = `role${count}`;
    await expect(people.roles.remove(name, ann)).rejects.toMatchObject(refused('NOT_FOUND'));
    await people.roles.put(name, [], ann);
    await people.directory.setRole(ben.personId, name, ann);
    await expect(people.roles.remove(name, ann)).rejects.toMatchObject(refused('CONFLICT'));
    await people.directory.setRole(ben.personId, 'viewer', ann);
    await people.roles.remove(name, ann);
  });

  it('of the last owner is not taken', async () => {
    const [{ id } = { id: '' }] = await fixture.sql`SELECT id FROM person WHERE role = 'owner'`;
    const taken = await people.directory.setRole(String(id), 'viewer', ann).catch((error: unknown) => error);
    await fixture.sql`UPDATE person SET role = 'owner' WHERE id = ${String(id)}`;
    expect(taken).toMatchObject(refused('CONFLICT'));
  });
});

describe('an invitation', () => {
  const GONE = refused('SETUP_TOKEN_REFUSED');
  const tokenOf = async (): Promise<string> => {
    const made = await people.invites.invite({ name: `guest${(count += 1)}`, role: 'viewer' }, ann);
    return new URL(made.url).searchParams.get('token') ?? '';
  };

  it('that is made up is good for nothing', async () => {
    const token = 'x'.repeat(43);
    await expect(people.invites.state(token)).rejects.toMatchObject(GONE);
    await expect(people.invites.passkeyOptions(token)).rejects.toMatchObject(GONE);
    await expect(people.invites.accept({ token, password: PASSWORD }, from)).rejects.toMatchObject(GONE);
  });

  it('is used with one proof: not with none, not with two', async () => {
    const token = await tokenOf();
    await expect(people.invites.accept({ token }, from)).rejects.toMatchObject(refused('BAD_REQUEST'));
    const both = { token, password: PASSWORD, passkey: {} };
    await expect(people.invites.accept(both, from)).rejects.toMatchObject(refused('BAD_REQUEST'));
    expect((await people.invites.accept({ token, password: PASSWORD }, from)).me.role).toBe('viewer');
  });

  it('that two use at the same moment lets one in', async () => {
    const token = await tokenOf();
    const both = await Promise.allSettled([1, 2].map(() => people.invites.accept({ token, password: PASSWORD }, from)));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find((one) => one.status === 'rejected')?.reason).toMatchObject(GONE);
  });
});

describe('the sign-in of a command line', () => {
  it('that somebody has approved is not taken over by approving it once more', async () => {
    const begun = await people.cliSignIn.begin();
    await people.cliSignIn.approve(begun.userCode, ann);
    await expect(people.cliSignIn.approve(begun.userCode, ben)).rejects.toMatchObject(refused('NOT_FOUND'));
    expect(await people.cliSignIn.poll(begun.deviceCode)).toMatchObject({ state: 'approved', name: ann.name });
  });

  it('gives no token to somebody who has left meanwhile', async () => {
    const begun = await people.cliSignIn.begin();
    await people.cliSignIn.approve(begun.userCode, ann);
    await leave(ann);
    await expect(people.cliSignIn.poll(begun.deviceCode)).rejects.toMatchObject(refused('SIGN_IN_REFUSED'));
  });
});

describe('a passkey', () => {
  const optionsOf = (made: object): string => (made as { readonly challenge: string }).challenge;
  async function add(owner: Owner): Promise<ReturnType<typeof createBrowserPasskey>> {
    const key = createBrowserPasskey();
    const challenge = optionsOf(await people.ownPasskeys.options(owner));
    await people.ownPasskeys.add({ name: 'key', passkey: key.create(challenge, HOST, origin) }, owner);
    return key;
  }

  it('of another signature than that of its key signs nobody in', async () => {
    const [mine, other] = [await add(ann), createBrowserPasskey()];
    const sign = async (forge: boolean) => {
      const challenge = optionsOf(await people.signIn.passkeyOptions());
      const own = mine.get(challenge, HOST, origin, 1) as { response: { signature: string } };
      const { signature } = (other.get(challenge, HOST, origin, 1) as typeof own).response;
      return people.signIn.byPasskey(forge ? { ...own, response: { ...own.response, signature } } : own, from);
    };
    await expect(sign(true)).rejects.toMatchObject(refused('SIGN_IN_REFUSED'));
    expect((await sign(false)).me.name).toBe(ann.name);
  });

  it('is neither added to nor taken from somebody who has left meanwhile', async () => {
    await add(ann);
    await add(ann);
    const [{ id } = { id: '' }] = await people.ownPasskeys.list(ann.personId);
    const challenge = optionsOf(await people.ownPasskeys.options(ann));
    await leave(ann);
    const late = { name: 'late', passkey: createBrowserPasskey().create(challenge, HOST, origin) };
    await expect(people.ownPasskeys.add(late, ann)).rejects.toMatchObject(refused('NOT_SIGNED_IN'));
    await expect(people.ownPasskeys.remove(id, ann)).rejects.toMatchObject(refused('NOT_FOUND'));
  });

  it('is not asked for at an address that has none', async () => {
    await expect(build('http://192.0.2.1').ownPasskeys.options(ann)).rejects.toMatchObject(refused('BAD_REQUEST'));
  });
});

describe('whoever has to prove again who they are', () => {
  const REFUSED = refused('SIGN_IN_REFUSED');
  const prove = (proof: object, owner = ann) => people.reAuthentication.prove(proof, owner);
  const sealTotp = ({ personId }: Owner) =>
    fixture.sql`UPDATE person SET totp_secret = ${seal.seal(personId, 'JBSWY3DPEHPK3PXP')} WHERE id = ${personId}`;

  it('gives one proof, the right one, and is here', async () => {
    await prove({ password: PASSWORD });
    for (const both of [{}, { password: PASSWORD, passkey: {} }])
      await expect(prove(both)).rejects.toMatchObject(refused('BAD_REQUEST'));
    await expect(prove({ password: 'a wrong password' })).rejects.toMatchObject(REFUSED);
    await expect(prove({ password: PASSWORD }, nobody)).rejects.toMatchObject(REFUSED);
  });

  it('gives the code of the app too, where there is one', async () => {
    await sealTotp(ann);
    await expect(prove({ password: PASSWORD })).rejects.toMatchObject(refused('SECOND_FACTOR_NEEDED'));
    await expect(prove({ password: PASSWORD, code: 'abcde-fghij' })).rejects.toMatchObject(REFUSED);
  });

  it('has not left while the password was looked at', async () => {
    const reAuthentication = createReAuthentication({
      ...shared(),
      repository: createPeopleRepository(database),
      challenges: { needSite: () => expect.fail(), give: async () => undefined, take: async () => null },
      secondFactor: people.secondFactor,
      mayTry: async () => {
        await leave(ann);
        return true;
      },
    });
    await expect(reAuthentication.prove({ password: PASSWORD }, ann)).rejects.toMatchObject(REFUSED);
  });

  it('without a password has no code of an app to add to it', async () => {
    await fixture.sql`UPDATE person SET password_hash = NULL WHERE id = ${ann.personId}`;
    await expect(people.secondFactor.offer(ann)).rejects.toMatchObject(refused('CONFLICT'));
  });
});
