import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createMemoryRing } from '../../../../test/support/memory-ring.ts';
import { createAuditRepository } from '../audit/audit.repository.ts';
import { createAuditService } from '../audit/audit.service.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createKeyRing } from './key-ring.ts';
import { createWebhookKeysRepository } from './webhook-keys.repository.ts';
import { createWebhookKeys, rotateWebhookKey } from './webhook-keys.service.ts';

const DAY_MS = 24 * 3_600_000;
let fixture: TestDatabase;
let database: Database;
beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(() => fixture.sql`DELETE FROM webhook_key`);

const clock = new FakeClock(Date.parse('2027-03-01T00:00:00Z'));
function createOne(ring = createMemoryRing()) {
  const { transaction } = database;
  const audit = createAuditService({ repository: createAuditRepository(database), transaction, clock });
  const parts = { keys: createWebhookKeysRepository(database), ring, audit, transaction, clock };
  return { ring, parts, keys: createWebhookKeys({ ...parts, log: createLog('silent') }) };
}
const kids = async (one: ReturnType<typeof createOne>): Promise<string[]> =>
  (await one.keys.shown()).keys.map(({ kid }) => kid);

it('shows the key of every controller, and of one that is gone for a week more', async () => {
  const [one, other] = [createOne(), createOne()];
  await one.keys.look();
  await other.keys.look();
  expect((await kids(one)).toSorted()).toEqual([one.keys.current().kid, other.keys.current().kid].toSorted());
  clock.advance(5 * DAY_MS);
  await one.keys.look();
  clock.advance(4 * DAY_MS);
  expect(await kids(one)).toEqual([one.keys.current().kid]);
});

it('shows a new key for a day before it signs, and the old one for a week after', async () => {
  const one = createOne();
  await one.keys.look();
  const old = one.keys.current().kid;
  clock.advance(90 * DAY_MS);
  await one.keys.look();
  expect(one.keys.current().kid).toBe(old);
  const [, fresh] = await kids(one);
  clock.advance(DAY_MS - 1);
  await one.keys.look();
  expect(one.keys.current().kid).toBe(old);
  clock.advance(1);
  await one.keys.look();
  expect(one.keys.current().kid).toBe(fresh);
  expect(await kids(one)).toContain(old);
  clock.advance(8 * DAY_MS);
  await one.keys.look();
  expect(await kids(one)).toEqual([fresh]);
});

it('takes a stolen key out of the set at once', async () => {
  const one = createOne();
  await one.keys.look();
  const stolen = one.keys.current().kid;
  const { kid } = await rotateWebhookKey(one.parts, true);
  expect(await kids(one)).toEqual([kid]);
  await one.keys.look();
  expect([one.keys.current().kid, await kids(one)]).toEqual([kid, [kid]]);
  expect(stolen).not.toBe(kid);
});

it('keeps private halves in files that nobody else may read, and out of the database', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hb-webhook-'));
  try {
    const one = createOne(createKeyRing(folder));
    await one.keys.look();
    await rotateWebhookKey(one.parts, false);
    const files = ['webhook-key.jwk', 'webhook-key-next.jwk'].map((name) => join(folder, name));
    expect(files.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    const stored = JSON.stringify(await fixture.sql`SELECT * FROM webhook_key`);
    for (const path of files) {
      const { d, x } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
      expect([stored.includes(x ?? '?'), stored.includes(d ?? '?')]).toEqual([true, false]);
    }
    const next = one.ring.next()?.publicText;
    clock.advance(DAY_MS);
    await one.keys.look();
    expect([createKeyRing(folder).current().publicText, one.ring.next()]).toEqual([next, null]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
