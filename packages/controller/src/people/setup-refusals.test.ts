import { systemRandom } from '@hauban/link';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserPasskey } from '../../../../test/support/browser-passkey.ts';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createPeople } from '../compose-people.ts';
import { createDatabase, type Database } from '../db/index.ts';
import type { Transact } from '../db/transaction.ts';
import { createLog } from '../runtime/index.ts';

const PASSWORD = 'correct horse battery';
const HOST = 'localhost';
const origin = 'http://localhost:7460';
const from = { address: '192.0.2.1', userAgent: 'test' };
const WRONG = 'x'.repeat(43);

let clock: FakeClock;
let fixture: TestDatabase;
let database: Database;
let setup: ReturnType<typeof createPeople>['setup'];

/** @param before happens before each transaction begins */
function build(before: () => void = () => undefined): ReturnType<typeof createPeople>['setup'] {
  const { together } = database;
  const transaction: Transact = (work) => {
    before();
    return database.transaction(work);
  };
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  const shared = { audit, transaction, together, clock, random: systemRandom, log: createLog('silent') };
  return createPeople(shared, database, new URL(origin)).setup;
}
beforeEach(async () => {
  clock = new FakeClock(Date.now());
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  setup = build();
});
afterEach(async () => {
  await database.close();
  await fixture.drop();
});

const GONE = { code: 'SETUP_TOKEN_REFUSED' };
const owners = async (): Promise<number> => (await fixture.sql`SELECT id FROM person`).length;
async function passkeyFor(token: string, name: string): Promise<object> {
  const { challenge } = (await setup.passkeyOptions({ token, name })) as { readonly challenge: string };
  return createBrowserPasskey().create(challenge, HOST, origin);
}

describe('the first account', () => {
  it('is made by no link that somebody has made up, and a wrong one uses up no passkey', async () => {
    const token = await setup.makeToken();
    await expect(setup.passkeyOptions({ token: WRONG, name: 'eve' })).rejects.toMatchObject(GONE);
    await expect(setup.setUp({ token: WRONG, name: 'eve', password: PASSWORD }, from)).rejects.toMatchObject(GONE);
    const passkey = await passkeyFor(token, 'olga');
    await expect(setup.setUp({ token: WRONG, name: 'olga', passkey }, from)).rejects.toMatchObject(GONE);
    expect(await owners()).toBe(0);
    expect((await setup.setUp({ token, name: 'olga', passkey }, from)).me.name).toBe('olga');
  });

  it('has the name that the passkey was made for', async () => {
    const token = await setup.makeToken();
    const passkey = await passkeyFor(token, 'olga');
    await expect(setup.setUp({ token, name: 'eve', passkey }, from)).rejects.toMatchObject(GONE);
    expect(await owners()).toBe(0);
  });

  it('is not made by a link that runs out before the account is written', async () => {
    const token = await setup.makeToken();
    const late = build(() => clock.advance(24 * 3_600_000));
    await expect(late.setUp({ token, name: 'olga', password: PASSWORD }, from)).rejects.toMatchObject(GONE);
    expect(await owners()).toBe(0);
  });

  it('is made once, by whichever way, also by two at the same moment', async () => {
    const [token, other] = [await setup.makeToken(), await setup.makeToken()];
    const both = await Promise.allSettled([
      setup.setUp({ token, name: 'olga', password: PASSWORD }, from),
      setup.setUp({ token: other, name: 'eve', password: PASSWORD }, from),
    ]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await owners()).toBe(1);
    const done = { code: 'SETUP_DONE' };
    await expect(setup.makeToken()).rejects.toMatchObject(done);
    await expect(setup.passkeyOptions({ token: other, name: 'eve' })).rejects.toMatchObject(done);
    await expect(setup.setUp({ token: other, name: 'eve', password: PASSWORD }, from)).rejects.toMatchObject(done);
  });
});
