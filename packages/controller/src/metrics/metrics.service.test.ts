import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { randomUUID } from 'node:crypto';
import {
  catalogueSeries,
  createLiveEncoder,
  createSeriesList,
  crc32,
  sealChunk,
  seriesListToJson,
  toScaled,
  type Deflate,
  type SeriesList,
} from '@hauban/shared/metrics';
import type { NodeId } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createMetricsRepository } from './metrics.repository.ts';
import { createMetricsService, expandNames, type MetricsService, type NodeTick } from './metrics.service.ts';

const zlib: Deflate = {
  deflate: (bytes) => deflateRawSync(bytes),
  inflate: (bytes, maxBytes) => {
    try {
      return inflateRawSync(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      if (error instanceof Error && 'code' in error) return undefined;
      throw error;
    }
  },
};

const HOUR = 3_600_000;
const WINDOW = 300_000;
/** A whole hour in UTC. */
const NOW = Math.floor(1_700_000_000_000 / HOUR) * HOUR;
const JOIN_TOKEN = randomUUID();
const BOOT = '0d9b3c1e-7f7a-4a55-9b39-2c9f3b1f6a10';
const NAMES = [
  'cpu.user',
  'cpu.idle',
  'mem.total_bytes',
  'mem.used_bytes',
  'net.eth0.rx_bytes_per_s',
  'fs./.used_ratio',
  'fs./.inodes_used_ratio',
  'fs./var.used_ratio',
  'sys.load1',
  'sys.failed_units',
];
const list = createSeriesList(NAMES.map(catalogueSeries));

let fixture: TestDatabase;
let database: Database;
let clock: FakeClock;
let metrics: MetricsService;
let nodeId: NodeId;
let warnings: { problem?: string }[];

beforeAll(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  await fixture.sql`
    INSERT INTO join_token (id, secret_hash, created_at, created_by, expires_at, uses, uses_left, labels, roles)
    VALUES (${JOIN_TOKEN}, 'x', 0, 'test', 1, 1, 0, '{}', '{}')`;
});
afterAll(async () => {
  await database.close();
  await fixture.drop();
});
beforeEach(async () => {
  clock = new FakeClock(NOW);
  nodeId = await addNode();
  warnings = [];
  metrics = startService();
  await metrics.start();
});
afterEach(() => metrics.stop());

function startService(): MetricsService {
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields: object) => void warnings.push(fields),
    error: (fields: object) => void warnings.push(fields),
  };
  return createMetricsService({ repository: createMetricsRepository(database), clock, log, inflate: zlib.inflate });
}

async function addNode(): Promise<NodeId> {
  const id = randomUUID() as NodeId;
  await fixture.sql`
    INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
    VALUES (${id}, 'n', ${id}, 'r', ${JOIN_TOKEN}, '{}', '{}', 0, 'Debian', '0')`;
  return id;
}

interface Made {
  readonly seq: number;
  readonly startMs: number;
  readonly ticks?: number;
  readonly of?: SeriesList;
  /** Value of a series at a tick; NaN is a gap. */
  readonly value?: (name: string, tick: number) => number;
}

/** Seals a chunk as an agent does. */
function makeChunk({ seq, startMs, ticks = 30, of = list, value = (_, tick) => tick }: Made): Uint8Array {
  const timesMs = Array.from({ length: ticks }, (_, tick) => startMs + tick * 10_000);
  const rows = timesMs.map((_, tick) =>
    Float64Array.from(of.series, (series) => toScaled(value(series.name, tick), series.scale)),
  );
  return sealChunk({ boot: BOOT, seq, list: of, startMs, timesMs, rows }, zlib);
}

const declare = (of: SeriesList = list, id = nodeId): Promise<void> =>
  metrics.series({ nodeId: id }, JSON.parse(JSON.stringify(seriesListToJson(of))));
const send = (made: Made, id = nodeId) => metrics.chunk({ nodeId: id }, makeChunk(made));
const rowsIn = async (table: string): Promise<number> =>
  Number((await fixture.sql`SELECT count(*) AS n FROM ${fixture.sql(table)} WHERE node_id = ${nodeId}`)[0]?.['n']);

const ask = (series: string, from: number, to: number, points?: number, extremes?: boolean) =>
  metrics.query(nodeId, {
    series,
    from,
    to,
    ...(points === undefined ? {} : { points }),
    ...(extremes === undefined ? {} : { extremes }),
  });
const valueAt = (reply: Awaited<ReturnType<typeof ask>>, name: string, timeMs: number): number | null | undefined =>
  reply.series.find((one) => one.name === name)?.values[reply.times.indexOf(timeMs)];

describe('chunks', () => {
  it('METRIC2 are stored once and acknowledged only when they are', async () => {
    await declare();
    const made = { seq: 7, startMs: NOW - WINDOW };
    expect(await send(made)).toEqual({ boot: BOOT, seq: 7 });
    expect([await rowsIn('metric_chunk'), await rowsIn('metric_rollup')]).toEqual([1, 1]);
    expect(await send(made)).toEqual({ boot: BOOT, seq: 7 });
    expect([await rowsIn('metric_chunk'), await rowsIn('metric_rollup')]).toEqual([1, 1]);
    const reply = await ask('cpu.user', NOW - WINDOW, NOW - 10_000, 30);
    expect(reply.stepMs).toBe(10_000);
    expect(reply.series[0]?.values).toEqual(Array.from({ length: 30 }, (_, tick) => tick));
  });

  it('METRIC2 sent by ten links at once are one row', async () => {
    await declare();
    const bytes = makeChunk({ seq: 1, startMs: NOW - WINDOW });
    const acks = await Promise.all(Array.from({ length: 10 }, () => metrics.chunk({ nodeId }, bytes)));
    expect(acks.every((ack) => ack?.seq === 1)).toBe(true);
    expect(await rowsIn('metric_chunk')).toBe(1);
  });

  it('a late one, of a day without a partition, is stored; one older than raw samples are kept leaves its rollup', async () => {
    await declare();
    expect(await send({ seq: 1, startMs: NOW - 6 * 24 * HOUR })).not.toBeNull();
    expect(await send({ seq: 2, startMs: NOW - 40 * 24 * HOUR })).not.toBeNull();
    expect([await rowsIn('metric_chunk'), await rowsIn('metric_rollup')]).toEqual([1, 2]);
    const reply = await ask('cpu.user', NOW - 41 * 24 * HOUR, NOW - 39 * 24 * HOUR, 500);
    expect(reply.series[0]?.values.filter((value) => value !== null)).toEqual([14.5]);
  });

  it('lie as the migration says: no second compression, one partition a day', async () => {
    await declare();
    await send({ seq: 1, startMs: NOW - WINDOW });
    const [row] = await fixture.sql`
      SELECT c.relname, a.attstorage FROM metric_chunk m JOIN pg_class c ON c.oid = m.tableoid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'cpu' WHERE m.node_id = ${nodeId}`;
    expect(row).toEqual({ relname: `metric_chunk_d${Math.floor((NOW - WINDOW) / 86_400_000)}`, attstorage: 'e' });
  });

  /** Alters a chunk and makes its checksum right again, as a hostile node would. */
  const forge = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = makeChunk({ seq: 1, startMs: NOW - WINDOW });
    change(bytes);
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)));
    return bytes;
  };

  it.each<[string, () => Uint8Array, RegExp]>([
    ['damaged bytes', () => makeChunk({ seq: 1, startMs: NOW - WINDOW }).subarray(0, 90), /checksum/],
    [
      'another program’s bytes',
      () => new TextEncoder().encode('<script>alert(1)</script>'.repeat(10)),
      /does not begin/,
    ],
    [
      'a list that was never declared',
      () => makeChunk({ seq: 1, startMs: NOW - WINDOW, of: createSeriesList([catalogueSeries('sys.load5')]) }),
      /never declared/,
    ],
    ['a time in the future', () => makeChunk({ seq: 1, startMs: NOW + 2 * HOUR }), /set the clock/],
    ['a time before anything that is kept', () => makeChunk({ seq: 1, startMs: NOW - 91 * 24 * HOUR }), /older than/],
    ['more than an hour', () => makeChunk({ seq: 1, startMs: NOW - 2 * HOUR, ticks: 400 }), /more than an hour/],
    [
      'rollups that lie',
      () => forge((bytes) => (bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1)),
      /rollups|damaged/,
    ],
  ])('refuses and does not acknowledge %s', async (_, make, wanted) => {
    await declare();
    expect(await metrics.chunk({ nodeId }, make())).toBeNull();
    expect(warnings.at(-1)?.problem).toMatch(wanted);
    expect(await rowsIn('metric_rollup')).toBe(0);
  });

  it('any byte altered under a right checksum is refused or stored readable, and nothing throws', async () => {
    await declare();
    const length = makeChunk({ seq: 1, startMs: NOW - WINDOW }).length;
    for (let at = 0; at < length - 4; at += 3) {
      const ack = await metrics.chunk(
        { nodeId },
        forge((bytes) => (bytes[at] = (bytes[at] ?? 0) ^ 0x15)),
      );
      if (ack !== null) await ask('*', NOW - 2 * HOUR, NOW, 100);
    }
  });

  it('of one node do not answer for another', async () => {
    await declare();
    await send({ seq: 1, startMs: NOW - WINDOW });
    const other = await addNode();
    await declare(list, other);
    const reply = await metrics.query(other, { series: 'cpu.user', from: NOW - WINDOW, to: NOW });
    expect(reply.series[0]?.values.every((value) => value === null)).toBe(true);
  });
});

describe('lists of series', () => {
  it('METRIC1 a declared list names the series, with unit and sentence', async () => {
    await declare();
    const series = await metrics.seriesOf(nodeId);
    expect(series.map((one) => one.name)).toEqual(NAMES);
    expect(series[4]).toEqual({
      name: 'net.eth0.rx_bytes_per_s',
      family: 'net',
      unit: 'bytes_per_s',
      says: 'Bytes received.',
    });
    await metrics.stop();
    expect(await startService().seriesOf(nodeId)).toEqual(series);
  });

  it('a hostile list is refused and changes nothing', async () => {
    await declare();
    await metrics.series(
      { nodeId },
      { version: list.version, series: [['fs.<script>.size_bytes', 'bytes', 'gauge', 1]] },
    );
    await metrics.series({ nodeId }, null);
    expect(warnings).toHaveLength(2);
    expect((await metrics.seriesOf(nodeId)).map((one) => one.name)).toEqual(NAMES);
  });

  it('a new list: old chunks are read with the old one', async () => {
    const grown = createSeriesList(['disk.sda.reads_per_s', ...NAMES].map(catalogueSeries));
    await declare();
    await send({ seq: 1, startMs: NOW - 2 * WINDOW, value: () => 1 });
    clock.advance(1000);
    await declare(grown);
    await send({ seq: 2, startMs: NOW - WINDOW, of: grown, value: () => 2 });
    const reply = await ask('cpu.user,disk.sda.reads_per_s', NOW - 2 * WINDOW, NOW - 1, 60);
    const values = (name: string) => reply.series.find((one) => one.name === name)?.values ?? [];
    expect(values('cpu.user')).toEqual([
      ...Array.from({ length: 30 }, () => 1),
      ...Array.from({ length: 30 }, () => 2),
    ]);
    expect(values('disk.sda.reads_per_s').filter((value) => value === null)).toHaveLength(30);
  });

  it('names are asked for exactly or by prefix', () => {
    expect(expandNames('cpu.user, fs.*', NAMES)).toEqual([
      'cpu.user',
      'fs./.used_ratio',
      'fs./.inodes_used_ratio',
      'fs./var.used_ratio',
    ]);
    expect(expandNames('cpu.use,nothing', NAMES)).toEqual([]);
    expect(expandNames('*', NAMES)).toEqual(NAMES);
  });
});

describe('live ticks', () => {
  const tickAt = (
    timeMs: number,
    encoder = createLiveEncoder(list, 'live'),
    value: (name: string) => number = () => 50,
  ): Uint8Array =>
    encoder.encode(
      timeMs,
      Float64Array.from(list.series, (series) => toScaled(value(series.name), series.scale)),
    );

  it('METRIC1 reach the listeners with names and decimals; frames of no declared list do not', async () => {
    const heard: NodeTick[] = [];
    const stop = metrics.onTick((tick) => heard.push(tick));
    metrics.live({ nodeId }, tickAt(NOW));
    await declare();
    const encoder = createLiveEncoder(list, 'live');
    metrics.live(
      { nodeId },
      tickAt(NOW, encoder, (name) => (name === 'sys.load1' ? 0.37 : Number.NaN)),
    );
    metrics.live({ nodeId }, tickAt(NOW + 1000, encoder));
    metrics.live({ nodeId }, Uint8Array.of(0x11, 1, 2, 3));
    stop();
    metrics.live({ nodeId }, tickAt(NOW + 2000));
    expect(heard.map((tick) => tick.at)).toEqual([NOW, NOW + 1000]);
    expect(heard[0]?.values[8]).toBe(0.37);
    expect(heard[0]?.values[0]).toBeNull();
    expect(heard[0]?.names).toBe(heard[1]?.names);
  });

  it('an older list declared in between for a chunk does not disturb them', async () => {
    const older = createSeriesList(NAMES.slice(1).map(catalogueSeries));
    await declare();
    const encoder = createLiveEncoder(list, 'live');
    metrics.live({ nodeId }, tickAt(NOW, encoder));
    await declare(older);
    metrics.live({ nodeId }, tickAt(NOW + 10_000, encoder));
    expect((await ask('cpu.user', NOW, NOW + 10_000, 10)).series[0]?.values).toEqual([50, 50]);
  });

  it('fill a range where nothing is stored yet, and give way to the chunk', async () => {
    await declare();
    await send({ seq: 1, startMs: NOW - WINDOW, value: () => 10 });
    const encoder = createLiveEncoder(list, 'live');
    for (let timeMs = NOW - 60_000; timeMs <= NOW + 20_000; timeMs += 10_000)
      metrics.live({ nodeId }, tickAt(timeMs, encoder));
    const reply = await ask('cpu.user', NOW - 30_000, NOW + 20_000, 10);
    expect(reply.series[0]?.values).toEqual([10, 10, 10, 50, 50, 50]);
  });

  it('a watched node has a point a second in the last minutes', async () => {
    await declare();
    const encoder = createLiveEncoder(list, 'live');
    for (let second = 0; second < 10; second += 1)
      metrics.live(
        { nodeId },
        tickAt(NOW + second * 1000, encoder, () => second),
      );
    const reply = await ask('cpu.user', NOW, NOW + 9000, 100);
    expect(reply.stepMs).toBe(1000);
    expect(reply.series[0]?.values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('give the figures of the fleet’s table while they are fresh', async () => {
    await declare();
    const values: Record<string, number> = {
      'cpu.idle': 80,
      'mem.total_bytes': 8 * 2 ** 30,
      'mem.used_bytes': 2 * 2 ** 30,
      'fs./.used_ratio': 0.4,
      'fs./var.used_ratio': 0.9,
      'fs./.inodes_used_ratio': 0.99,
      'sys.load1': 1.5,
      'sys.failed_units': 2,
    };
    const encoder = createLiveEncoder(list, 'live');
    metrics.live(
      { nodeId },
      tickAt(NOW, encoder, (name) => values[name] ?? Number.NaN),
    );
    const figures = metrics.figuresOf(nodeId);
    expect(figures.cpuBusyRatio).toBeCloseTo(0.2);
    expect(figures.memoryUsedRatio).toBeCloseTo(0.25, 2);
    expect(figures.fullestFsRatio).toBeCloseTo(0.9, 2);
    expect(figures).toMatchObject({ load1: 1.5, failedUnits: 2 });
    clock.advance(61_000);
    expect(metrics.figuresOf(nodeId).load1).toBeNull();
    expect(metrics.figuresOf(randomUUID()).load1).toBeNull();
  });

  it('of a node that went away are forgotten', async () => {
    await declare();
    metrics.live({ nodeId }, tickAt(NOW));
    clock.advance(16 * 60_000);
    await metrics.upkeep();
    expect((await ask('cpu.user', NOW - 1000, NOW + 1000, 10)).series[0]?.values.every((value) => value === null)).toBe(
      true,
    );
  });
});

describe('ranges', () => {
  it('the points are means of what lies between them; gaps stay gaps', async () => {
    await declare();
    await send({ seq: 1, startMs: NOW - 2 * WINDOW, value: (_, tick) => (tick % 2 === 0 ? 10 : 20) });
    const reply = await ask('cpu.user', NOW - 3 * WINDOW, NOW - 1, 15, true);
    expect(reply.stepMs).toBe(60_000);
    expect(reply.times).toHaveLength(15);
    expect(reply.series[0]?.values).toEqual([
      null,
      null,
      null,
      null,
      null,
      15,
      15,
      15,
      15,
      15,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(reply.series[0]?.min?.[5]).toBe(10);
    expect(reply.series[0]?.max?.[5]).toBe(20);
  });

  it('rollups and hours give the same means, minima and maxima as the samples', async () => {
    await declare();
    const load = (seq: number, tick: number): number => ((seq * 37 + tick * 11) % 90) + tick / 100;
    const from = NOW - 3 * HOUR;
    for (let seq = 0; seq < 36; seq += 1)
      await send({ seq, startMs: from + seq * WINDOW, value: (_, tick) => load(seq, tick) });
    const wanted = Array.from({ length: 3 }, (_, hour) => {
      const samples = Array.from({ length: 360 }, (__, i) => load(hour * 12 + Math.floor(i / 30), i % 30));
      return {
        mean: samples.reduce((sum, value) => sum + value, 0) / 360,
        min: Math.min(...samples),
        max: Math.max(...samples),
      };
    });
    const check = async (): Promise<void> => {
      const byHour = await ask('sys.load1', from, NOW - 1, 10, true);
      expect(byHour.stepMs).toBe(1_800_000);
      const hours = await metrics.query(nodeId, {
        series: 'sys.load1',
        from: from - 200 * HOUR,
        to: NOW - 1,
        points: 210,
        extremes: true,
      });
      expect(hours.stepMs).toBe(HOUR);
      wanted.forEach(({ mean, min, max }, hour) => {
        const at = hours.times.indexOf(from + hour * HOUR);
        expect(hours.series[0]?.values[at]).toBeCloseTo(mean, 1);
        expect(hours.series[0]?.min?.[at]).toBeCloseTo(min, 1);
        expect(hours.series[0]?.max?.[at]).toBeCloseTo(max, 1);
        expect(valueAt(byHour, 'sys.load1', from + hour * HOUR)).not.toBeNull();
      });
    };
    // First from the rollups of hours that are due, then from the joined hours.
    await check();
    clock.advance(HOUR);
    await metrics.upkeep();
    expect(await rowsIn('metric_hour_due')).toBe(0);
    expect(await rowsIn('metric_hour')).toBe(3);
    await check();
  });

  it('a chunk that comes days late makes its hour be joined again', async () => {
    await declare();
    const from = NOW - 48 * HOUR;
    await send({ seq: 1, startMs: from, value: () => 10 });
    await metrics.upkeep();
    await send({ seq: 2, startMs: from + WINDOW, value: () => 30 });
    const hour = async () => valueAt(await ask('cpu.user', from - 400 * HOUR, NOW, 500), 'cpu.user', from);
    expect(await hour()).toBe(20);
    expect(await metrics.upkeep()).toBe(1);
    expect(await hour()).toBe(20);
  });

  it('no chunk is missed by an hour that is joined while chunks come in', async () => {
    await declare();
    const from = NOW - 10 * HOUR;
    const sending = new AbortController();
    const joining = (async () => {
      while (!sending.signal.aborted) await metrics.upkeep();
    })();
    const sent = Array.from({ length: 96 }, (_, i) => i);
    for (let i = 0; i < sent.length; i += 8) {
      await Promise.all(
        sent
          .slice(i, i + 8)
          .map((seq) =>
            send({ seq, startMs: from + (seq % 24) * WINDOW + Math.floor(seq / 24), ticks: 1, value: () => seq }),
          ),
      );
    }
    sending.abort();
    await joining;
    await metrics.upkeep();
    const reply = await ask('cpu.user', from - 400 * HOUR, NOW, 500, true);
    const of = (hour: number): number[] => sent.filter((seq) => Math.floor((seq % 24) / 12) === hour);
    for (const hour of [0, 1]) {
      const at = reply.times.indexOf(from + hour * HOUR);
      expect(reply.series[0]?.values[at]).toBeCloseTo(of(hour).reduce((sum, seq) => sum + seq, 0) / of(hour).length, 1);
      expect(reply.series[0]?.min?.[at]).toBe(Math.min(...of(hour)));
      expect(reply.series[0]?.max?.[at]).toBe(Math.max(...of(hour)));
    }
  });

  it('that can not be, or of too many series, are refused in words', async () => {
    await declare();
    await expect(ask('cpu.user', NOW, NOW)).rejects.toThrow(/`to` must be after `from`/);
    const many = createSeriesList(Array.from({ length: 401 }, (_, core) => catalogueSeries(`cpu.${core}.busy`)));
    await declare(many);
    await expect(ask('cpu.*', NOW - HOUR, NOW)).rejects.toThrow(/at most 400/);
    expect((await ask('nothing', NOW - HOUR, NOW)).series).toEqual([]);
  });
});

describe('partitions', () => {
  it('are there for the days to come, and dropped whole when they were kept long enough', async () => {
    const names = async (): Promise<string[]> =>
      (
        await fixture.sql`SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'metric_chunk'::regclass`
      ).map((row) => row['name'] as string);
    await declare();
    await send({ seq: 1, startMs: NOW - WINDOW });
    const today = Math.floor(NOW / 86_400_000);
    expect(await names()).toEqual(
      expect.arrayContaining([0, 1, 2, 3].map((ahead) => `metric_chunk_d${today + ahead}`)),
    );
    clock.advance(20 * 86_400_000);
    await metrics.upkeep();
    const left = await names();
    expect(left).not.toContain(`metric_chunk_d${today}`);
    expect(left).toContain(`metric_chunk_d${today + 20}`);
    expect(await rowsIn('metric_chunk')).toBe(0);
    expect(await rowsIn('metric_rollup')).toBe(1);
  });

  it('made by two controllers at once are made once', async () => {
    clock.advance(1000 * 86_400_000);
    const both = [startService(), startService()];
    await Promise.all(both.map((service) => service.start()));
    await Promise.all(both.map((service) => service.stop()));
    expect(warnings).toEqual([]);
  });
});
