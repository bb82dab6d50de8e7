/**
 * What metrics cost: bytes of a live frame, bytes of a stored sample, processor time of a tick. Values come from this
 * machine's own /proc under a mixed load; the wall clock is wound forward (a tick of 10 s each second), while rates are
 * taken over the real time between two ticks, so they are as noisy as those of 1 s ticks: the figures are on the safe side.
 */
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { decodeFamilyBlock, parseSealedChunk, type SeriesList } from '@hauban/shared/metrics';
import type { Clock, Timer } from '@hauban/shared/time';
import { readBootId } from '../../packages/agent/src/proc/index.ts';
import { createSampler, STORED_PERIOD_MS } from '../../packages/agent/src/sampler/index.ts';
import { createSpool, zlibDeflate, type Spool } from '../../packages/agent/src/spool/index.ts';
import { storeInPostgres } from './metrics-storage.ts';
import type { BenchRow } from './bench-row.ts';

const RECORDED_TICKS = 90;
const REAL_TICK_MS = 1000;
const HOT_TICKS = 3000;

/** A clock whose wall time moves by one tick when told to; monotonic time is real, so rates are. */
interface WoundClock extends Clock {
  /** Fires the next tick now. */
  tick(): void;
}

function createWoundClock(): WoundClock {
  let nowMs = Math.floor(Date.now() / 300_000) * 300_000 - 1;
  let due: (() => void) | undefined;
  const refuse = (): Timer => {
    throw new Error('the sampler needs no period');
  };
  return {
    nowMs: () => nowMs,
    monotonicMs: () => performance.now(),
    after: (delayMs, callback) => {
      // Deadlines of other parts are not the next tick.
      if (delayMs !== STORED_PERIOD_MS && delayMs !== 1) return { cancel: () => undefined };
      due = callback;
      return { cancel: () => (due = undefined) };
    },
    every: refuse,
    tick: () => {
      nowMs += due === undefined ? 0 : STORED_PERIOD_MS - ((nowMs + STORED_PERIOD_MS) % STORED_PERIOD_MS);
      due?.();
    },
  };
}

interface Rig {
  readonly clock: WoundClock;
  readonly spool: Spool;
  readonly frames: number[];
  readonly list: () => SeriesList;
  stop(): Promise<void>;
}

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function startRig(folder: string): Promise<Rig> {
  const clock = createWoundClock();
  const boot = readBootId('/');
  const spool = await createSpool({ folder, clock, boot, uptimeS: 0, onProblem: (detail) => console.error(detail) });
  const frames: number[] = [];
  const sampler = createSampler({
    clock,
    boot,
    spool,
    deflate: zlibDeflate,
    uid: process.getuid?.() ?? 0,
    clockOffsetMs: () => 3,
    cpuUs,
    rssBytes: () => process.memoryUsage.rss(),
    onSeriesList: () => undefined,
    onLiveFrame: (bytes) => frames.push(bytes.length),
    onProblem: (detail) => console.error(detail),
  });
  await sampler.start();
  return { clock, spool, frames, list: () => sampler.seriesList(), stop: () => sampler.stop() };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Records under load; returns the frames' sizes, the chunks, and what each tick cost while caches were cold. */
async function record(
  folder: string,
): Promise<{ frames: number[]; chunks: Uint8Array[]; series: number; tickUs: number[] }> {
  const load = spawn(process.execPath, [join(process.cwd(), 'test/bench/mixed-load.mjs')], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const rig = await startRig(folder);
  const tickUs: number[] = [];
  for (let tick = 0; tick < RECORDED_TICKS; tick += 1) {
    await pause(REAL_TICK_MS);
    const before = cpuUs();
    rig.clock.tick();
    tickUs.push(cpuUs() - before);
  }
  await rig.stop();
  load.stdin?.end();
  const chunks: Uint8Array[] = [];
  for (const key of rig.spool.pending(100)) {
    const bytes = await rig.spool.read(key);
    if (bytes !== undefined) chunks.push(bytes);
  }
  return { frames: rig.frames, chunks, series: rig.list().series.length, tickUs };
}

function samplesOf(chunk: Uint8Array): {
  samples: number;
  blocks: number;
  rollups: number;
  perFamily: Map<string, [number, number]>;
} {
  const parsed = parseSealedChunk(chunk);
  if (!parsed.ok) throw new Error(parsed.problem);
  const perFamily = new Map<string, [number, number]>();
  let samples = 0;
  let blocks = 0;
  let rollups = 0;
  for (const { family, block, rollup } of parsed.value.families) {
    const decoded = decodeFamilyBlock(block, zlibDeflate);
    if (!decoded.ok) throw new Error(decoded.problem);
    const count = decoded.value.columns.length * decoded.value.offsetsMs.length;
    perFamily.set(family, [count, block.length]);
    samples += count;
    blocks += block.length;
    rollups += rollup.length;
  }
  return { samples, blocks, rollups, perFamily };
}

/** The floor: one JSON text of names and values per tick, deflated per chunk, as a simple agent would store it. */
function jsonFloor(chunk: Uint8Array): number {
  const parsed = parseSealedChunk(chunk);
  if (!parsed.ok) return 0;
  const ticks: unknown[] = [];
  for (const { block } of parsed.value.families) {
    const decoded = decodeFamilyBlock(block, zlibDeflate);
    if (decoded.ok) ticks.push(decoded.value.columns.map((column) => [...column]));
  }
  return deflateRawSync(JSON.stringify(ticks)).length;
}

async function hotTicks(folder: string): Promise<{ us: number; series: number }> {
  const rig = await startRig(folder);
  for (let i = 0; i < 300; i += 1) rig.clock.tick();
  const before = cpuUs();
  for (let i = 0; i < HOT_TICKS; i += 1) {
    rig.clock.tick();
    // Chunks are sealed beside the ticks; let them, and count them in.
    if (i % 30 === 0) await pause(0);
  }
  const us = (cpuUs() - before) / HOT_TICKS;
  const series = rig.list().series.length;
  await rig.stop();
  return { us, series };
}

/** The floor of a tick: reads the same large files over kept-open descriptors and looks at nothing. */
function bareReadUs(): number {
  const paths = [
    'stat',
    'meminfo',
    'vmstat',
    'diskstats',
    'net/dev',
    'net/snmp',
    'net/netstat',
    'net/sockstat',
    'net/sockstat6',
    'loadavg',
    'uptime',
  ];
  const descriptors = paths.map((path) => openSync(`/proc/${path}`, 'r'));
  const buffer = Buffer.alloc(65_536);
  const readAll = (): void => {
    for (const descriptor of descriptors)
      for (let at = 0, count = 1; count > 0; at += count)
        count = readSync(descriptor, buffer, at, buffer.length - at, at);
  };
  for (let i = 0; i < 300; i += 1) readAll();
  const before = cpuUs();
  for (let i = 0; i < HOT_TICKS; i += 1) readAll();
  const us = (cpuUs() - before) / HOT_TICKS;
  for (const descriptor of descriptors) closeSync(descriptor);
  return us;
}

export async function runMetricsBench(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-bench-'));
  try {
    const { frames, chunks, series, tickUs } = await record(join(folder, 'recorded'));
    const deltas = frames.slice(1);
    const parts = chunks.map(samplesOf);
    const sum = (pick: (part: (typeof parts)[number]) => number): number =>
      parts.reduce((total, part) => total + pick(part), 0);
    const samples = sum((part) => part.samples);
    const floor = chunks.reduce((total, chunk) => total + jsonFloor(chunk), 0) / samples;
    const packed = sum((part) => part.blocks) / samples;
    const hot = await hotTicks(join(folder, 'hot'));
    const bareUs = bareReadUs();
    chmodSync(folder, 0o711);
    const stored = await storeInPostgres(join(folder, 'pg'), chunks);
    return [
      { name: 'series on this machine', value: series, unit: 'series' },
      {
        name: 'live frame, mean',
        value: mean(deltas),
        unit: 'B',
        target: 200,
        note: `of ${deltas.length} frames under load`,
      },
      { name: 'live frame, 95 %', value: quantile(deltas, 0.95), unit: 'B', target: 200 },
      { name: 'live frame, key', value: frames[0] ?? 0, unit: 'B', note: 'first of a connection or list' },
      {
        name: 'stored sample, packed',
        value: packed,
        unit: 'B',
        floor,
        ratio: packed / floor,
        note: 'floor: the same values as JSON, deflated',
      },
      {
        name: 'stored sample, in PostgreSQL with index and TOAST',
        value: stored.chunkBytes,
        unit: 'B',
        floor: stored.rowBytes,
        ratio: stored.chunkBytes / stored.rowBytes,
        target: 0.9,
        note: `floor: a row a sample; ${Math.round(stored.chunksPerS)} chunks/s over one connection`,
      },
      {
        name: 'written to the log of PostgreSQL per sample',
        value: stored.walBytes,
        unit: 'B',
        note: 'chunk, rollup, hour',
      },
      { name: 'rollups per sample, in PostgreSQL', value: stored.rollupBytes, unit: 'B', note: 'kept 90 days' },
      {
        name: 'sample on the link, whole chunk with rollups',
        value: chunks.reduce((total, chunk) => total + chunk.length, 0) / samples,
        unit: 'B',
      },
      {
        name: 'rollup of 5 minutes',
        value: sum((part) => part.rollups) / (series * chunks.length),
        unit: 'B/series',
        note: 'minimum, mean, maximum, count',
      },
      {
        name: 'processor time of a tick, hot',
        value: hot.us / 1000,
        unit: 'ms',
        floor: bareUs / 1000,
        ratio: hot.us / bareUs,
        target: 2,
        note: `over ${HOT_TICKS} ticks, journal and sealing included`,
      },
      {
        name: 'processor time of a tick, each second, median',
        value: quantile(tickUs, 0.5) / 1000,
        unit: 'ms',
        target: 2,
        note: 'cold caches, the tick alone',
      },
      { name: 'processor time of a tick, each second, 95 %', value: quantile(tickUs, 0.95) / 1000, unit: 'ms' },
      { name: 'of a core at 10 s ticks', value: quantile(tickUs, 0.5) / 100_000, unit: '%', target: 0.05 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
