import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogueEntry, catalogueSeries, createSeriesList } from '@hauban/shared/metrics';
import { describe, expect, test } from 'vitest';
import { createProcessWalk, openProcFiles, type FileSystemUsage } from '../proc/index.ts';
import { chooseMounts } from './file-systems.ts';
import { createCollectors, rawWidth, type AgentSelf, type Collector } from './index.ts';

const HERE = import.meta.dirname;
const CASES = join(HERE, 'testcases');
const folders = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

function readJson<T>(path: string, otherwise: T): T {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : otherwise;
}

/** `self.json` of a case; null stands for not known. */
interface SelfCase {
  readonly clockOffsetMs: number | null;
  readonly cpuUs: number;
  readonly rssBytes: number;
  readonly tickLateMs: number;
  readonly tickCpuMs: number;
  readonly spool: ReturnType<AgentSelf['spool']>;
}

/** The collectors on a fixture folder: the root of /proc and /sys, and beside them what does not come from a file. */
function collectorsOn(root: string): { collectors: readonly Collector[]; close: () => void } {
  const files = openProcFiles(root);
  const self = readJson<SelfCase>(join(root, 'self.json'), {
    clockOffsetMs: 0,
    cpuUs: 0,
    rssBytes: 0,
    tickLateMs: 0,
    tickCpuMs: 0,
    spool: { chunks: 0, bytes: 0, dropped: 0 },
  });
  const usage = readJson<Record<string, FileSystemUsage>>(join(root, 'usage.json'), {});
  const failed = readJson<number | null>(join(root, 'failed-units.json'), null);
  const collectors = createCollectors({
    files,
    processes: createProcessWalk(root),
    readUsage: async (path) => usage[path],
    queryFailedUnits: async () => failed ?? undefined,
    self: {
      clockOffsetMs: () => self.clockOffsetMs ?? Number.NaN,
      cpuUs: () => self.cpuUs,
      rssBytes: () => self.rssBytes,
      tickLateMs: () => self.tickLateMs,
      tickCpuMs: () => self.tickCpuMs,
      spool: () => self.spool,
    },
  });
  return { collectors, close: () => files.close() };
}

/** Raw numbers by name; a mean has two, a gap is null. */
async function collectAll(collector: Collector): Promise<Record<string, unknown>> {
  const declared = collector.series();
  const out = new Float64Array(declared.reduce((sum, one) => sum + rawWidth(one.from), 0)).fill(-1);
  await collector.refresh?.();
  collector.collect(out);
  const shown = (value: number | undefined): number | null =>
    value === undefined || Number.isNaN(value) ? null : value;
  const found: Record<string, unknown> = {};
  let at = 0;
  for (const { name, from } of declared) {
    found[name] = from === 'mean' ? [shown(out[at]), shown(out[at + 1])] : shown(out[at]);
    at += rawWidth(from);
  }
  return found;
}

const { collectors: onNothing, close } = collectorsOn(join(CASES, 'cpu', 'no-proc'));
close();
const names = onNothing.map((collector) => collector.name).toSorted();

describe('list equals folder', () => {
  test('every collector has its file and its cases, and nothing else lies there', () => {
    const sources = readdirSync(HERE).filter(
      (file) => file.endsWith('.ts') && !/\.test\.ts$|^(?:index|collector)\.ts$/.test(file),
    );
    expect(sources.map((file) => file.replace(/\.ts$/, '')).toSorted()).toEqual(names);
    expect(folders(CASES).toSorted()).toEqual(names);
  });

  test('every series that can be declared is in the catalogue under its family, once', () => {
    const declared = names.flatMap((name) =>
      folders(join(CASES, name)).flatMap((one) => {
        const { collectors, close: closeFiles } = collectorsOn(join(CASES, name, one));
        const series = collectors.flatMap((collector) => {
          const own = collector.series();
          for (const { name: series } of own) expect(catalogueEntry(series)?.family, series).toBe(collector.family);
          return own.map((row) => catalogueSeries(row.name));
        });
        closeFiles();
        expect(() => createSeriesList(series)).not.toThrow();
        return series.map((row) => row.name);
      }),
    );
    expect(declared.length).toBeGreaterThan(1000);
  });
});

describe.each(names)('%s', (name) => {
  test.each(folders(join(CASES, name)))('%s', async (one) => {
    const root = join(CASES, name, one);
    const { collectors, close: closeFiles } = collectorsOn(root);
    const collector = collectors.find((candidate) => candidate.name === name);
    if (collector === undefined) throw new Error(`no collector ${name}`);
    const found = await collectAll(collector);
    closeFiles();
    expect(
      existsSync(join(root, 'expected.json')) || process.env['HAUBAN_NEW_CASES'] === '1',
      'write expected.json, or run once with HAUBAN_NEW_CASES=1 and read what it wrote',
    ).toBe(true);
    await expect(`${JSON.stringify(found, null, 1)}\n`).toMatchFileSnapshot(join(root, 'expected.json'));
  });
});

describe('file systems', () => {
  test('a network mount is never asked, nor anything below one', async () => {
    const root = join(CASES, 'file-systems', 'web-node');
    const files = openProcFiles(root);
    const asked: string[] = [];
    const collector = createCollectors({
      files,
      processes: createProcessWalk(root),
      readUsage: async (path) => {
        asked.push(path);
        return undefined;
      },
      queryFailedUnits: async () => undefined,
      self: {
        clockOffsetMs: () => 0,
        cpuUs: () => 0,
        rssBytes: () => 0,
        tickLateMs: () => 0,
        tickCpuMs: () => 0,
        spool: () => ({ chunks: 0, bytes: 0, dropped: 0 }),
      },
    }).find((one) => one.name === 'file-systems');
    collector?.series();
    await collector?.refresh?.();
    files.close();
    expect(asked).toEqual(['/', '/var', '/srv/with space', '/run', '/gone', '/boot/efi']);
  });

  test('an unknown type counts as foreign: what lies below it is not asked', () => {
    const mount = (point: string, type: string) => ({ device: point, point, type, isReadOnly: false });
    expect(
      chooseMounts([mount('/', 'ext4'), mount('/lustre', 'lustre'), mount('/lustre/local', 'ext4')]).map(
        (one) => one.point,
      ),
    ).toEqual(['/']);
  });
});
