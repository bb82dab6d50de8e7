import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLiveDecoder, decodeFamilyBlock, parseSealedChunk, type SeriesList } from '@hauban/shared/metrics';
import { FakeClock } from '@hauban/shared/testing';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Collector, RawSeries } from '../collectors/index.ts';
import { createSpool, zlibDeflate, type Spool } from '../spool/index.ts';
import { createSampler } from './index.ts';
import { createSampling, type Sampling } from './sampling.ts';

const BOOT = '0d9b3c1e-7f7a-4a55-9b39-2c9f3b1f6a10';
/** A multiple of 5 minutes, and one second before it: the first tick opens a window. */
const WINDOW = 1_700_000_100_000;
const START = WINDOW - 1000;

let folder: string;
let clock: FakeClock;
let spool: Spool;
let problems: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-sampling-'));
  clock = new FakeClock(START);
  problems = [];
  spool = await openSpool();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openSpool = (): Promise<Spool> =>
  createSpool({ folder, clock, boot: BOOT, uptimeS: 0, onProblem: (detail) => problems.push(detail) });

/** One counter that grows by 100 a second, one level, and what a test adds. */
class FakeMachine implements Collector {
  readonly name = 'machine';
  readonly family = 'sys';
  readonly everyTicks = 1;
  readonly isLive = true;
  disks = ['sda'];
  declared: string[] = [];
  fails = false;

  series(): readonly RawSeries[] {
    this.declared = [...this.disks];
    return [
      { name: 'sys.load1', from: 'level' },
      ...this.declared.map((disk) => ({ name: `disk.${disk}.reads_per_s`, from: 'counter' }) as const),
    ];
  }

  isStale(): boolean {
    return this.declared.join() !== this.disks.join();
  }

  collect(out: Float64Array): void {
    if (this.fails) throw new Error('broken');
    out[0] = clock.monotonicMs() / 1000;
    this.declared.forEach((_, index) => (out[index + 1] = clock.monotonicMs() / 10));
  }
}

interface Heard {
  readonly lists: SeriesList[];
  readonly frames: Uint8Array[];
}

function sample(collectors: readonly Collector[], store: Spool = spool): { sampling: Sampling; heard: Heard } {
  const heard: Heard = { lists: [], frames: [] };
  const sampling = createSampling(
    {
      clock,
      boot: BOOT,
      store,
      deflate: zlibDeflate,
      collectors,
      beginTick: () => undefined,
      retryMissing: () => undefined,
      cpuUs: () => 0,
      onSeriesList: (list) => heard.lists.push(list),
      onLiveFrame: (bytes) => heard.frames.push(bytes),
      onProblem: (detail) => problems.push(detail),
    },
    { lateMs: 0, cpuMs: 0 },
  );
  return { sampling, heard };
}

interface StoredChunk {
  readonly seq: number;
  readonly startMs: number;
  /** Seconds after `WINDOW`. */
  readonly times: number[];
  readonly columns: Record<string, number[]>;
}

/** All chunks of a spool, oldest first, decoded with the lists that the spool keeps. */
async function storedIn(from: Spool): Promise<StoredChunk[]> {
  const chunks: StoredChunk[] = [];
  for (const key of from.pending(100).toReversed()) {
    const bytes = await from.read(key);
    const list = await from.seriesList(key.listVersion);
    const parsed = parseSealedChunk(bytes ?? new Uint8Array());
    if (!parsed.ok || list === undefined) throw new Error('a chunk can not be read');
    const columns: Record<string, number[]> = {};
    let times: number[] = [];
    for (const { family, block } of parsed.value.families) {
      const decoded = decodeFamilyBlock(block, zlibDeflate);
      if (!decoded.ok) throw new Error(decoded.problem);
      times = [...decoded.value.offsetsMs].map((offset) => (parsed.value.startMs + offset - WINDOW) / 1000);
      list.byFamily[family].forEach(
        (position, i) => (columns[list.series[position]?.name ?? ''] = [...(decoded.value.columns[i] ?? [])]),
      );
    }
    chunks.push({ seq: parsed.value.seq, startMs: parsed.value.startMs, times, columns });
  }
  return chunks;
}

const stepTo = (from: number, to: number, step: number): number[] =>
  Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);

describe('sampling', () => {
  test('every 10 s a frame, every 5 minutes a chunk; the first tick has rates already', async () => {
    const { sampling, heard } = sample([new FakeMachine()]);
    await sampling.start();
    clock.advance(301_000);
    await sampling.stop();
    expect(heard.lists).toHaveLength(1);
    expect(heard.frames).toHaveLength(31);
    const [first, second] = await storedIn(spool);
    expect(first?.times).toEqual(stepTo(0, 290, 10));
    expect(first?.columns['disk.sda.reads_per_s']).toEqual(Array.from({ length: 30 }, () => 1000));
    expect(first?.startMs).toBe(WINDOW);
    expect(second?.times).toEqual([300]);
    expect(second?.seq).toBe((first?.seq ?? 0) + 1);
    expect(clock.pending).toBe(0);
    expect(readdirSync(folder).filter((name) => name.endsWith('.window'))).toEqual([]);
    expect(problems).toEqual([]);
  });

  test('METRIC4 watched: a frame each second, the stored ticks stay at 10 s and are means of their 10 s', async () => {
    const machine = new FakeMachine();
    let burst = 0;
    machine.collect = (out) => {
      out[0] = 0;
      out[1] = burst;
    };
    const { sampling, heard } = sample([machine]);
    await sampling.start();
    sampling.setPeriod(1000);
    clock.advance(1000);
    for (let second = 1; second <= 20; second += 1) {
      if (second === 10) burst += 1000;
      clock.advance(1000);
    }
    sampling.setPeriod(10_000);
    clock.advance(10_000);
    await sampling.stop();
    expect(heard.frames).toHaveLength(22);
    const [chunk] = await storedIn(spool);
    expect(chunk?.times).toEqual([0, 10, 20, 30]);
    expect(chunk?.columns['disk.sda.reads_per_s']?.slice(1)).toEqual([1000, 0, 0]);
  });

  test('METRIC1 frames follow their list: the first is a key frame, so is the first of a new connection', async () => {
    const { sampling, heard } = sample([new FakeMachine()]);
    await sampling.start();
    clock.advance(11_000);
    const [list] = heard.lists;
    if (list === undefined) throw new Error('no list');
    const decoder = createLiveDecoder(list);
    expect(
      heard.frames.map((frame) => decoder.decode(frame)).map((decoded) => decoded.ok && decoded.tick.isKey),
    ).toEqual([true, false]);
    sampling.forceKeyFrame();
    clock.advance(10_000);
    const late = createLiveDecoder(list).decode(heard.frames[2] ?? new Uint8Array());
    expect(late).toMatchObject({ ok: true, tick: { isKey: true, timeMs: WINDOW + 20_000 } });
    await sampling.stop();
  });

  test('a new device: a new list and chunk within a minute, and no gap in the series of the others', async () => {
    const machine = new FakeMachine();
    const { sampling, heard } = sample([machine]);
    await sampling.start();
    clock.advance(21_000);
    machine.disks = ['sda', 'sdb'];
    clock.advance(60_000);
    await sampling.stop();
    expect(heard.lists).toHaveLength(2);
    const [before, after] = await storedIn(spool);
    expect(before?.columns['disk.sdb.reads_per_s']).toBeUndefined();
    expect([...(before?.times ?? []), ...(after?.times ?? [])]).toEqual(stepTo(0, 80, 10));
    expect(after?.columns['disk.sda.reads_per_s']).toEqual([1000, 1000, 1000]);
    expect(after?.columns['disk.sdb.reads_per_s']).toEqual([Number.NaN, 1000, 1000]);
  });

  test('a collector that throws costs its own series, not the tick', async () => {
    const machine = new FakeMachine();
    const other: Collector = {
      name: 'other',
      family: 'sys',
      everyTicks: 1,
      isLive: true,
      series: () => [{ name: 'sys.load5', from: 'level' }],
      collect: (out) => out.fill(4),
    };
    const { sampling } = sample([machine, other]);
    machine.fails = true;
    await sampling.start();
    clock.advance(1000);
    await sampling.stop();
    const [chunk] = await storedIn(spool);
    expect(chunk?.columns).toEqual({
      'disk.sda.reads_per_s': [Number.NaN],
      'sys.load1': [Number.NaN],
      'sys.load5': [400],
    });
    expect(problems[0]).toBe('collector machine failed');
  });

  test('slow collectors run every so many ticks; a refresh never runs twice at a time', async () => {
    let collected = 0;
    let refreshes = 0;
    let finish: (() => void) | undefined;
    const slow: Collector = {
      name: 'slow',
      family: 'sys',
      everyTicks: 6,
      isLive: false,
      series: () => [{ name: 'sys.load5', from: 'level' }],
      collect: (out) => void (out[0] = ++collected),
    };
    const hanging: Collector = {
      name: 'hanging',
      family: 'sys',
      everyTicks: 1,
      isLive: false,
      series: () => [{ name: 'sys.load15', from: 'level' }],
      collect: (out) => void (out[0] = 1),
      refresh: () => {
        refreshes += 1;
        return new Promise((resolve) => (finish = resolve));
      },
    };
    const { sampling } = sample([slow, hanging]);
    await sampling.start();
    clock.advance(1000 + 110_000);
    expect(collected).toBe(3);
    expect(refreshes).toBe(1);
    finish?.();
    await new Promise(setImmediate);
    clock.advance(10_000);
    expect(refreshes).toBe(2);
    finish?.();
    await sampling.stop();
  });

  test('a clock set back by seconds stores no tick twice; set back by an hour it begins a new chunk', async () => {
    const { sampling } = sample([new FakeMachine()]);
    await sampling.start();
    clock.advance(61_000);
    clock.jumpWall(-25_000);
    clock.advance(60_000);
    clock.jumpWall(-3_600_000);
    clock.advance(20_000);
    await sampling.stop();
    const chunks = await storedIn(spool);
    const times = chunks.map((chunk) => chunk.times);
    expect(times).toHaveLength(2);
    for (const one of times) expect(one).toEqual([...new Set(one)].toSorted((a, b) => a - b));
    expect(times.flat().some((time) => time < -3000)).toBe(true);
  });

  test('a folder that takes no journal costs a warning, not the chunk', async () => {
    const broken: Spool = { ...spool, openJournal: () => Promise.reject(new Error('no space')) };
    const { sampling } = sample([new FakeMachine()], broken);
    await sampling.start();
    clock.advance(11_000);
    await sampling.stop();
    expect((await storedIn(spool))[0]?.times).toEqual([0, 10]);
    expect(problems).toHaveLength(1);
  });
});

/** Ticks as fast as it can through one window after another, and says each tick whose row the kernel has. */
const TICKER = `
  import { createSpool, zlibDeflate } from '../spool/index.ts';
  import { createSampling } from './sampling.ts';
  const [folder, boot, startMs] = process.argv.slice(2);
  let nowMs = Number(startMs);
  let due;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, after: (delayMs, call) => { due = { atMs: nowMs + delayMs, call }; return { cancel() {} }; }, every() {} };
  const spool = await createSpool({ folder, clock, boot, uptimeS: 0, onProblem: (detail) => process.send({ problem: detail }) });
  let rows = 0;
  const counted = async (journal) => ({ ...journal, append: async (row) => { await journal.append(row); rows += 1; } });
  const store = { ...spool, openJournal: async (head) => counted(await spool.openJournal(head)) };
  const machine = { name: 'machine', family: 'sys', everyTicks: 1, isLive: true, series: () => [{ name: 'sys.load1', from: 'level' }], collect: (out) => { out[0] = nowMs / 10_000 % 1000; } };
  const sampling = createSampling({ clock, boot, store, deflate: zlibDeflate, collectors: [machine], beginTick() {}, retryMissing() {}, cpuUs: () => 0, onSeriesList() {}, onLiveFrame() {}, onProblem: (detail) => process.send({ problem: detail }) }, { lateMs: 0, cpuMs: 0 });
  await sampling.start();
  for (let taken = 1; ; taken += 1) {
    const { atMs, call } = due;
    nowMs = atMs;
    call();
    while (rows < taken) await new Promise((resolve) => setTimeout(resolve, 1));
    process.send({ tick: nowMs });
  }
`;

describe('killed with signal 9', () => {
  test('METRIC2 no tick that was taken is lost or doubled, whenever the kill comes', async () => {
    const program = join(folder, 'ticker.mjs');
    await build({
      stdin: { contents: TICKER, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['source'],
      outfile: program,
      logLevel: 'error',
    });
    const taken: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      // An hour on: the killed one may have taken more ticks than it could still tell, and time must not go back.
      const startMs = (taken.at(-1) ?? START) + 3_600_000;
      const child = fork(program, [folder, BOOT, String(startMs)], { execArgv: [] });
      const ticks: number[] = [];
      child.on('message', (message: { tick?: number; problem?: string }) => {
        expect(message.problem).toBeUndefined();
        if (message.tick !== undefined) ticks.push(message.tick);
        if (ticks.length === 25 + round * 3) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      taken.push(...ticks);
    }
    clock.advance((taken.at(-1) ?? START) + 3_600_000 - START);
    spool = await openSpool();
    const { sampling } = sample([new FakeMachine()]);
    await sampling.start();
    await sampling.stop();
    const stored = (await storedIn(spool)).flatMap((chunk) => chunk.times.map((time) => WINDOW + time * 1000));
    expect(stored.length).toBe(new Set(stored).size);
    const kept = new Set(stored);
    expect(taken.filter((tick) => !kept.has(tick))).toEqual([]);
    expect(taken.length).toBeGreaterThan(200);
    expect(problems).toEqual([]);
  });
});

describe('on this machine', () => {
  test('the real sampler declares more than 100 series and its frames decode', async () => {
    const lists: SeriesList[] = [];
    const frames: Uint8Array[] = [];
    const sampler = createSampler({
      clock,
      boot: BOOT,
      spool,
      deflate: zlibDeflate,
      uid: process.getuid?.() ?? 0,
      clockOffsetMs: () => 0,
      cpuUs: () => process.cpuUsage().user,
      rssBytes: () => process.memoryUsage.rss(),
      onSeriesList: (list) => lists.push(list),
      onLiveFrame: (bytes) => frames.push(bytes),
      onProblem: (detail) => problems.push(detail),
    });
    await sampler.start();
    clock.advance(61_000);
    await sampler.stop();
    const [list] = lists;
    if (list === undefined) throw new Error('no list');
    expect(list.series.length).toBeGreaterThan(100);
    const decoder = createLiveDecoder(list);
    let scaled: Float64Array = new Float64Array();
    for (const frame of frames) {
      const decoded = decoder.decode(frame);
      if (!decoded.ok) throw new Error(decoded.problem);
      scaled = decoded.tick.scaled;
    }
    const value = (name: string): number | undefined => scaled[list.series.findIndex((one) => one.name === name)];
    expect(value('mem.total_bytes')).toBeGreaterThan(10_000);
    expect(value('cpu.cores')).toBeGreaterThan(0);
    expect((await storedIn(spool))[0]?.times).toEqual(stepTo(0, 60, 10));
    expect(problems).toEqual([]);
  });
});
