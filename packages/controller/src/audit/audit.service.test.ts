import { FakeClock } from '@hauban/shared/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createAuditRepository, type AuditRepository } from './audit.repository.ts';
import { createAuditService, type AuditService } from './audit.service.ts';

let fixture: TestDatabase;
let database: Database;
let repository: AuditRepository;
let audit: AuditService;
const clock = new FakeClock();
beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  repository = createAuditRepository(database);
  audit = createAuditService({ repository, transaction: database.transaction, clock });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

describe('the chain', () => {
  it('has no gap and no fork when many append at once, and holds nothing of a rolled-back transaction', async () => {
    const many = Array.from({ length: 40 }, (_, n) =>
      database.transaction(async (tx) => {
        audit.record(tx, { code: 'A1010I', who: `person-${n}`, detail: { n } });
        audit.record(tx, { code: 'A1012I', who: `person-${n}` });
        if (n % 4 === 0) throw new RangeError('rolled back');
      }),
    );
    const results = await Promise.allSettled(many);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    expect(await audit.verify()).toMatchObject({ ok: true, tail: { seq: 60 } });
    // The two entries of one transaction stand together.
    const rows = await repository.listAfter(0, 100);
    for (let at = 0; at < rows.length; at += 2) expect(rows[at]?.who).toBe(rows[at + 1]?.who);
  });

  it('keeps a hostile text verbatim as data, and what PostgreSQL cannot hold as U+FFFD', async () => {
    const hostile = '<script>alert(1)</script>\u202E';
    await audit.recordAlone({
      code: 'A2010I',
      who: hostile,
      hostName: `a\0b${hostile}`,
      detail: { half: '\ud83d', hostile },
    });
    const { rows } = await audit.list({ limit: 1 });
    expect(rows[0]).toMatchObject({ who: hostile, hostName: `a\uFFFDb${hostile}`, outcome: 'ok', detail: { hostile } });
    expect(await audit.verify()).toMatchObject({ ok: true });
  });

  it('is append-only: an attacker with SQL cannot change or delete a row through the table', async () => {
    for (const attack of [
      'UPDATE audit_entry SET who = $$nobody$$',
      'DELETE FROM audit_entry WHERE seq = 3',
      'TRUNCATE audit_entry',
    ]) {
      await expect(fixture.sql.unsafe(attack)).rejects.toThrow('append-only');
    }
  });

  it.each([
    ['an edit', `UPDATE audit_entry SET detail = '{"n":99}' WHERE seq = 5`, 5],
    ['a deletion', 'DELETE FROM audit_entry WHERE seq = 7', 7],
    ['an edit with a new hash', `UPDATE audit_entry SET who = 'other', hash = repeat('a', 64) WHERE seq = 9`, 9],
    ['a deletion at the end', 'DELETE FROM audit_entry WHERE seq > 50', 51],
    [
      'a reordering',
      'UPDATE audit_entry SET seq = CASE seq WHEN 11 THEN -12 ELSE -11 END WHERE seq IN (11, 12); UPDATE audit_entry SET seq = -seq WHERE seq < 0',
      11,
    ],
  ])('shows %s that was made with the trigger out of the way', async (_name, attack, seq) => {
    const own = await createTestDatabase();
    const mine = createDatabase({ url: own.url });
    try {
      const chained = createAuditService({
        repository: createAuditRepository(mine),
        transaction: mine.transaction,
        clock,
      });
      await mine.transaction(async (tx) => {
        for (let n = 0; n < 60; n += 1) chained.record(tx, { code: 'A3000I', who: 'x', detail: { n } });
      });
      expect(await chained.verify()).toMatchObject({ ok: true, tail: { seq: 60 } });
      await own.sql.unsafe(`ALTER TABLE audit_entry DISABLE TRIGGER ALL; ${attack}`);
      expect(await chained.verify()).toMatchObject({ ok: false, seq });
    } finally {
      await mine.close();
      await own.drop();
    }
  });
});

describe('list', () => {
  it('reads page by page, newest first, and filters', async () => {
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<AuditService['list']>> = await audit.list({
        limit: 25,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.rows.map((row) => row.seq));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, n) => seen.length - n));
    const one = await audit.list({ who: 'person-5', code: 'A1012I' });
    expect(one.rows).toHaveLength(1);
    expect(one.rows[0]).toMatchObject({ title: 'Signed out', who: 'person-5' });
    expect((await audit.list({ outcome: 'failed' })).rows).toEqual([]);
    expect((await audit.list({ from: clock.nowMs() + 1 })).rows).toEqual([]);
  });

  it('takes a cursor that is no number for none', async () => {
    expect((await audit.list({ cursor: '1; DROP TABLE x', limit: 1 })).rows).toHaveLength(1);
  });
});
