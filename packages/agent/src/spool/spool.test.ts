import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogueSeries, createSeriesList, sealChunk } from '@hauban/shared/metrics';
import { FakeClock } from '@hauban/shared/testing';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSpool, zlibDeflate, type Spool, type SpoolDeps } from './index.ts';

const BOOT = '0d9b3c1e-7f7a-4a55-9b39-2c9f3b1f6a10';
const OLD_BOOT = '11111111-7f7a-4a55-9b39-2c9f3b1f6a10';
const list = createSeriesList([catalogueSeries('cpu.user')]);
const START = 1_700_000_100_000;

let folder: string;
let clock: FakeClock;
let problems: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-spool-'));
  clock = new FakeClock(START);
  problems = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (more: Partial<SpoolDeps> = {}): Promise<Spool> =>
  createSpool({ folder, clock, boot: BOOT, uptimeS: 100, onProblem: (detail) => problems.push(detail), ...more });

const chunkBytes = (seq: number, startMs: number, boot = BOOT): Uint8Array =>
  sealChunk({ boot, seq, list, startMs, timesMs: [startMs], rows: [Float64Array.of(seq)] }, zlibDeflate);

async function put(spool: Spool, seq: number, startMs = START + seq * 300_000, boot = BOOT): Promise<Uint8Array> {
  const bytes = chunkBytes(seq, startMs, boot);
  await spool.put({ boot, seq, startMs, listVersion: list.version }, bytes);
  return bytes;
}

const seqs = (spool: Spool): number[] => spool.pending(100).map((chunk) => chunk.seq);

describe('chunks', () => {
  test('METRIC3 are pending newest first until they are acked, across a restart', async () => {
    const spool = await open();
    const bytes = await put(spool, 1);
    await put(spool, 3);
    await put(spool, 2);
    expect(seqs(spool)).toEqual([3, 2, 1]);
    const again = await open();
    expect(seqs(again)).toEqual([3, 2, 1]);
    expect(await again.read({ boot: BOOT, seq: 1 })).toEqual(Buffer.from(bytes));
    await again.ack({ boot: BOOT, seq: 3 });
    await again.ack({ boot: BOOT, seq: 3 });
    expect(seqs(again)).toEqual([2, 1]);
    expect(await again.read({ boot: BOOT, seq: 3 })).toBeUndefined();
    expect(seqs(await open())).toEqual([2, 1]);
  });

  test('a listener hears of each chunk when it is durable', async () => {
    const spool = await open();
    const heard: boolean[] = [];
    const stop = spool.onChunk((chunk) =>
      heard.push(readdirSync(folder).some((name) => name.includes(`-${chunk.seq}-`))),
    );
    await put(spool, 1);
    stop();
    await put(spool, 2);
    expect(heard).toEqual([true]);
  });

  test('beyond the size the oldest go first, counted, and the count survives', async () => {
    const size = chunkBytes(1, START).length;
    const spool = await open({ maxBytes: size * 3 + 2 });
    for (const seq of [1, 2, 3, 4, 5]) await put(spool, seq);
    expect(seqs(spool)).toEqual([5, 4, 3]);
    expect(spool.depth()).toMatchObject({ chunks: 3, dropped: 2 });
    expect(problems.join()).toMatch(/thrown away unsent/);
    await put(spool, 6);
    expect((await open()).depth().dropped).toBeGreaterThanOrEqual(2);
  });

  test('beyond the age they go too', async () => {
    const spool = await open({ maxAgeMs: 86_400_000 });
    await put(spool, 1, START - 86_400_001);
    await put(spool, 2, START);
    expect(seqs(spool)).toEqual([2]);
  });

  test.each([
    ['cut short', (path: string) => truncateSync(path, 20)],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['rotten', (path: string) => writeFileSync(path, readFileSync(path).fill(7, 30, 33))],
    ['of another key', (path: string) => writeFileSync(path, chunkBytes(99, START))],
  ])('a file that is %s goes to quarantine and the rest is served', async (_, damage) => {
    await put(await open(), 1);
    await put(await open(), 2);
    const name = readdirSync(folder).find((file) => file.includes(`${BOOT}-1-`)) ?? '';
    damage(join(folder, name));
    const spool = await open();
    expect(await spool.read({ boot: BOOT, seq: 1 })).toBeUndefined();
    expect(seqs(spool)).toEqual([2]);
    expect(await spool.read({ boot: BOOT, seq: 2 })).toBeDefined();
    expect(readdirSync(join(folder, 'quarantine'))).toHaveLength(1);
    expect(problems).toHaveLength(1);
  });

  test('names that are no chunk, unfinished files and folders do no harm; quarantine holds 32', async () => {
    for (let i = 0; i < 40; i += 1) writeFileSync(join(folder, `${i}-hello.chunk`), 'x');
    writeFileSync(join(folder, 'half.chunk.tmp'), 'x');
    writeFileSync(join(folder, 'note.txt'), 'x');
    const spool = await open();
    expect(spool.pending(10)).toEqual([]);
    expect(readdirSync(join(folder, 'quarantine')).length).toBe(32);
    expect(existsSync(join(folder, 'half.chunk.tmp'))).toBe(false);
    expect(existsSync(join(folder, 'note.txt'))).toBe(true);
  });

  test('a chunk that the disk does not take is held in memory, sent from there and saved later', async () => {
    const spool = await open();
    const file = `${START / 1000}-${BOOT}-7-${list.version}.chunk`;
    rmSync(folder, { recursive: true });
    const bytes = await put(spool, 7, START);
    expect(problems.join()).toMatch(/held in memory/);
    expect(await spool.read({ boot: BOOT, seq: 7 })).toEqual(bytes);
    await open();
    await put(spool, 8, START + 300_000);
    expect(existsSync(join(folder, file))).toBe(true);
  });
});

/** Making a file system read-only takes root. */
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('a file system that became read-only', () => {
  const mount = (...args: string[]): void => void execFileSync('/usr/bin/mount', args, { env: {}, cwd: '/' });
  afterEach(() => void execFileSync('/usr/bin/umount', [folder], { env: {}, cwd: '/' }));

  test('stops nothing: what is there is sent, what is new is held in memory', async () => {
    await put(await open(), 1);
    await (
      await open()
    )
      .openJournal({ boot: BOOT, seq: 2, startMs: START, listVersion: list.version })
      .then((journal) => journal.close());
    writeFileSync(join(folder, 'half.chunk.tmp'), 'x');
    writeFileSync(join(folder, 'no-name.chunk'), 'x');
    writeFileSync(join(folder, 'lists', 'stray'), 'x');
    mount('--bind', folder, folder);
    mount('-o', 'remount,bind,ro', folder);
    const spool = await open();
    for (const window of await spool.recoverWindows()) await window.remove();
    await put(spool, 3);
    expect(seqs(spool)).toEqual([3, 1]);
    expect(await spool.read({ boot: BOOT, seq: 3 })).toBeDefined();
    await expect(spool.openJournal({ boot: BOOT, seq: 4, startMs: START, listVersion: list.version })).rejects.toThrow(
      /EROFS/,
    );
    expect(problems.length).toBeGreaterThan(3);
  });
});

describe('sequences', () => {
  test('grow by one, go on after a restart, and never come again however the folder was left', async () => {
    const spool = await open();
    const first = spool.takeSequence();
    expect(first).toBe(101);
    await put(spool, first);
    expect((await open()).takeSequence()).toBe(102);
    await spool.ack({ boot: BOOT, seq: first });
    expect((await open()).takeSequence()).toBe(102);
    rmSync(join(folder, 'state.json'));
    expect((await open({ uptimeS: 5000 })).takeSequence()).toBe(5001);
    writeFileSync(join(folder, 'state.json'), '{"boot":');
    expect((await open({ uptimeS: 5000 })).takeSequence()).toBe(5001);
  });

  test('a journal and a chunk bear witness too; those of another boot do not', async () => {
    const spool = await open();
    await spool
      .openJournal({ boot: BOOT, seq: 900, startMs: START, listVersion: list.version })
      .then((journal) => journal.close());
    await put(spool, 5000, START, OLD_BOOT);
    expect((await open()).takeSequence()).toBe(901);
  });
});

describe('lists of series', () => {
  test('are kept as long as a chunk or a journal refers to them', async () => {
    const spool = await open();
    await spool.keepSeriesList(list);
    await put(spool, 1);
    expect(await (await open()).seriesList(list.version)).toEqual(list);
    await spool.ack({ boot: BOOT, seq: 1 });
    expect(await (await open()).seriesList(list.version)).toBeUndefined();
  });

  test('a torn list, a wrong version and a path are no list', async () => {
    const spool = await open();
    await spool.keepSeriesList(list);
    writeFileSync(join(folder, 'lists', `${list.version}.json`), '{"version"');
    expect(await spool.seriesList(list.version)).toBeUndefined();
    expect(await spool.seriesList('../../../../etc/passwd')).toBeUndefined();
    expect(await spool.seriesList('0123456789abcdef')).toBeUndefined();
  });
});

describe('journals', () => {
  const head = { boot: BOOT, seq: 4, startMs: START, listVersion: list.version };

  test('give back every row that was appended', async () => {
    const journal = await (await open()).openJournal(head);
    await journal.append(Uint8Array.of(1, 2, 3));
    await journal.append(Uint8Array.of(4));
    await journal.close();
    const [window] = await (await open()).recoverWindows();
    expect(window?.head).toEqual(head);
    expect(window?.rows.map((row) => [...row])).toEqual([[1, 2, 3], [4]]);
    await window?.remove();
    expect(await (await open()).recoverWindows()).toEqual([]);
  });

  test('cut at any byte they give the whole rows before the cut', async () => {
    const journal = await (await open()).openJournal(head);
    for (const value of [1, 2, 3]) await journal.append(new Uint8Array(10).fill(value));
    await journal.close();
    const path = join(folder, `${BOOT}-4.window`);
    const whole = readFileSync(path);
    const headEnd = whole.indexOf(10) + 1;
    for (let length = whole.length; length >= 0; length -= 1) {
      writeFileSync(path, whole.subarray(0, length));
      const windows = await (await open()).recoverWindows();
      if (length < headEnd) expect(windows).toEqual([]);
      else expect(windows[0]?.rows).toHaveLength(Math.floor((length - headEnd) / 16));
      rmSync(path, { force: true });
    }
  });

  test('with a rotten row they end there; with a rotten head they go to quarantine', async () => {
    const journal = await (await open()).openJournal(head);
    for (const value of [1, 2, 3]) await journal.append(new Uint8Array(10).fill(value));
    await journal.close();
    const path = join(folder, `${BOOT}-4.window`);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf(10) + 1 + 16 + 5] = 99;
    writeFileSync(path, bytes);
    expect((await (await open()).recoverWindows())[0]?.rows).toHaveLength(1);
    writeFileSync(path, bytes.fill(0x7b, 0, 10));
    expect(await (await open()).recoverWindows()).toEqual([]);
    expect(readdirSync(join(folder, 'quarantine'))).toEqual([`${START}-${BOOT}-4.window`]);
  });
});

/** Puts, acks and appends as fast as it can, and says what it was promised. */
const WRITER = `
  import { catalogueSeries, createSeriesList, sealChunk } from '@hauban/shared/metrics';
  import { createSpool, zlibDeflate } from './index.ts';
  const [folder, boot] = process.argv.slice(2);
  const list = createSeriesList([catalogueSeries('cpu.user')]);
  const clock = { nowMs: () => ${START}, monotonicMs: () => 0 };
  const spool = await createSpool({ folder, clock, boot, uptimeS: 0, onProblem: (detail) => process.send({ problem: detail }) });
  for (;;) {
    const seq = spool.takeSequence();
    const startMs = ${START} + seq * 1000;
    const journal = await spool.openJournal({ boot, seq, startMs, listVersion: list.version });
    for (let row = 1; row <= 3; row += 1) {
      await journal.append(new Uint8Array(500).fill(row));
      process.send({ appended: seq, rows: row });
    }
    await spool.put({ boot, seq, startMs, listVersion: list.version }, sealChunk({ boot, seq, list, startMs, timesMs: [startMs], rows: [Float64Array.of(seq)] }, zlibDeflate));
    process.send({ durable: seq });
    await journal.remove();
    if (seq % 3 === 0) {
      process.send({ acking: seq });
      await spool.ack({ boot, seq });
    }
  }
`;

interface Promised {
  readonly durable?: number;
  readonly acking?: number;
  readonly appended?: number;
  readonly rows?: number;
  readonly problem?: string;
}

describe('killed with signal 9 at any moment', () => {
  test('what was promised to be durable is there and whole, no sequence comes again, no row of a journal is lost', async () => {
    const program = join(folder, 'writer.mjs');
    const spoolFolder = join(folder, 'spool');
    await build({
      stdin: { contents: WRITER, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['source'],
      outfile: program,
      logLevel: 'error',
    });
    const durable = new Set<number>();
    const acking = new Set<number>();
    for (let round = 0; round < 12; round += 1) {
      const child = fork(program, [spoolFolder, BOOT], { execArgv: [] });
      const said: Promised[] = [];
      // The moment is as random as the scheduler: some messages after the start, then at once.
      child.on('message', (message: Promised) => {
        said.push(message);
        if (said.length === 3 + round * 5) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      for (const message of said) {
        expect(message.problem).toBeUndefined();
        if (message.durable !== undefined) durable.add(message.durable);
        if (message.acking !== undefined) acking.add(message.acking);
      }
      const last = said.findLast((message) => message.appended !== undefined);
      const spool = await open({ folder: spoolFolder, uptimeS: 0 });
      const left = new Set(spool.pending(10_000).map((chunk) => chunk.seq));
      for (const seq of durable)
        if (!acking.has(seq)) expect(left.has(seq), `chunk ${seq} of round ${round}`).toBe(true);
      for (const seq of left) expect(await spool.read({ boot: BOOT, seq }), `chunk ${seq}`).toBeDefined();
      const windows = await spool.recoverWindows();
      if (last?.appended !== undefined && !durable.has(last.appended)) {
        const rows = windows.find((window) => window.head.seq === last.appended)?.rows.length ?? 0;
        expect(left.has(last.appended) || rows >= (last.rows ?? 0)).toBe(true);
      }
      expect(spool.takeSequence()).toBeGreaterThan(
        Math.max(0, ...durable, ...said.map((message) => message.appended ?? 0)),
      );
      for (const window of windows) await window.remove();
    }
    expect(durable.size).toBeGreaterThan(20);
    expect(problems).toEqual([]);
  });
});
