import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { storableJson } from './storable-json.ts';

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await createTestDatabase();
});
afterAll(() => fixture.drop());

describe('storableJson', () => {
  it('makes what a hostile node reports storable: NUL, half a surrogate pair, endless nesting', async () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 5000; level += 1) deep = { deep };
    const hostile = { 'na\0me': 'a\0b', half: '\ud83d', whole: '\u{1F600}', list: [null, true, 1.5, '<script>'], deep };
    const stored = storableJson(hostile);
    const [row] = await fixture.sql`SELECT ${JSON.stringify(stored)}::text::jsonb AS value`;
    expect(row?.['value']).toMatchObject({
      'na\uFFFDme': 'a\uFFFDb',
      half: '\uFFFD',
      whole: '\u{1F600}',
      list: [null, true, 1.5, '<script>'],
    });
  });
});
