import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { createDatabase } from '../../packages/controller/src/db/database.ts';
import { admitChunk } from '../../packages/controller/src/metrics/chunk-intake.ts';
import { dayOf, PARTITION_PLANS, partitionOf } from '../../packages/controller/src/metrics/metric-partitions.ts';
import { createMetricsRepository } from '../../packages/controller/src/metrics/metrics.repository.ts';
import { startEmbeddedPostgres } from '../../packages/standalone/src/postgres/embedded-postgres.ts';
import { connectAdmin } from '../support/postgres-database.ts';
import { decodeFamilyBlock, parseSealedChunk } from '@hauban/shared/metrics';

/** Bytes per sample of a whole relation after VACUUM, with its indexes and TOAST. */
export interface Storage {
  readonly chunkBytes: number;
  readonly rollupBytes: number;
  readonly walBytes: number;
  readonly chunksPerS: number;
  /** The floor: a row a sample with a primary key. */
  readonly rowBytes: number;
}

const NODES = 40;
const CHUNKS_PER_NODE = 60;
const FLOOR_ROWS = 100_000;
const inflate = (bytes: Uint8Array, maxBytes: number): Uint8Array =>
  inflateRawSync(bytes, { maxOutputLength: maxBytes });

type Admin = ReturnType<typeof connectAdmin>;

const sizeOf = async (sql: Admin, parent: string): Promise<number> => {
  await sql.unsafe(`VACUUM ANALYZE ${parent}`);
  const [row] = await sql`
    SELECT coalesce(sum(pg_total_relation_size(inhrelid)), pg_total_relation_size(${parent}::regclass))::float8 AS size
    FROM pg_inherits WHERE inhparent = ${parent}::regclass`;
  return Number(row?.['size']);
};

/** The migrations as they are: a bundle has another place than the sources that look for them. */
async function makeTables(sql: Admin): Promise<void> {
  const folder = join(process.cwd(), 'packages/controller/migrations');
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()) {
    await sql.unsafe(readFileSync(join(folder, file), 'utf8'));
  }
}

async function rowPerSample(sql: Admin): Promise<number> {
  await sql`CREATE TABLE sample (series integer, at timestamptz, value float8, PRIMARY KEY (series, at))`;
  await sql`
    INSERT INTO sample SELECT n % 180, to_timestamp(1.7e9 + (n / 180) * 10), random()
    FROM generate_series(1, ${FLOOR_ROWS}::integer) AS n`;
  return (await sizeOf(sql, 'sample')) / FLOOR_ROWS;
}

/** What the recorded chunks can be stored as; the list is made up, for the blocks do not name their series. */
function recordsOf(chunks: readonly Uint8Array[]) {
  return chunks.map((bytes) => {
    const parsed = parseSealedChunk(bytes);
    if (!parsed.ok) throw new Error(parsed.problem);
    const columns = parsed.value.families.map(({ family, block }) => {
      const decoded = decodeFamilyBlock(block, { inflate });
      return [family, decoded.ok ? decoded.value.columns.map((_, i) => i) : []] as const;
    });
    const byFamily = Object.fromEntries(columns) as never;
    const admitted = admitChunk(
      '',
      parsed.value,
      { version: parsed.value.listVersion, series: [], byFamily },
      parsed.value.endMs,
      { inflate },
    );
    if (!admitted.ok) throw new Error(admitted.problem);
    return {
      record: admitted.record,
      samples: parsed.value.ticks * columns.reduce((sum, [, series]) => sum + series.length, 0),
    };
  });
}

const nodeId = (node: number): string => `00000000-0000-4000-8000-${String(node).padStart(12, '0')}`;

/** Stores the recorded chunks for many nodes through the controller's own repository in a real PostgreSQL, and measures. */
export async function storeInPostgres(folder: string, chunks: readonly Uint8Array[]): Promise<Storage> {
  const server = await startEmbeddedPostgres({ dataDir: folder });
  try {
    const database = createDatabase({ url: server.url, poolSize: 1 });
    const sql = connectAdmin(server.url);
    await makeTables(sql);
    const repository = createMetricsRepository(database);
    const recorded = recordsOf(chunks);
    const day = dayOf(recorded[0]?.record.startMs ?? 0);
    for (const plan of Object.values(PARTITION_PLANS)) await repository.makePartition(partitionOf(plan, day));
    const logAt = async (): Promise<string> => String((await sql`SELECT pg_current_wal_lsn() AS at`)[0]?.['at']);
    const logBefore = await logAt();
    const begin = performance.now();
    let samples = 0;
    for (let seq = 0; seq < CHUNKS_PER_NODE; seq += 1) {
      for (let node = 0; node < NODES; node += 1) {
        const one = recorded[(seq + node) % recorded.length];
        if (one === undefined) continue;
        await repository.saveChunk({
          ...one.record,
          nodeId: nodeId(node),
          seq,
          startMs: day * 86_400_000 + seq * 300_000,
        });
        samples += one.samples;
      }
    }
    const seconds = (performance.now() - begin) / 1000;
    const [log] = await sql`SELECT pg_wal_lsn_diff(${await logAt()}::pg_lsn, ${logBefore}::pg_lsn)::float8 AS bytes`;
    const storage = {
      chunkBytes: (await sizeOf(sql, 'metric_chunk')) / samples,
      rollupBytes: (await sizeOf(sql, 'metric_rollup')) / samples,
      walBytes: Number(log?.['bytes']) / samples,
      chunksPerS: (NODES * CHUNKS_PER_NODE) / seconds,
      rowBytes: await rowPerSample(sql),
    };
    await sql.end();
    await database.close();
    return storage;
  } finally {
    await server.stop();
  }
}
