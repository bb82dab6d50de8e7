import * as api from '@hauban/shared/api';
import { SeededRandom } from '@hauban/shared/testing';
import { Compile } from 'typebox/compile';
import { expect, it } from 'vitest';
import { mutateBytes } from '../../../../test/support/mutate-bytes.ts';

/** Every schema of the REST interface, as the server checks bodies with it. `FUZZ_SEED=<n>` runs another seed. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const INPUTS = process.env['HAUBAN_REDTEAM'] === 'full' ? 100_000 : 2000;
const NODE = '0b0e7a52-3c1e-4d52-9a52-2f6f0c1d9a11';

const SCHEMAS = Object.entries(api as Record<string, unknown>).filter(
  ([, value]) => typeof value === 'object' && value !== null && '~kind' in value,
);
const BODIES = [
  { name: 'ann', password: 'x'.repeat(20) },
  { name: 'x', expiresInDays: 3 },
  { action: 'node.ping', args: {}, nodes: [NODE], mode: 'apply' },
  { columns: 80, rows: 25, user: 'root' },
  { labels: { a: 'b' }, roles: ['web'] },
].map((body) => Buffer.from(JSON.stringify(body)));

/** What Fastify makes of a body: a value, or nothing when it is no JSON. */
function readBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

it('a hostile body crashes the check of no schema and leaves nothing behind', { timeout: 3_600_000 }, () => {
  expect(SCHEMAS.length).toBeGreaterThan(40);
  const checks = SCHEMAS.map(([, schema]) => Compile(schema as never));
  const fits = (value: unknown): number => checks.filter((check) => check.Check(value)).length;
  // The samples are near to what is accepted.
  expect(BODIES.filter((bytes) => fits(readBody(bytes)) > 0).length).toBeGreaterThanOrEqual(4);
  const random = new SeededRandom(SEED);
  for (let n = 0; n < INPUTS; n += 1) fits(readBody(mutateBytes(BODIES, random)));
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  process.stderr.write(`REST bodies: ${INPUTS} inputs to ${checks.length} schemas, seed ${SEED}, no crash\n`);
});
