import type { NodeId } from '@hauban/shared/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { createInventoryRepository } from './inventory.repository.ts';
import { createInventoryService, type InventoryService } from './inventory.service.ts';

const nodeId = '00000000-0000-4000-8000-000000000001' as NodeId;
const other = '00000000-0000-4000-8000-000000000002' as NodeId;
let fixture: TestDatabase;
let database: Database;
let inventory: InventoryService;
let at = 1_700_000_000_000;

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  await fixture.sql`INSERT INTO join_token VALUES (${nodeId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
  for (const id of [nodeId, other]) {
    await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
      VALUES (${id}, 'n', ${id}, 'r', ${nodeId}, '{}', '{}', 0, '', '')`;
  }
  inventory = createInventoryService({
    repository: createInventoryRepository(database),
    transaction: database.transaction,
    log: createLog('silent'),
  });
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});

const hash = 'a'.repeat(64);
async function report(sections: Record<string, unknown>, takenAt = (at += 1000)): Promise<void> {
  const list = Object.entries(sections).map(([name, data]) => ({ name, hash, data }));
  await inventory.inventory({ nodeId }, { t: 'inventory', takenAt, sections: list });
}
const changes = async () =>
  (await inventory.changes(nodeId, {})).changes.map(({ path, before, after }) => ({ path, before, after }));

describe('inventory', () => {
  it('keeps each change with its time, one that adds, one that takes away and one that alters', async () => {
    expect(await inventory.isEmpty(nodeId)).toBe(true);
    await report({
      packages: [
        { name: 'acl', version: '1' },
        { name: 'nginx', version: '1' },
      ],
      os: { kernel: '6.1' },
    });
    expect(await inventory.isEmpty(nodeId)).toBe(false);
    // The first report is no change.
    expect(await changes()).toEqual([]);
    await report({
      packages: [
        { name: 'apache2', version: '2' },
        { name: 'nginx', version: '2' },
      ],
    });
    expect(await changes()).toEqual([
      { path: '[apache2]', before: null, after: { name: 'apache2', version: '2' } },
      { path: '[nginx].version', before: '1', after: '2' },
      { path: '[acl]', before: { name: 'acl', version: '1' }, after: null },
    ]);
    const { sections } = await inventory.sections(nodeId);
    expect(sections.map(({ name, takenAt, changedAt }) => [name, at - takenAt, at - changedAt])).toEqual([
      ['os', 1000, 1000],
      ['packages', 0, 0],
    ]);
  });

  it('takes a repeated report without a change, whatever hash the node claims', async () => {
    const before = await changes();
    await report({
      packages: [
        { name: 'apache2', version: '2' },
        { name: 'nginx', version: '2' },
      ],
    });
    expect(await changes()).toEqual(before);
  });

  it('drops late news of a slow link and sections that it does not know', async () => {
    await report({ os: { kernel: 'old' } }, at - 500_000);
    await report({ surprise: { x: 1 } });
    const { sections } = await inventory.sections(nodeId);
    expect(sections.find(({ name }) => name === 'os')?.data).toEqual({ kernel: '6.1' });
    expect(sections.map(({ name }) => name)).toEqual(['os', 'packages']);
  });

  it('takes nothing for a section too: a node cannot make the controller stumble over it', async () => {
    await report({ updates: null });
    await report({ updates: [] });
    expect((await inventory.sections(nodeId)).sections.find(({ name }) => name === 'updates')?.data).toEqual([]);
    await fixture.sql`DELETE FROM inventory_section WHERE name = 'updates'`;
  });

  it('stores hostile data as data', async () => {
    const hostile = { 'na\0me': '<img src=x onerror=alert(1)>', half: '\ud83d', list: ['"; DROP TABLE node; --'] };
    await report({ os: hostile });
    const { sections } = await inventory.sections(nodeId);
    expect(sections[0]?.data).toEqual({
      'na\uFFFDme': '<img src=x onerror=alert(1)>',
      half: '\uFFFD',
      list: ['"; DROP TABLE node; --'],
    });
  });

  it('reads changes page by page, of that node only', async () => {
    for (let n = 0; n < 12; n += 1) await report({ os: { kernel: `6.${n}` } });
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<InventoryService['changes']>> = await inventory.changes(nodeId, {
        limit: 5,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.changes);
      cursor = page.cursor;
    } while (cursor !== null);
    expect(seen).toEqual((await inventory.changes(nodeId, { limit: 1000 })).changes);
    expect(seen.length).toBeGreaterThan(12);
    expect((await inventory.changes(other, {})).changes).toEqual([]);
  });
});
