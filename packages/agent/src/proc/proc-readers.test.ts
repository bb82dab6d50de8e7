import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createKeyValues,
  createNamedRows,
  createPairedLines,
  createProcessWalk,
  listMounts,
  openProcFiles,
  readBootId,
  readFileSystemUsage,
  type ProcFiles,
} from './index.ts';

let root: string;
let files: ProcFiles;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hauban-proc-'));
  files = openProcFiles(root);
});
afterEach(() => {
  files.close();
  rmSync(root, { recursive: true, force: true });
});

/** Overwrites the file in place, as the kernel does: the descriptor stays. */
function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe('files', () => {
  test('are read once in a tick and anew in the next, over the same descriptor', () => {
    put('proc/a', 'one');
    const file = files.file('proc/a');
    expect(file.bytes.toString('latin1', 0, file.read())).toBe('one');
    put('proc/a', 'three');
    expect(file.read()).toBe(3);
    files.beginTick();
    expect(file.bytes.toString('latin1', 0, file.read())).toBe('three');
    expect(files.file('proc/a')).toBe(file);
  });

  test('of any size are read whole', () => {
    const text = 'x'.repeat(100_001);
    put('proc/large', text);
    const file = files.file('proc/large');
    expect(file.read()).toBe(text.length);
    expect(file.bytes.toString('latin1', 0, text.length)).toBe(text);
  });

  test('that are missing say so until they are looked for again', () => {
    const file = files.file('proc/later');
    expect(file.read()).toBe(-1);
    put('proc/later', '7');
    files.beginTick();
    expect(file.read()).toBe(-1);
    files.retryMissing();
    files.beginTick();
    expect(file.read()).toBe(1);
  });

  test('that are folders or go away are missing, not a fault', () => {
    mkdirSync(join(root, 'proc'));
    expect(files.file('proc').read()).toBe(-1);
    put('proc/gone', 'x');
    unlinkSync(join(root, 'proc/gone'));
    expect(files.file('proc/gone').read()).toBe(-1);
  });

  test('of the real /proc that come page by page are read to their end', () => {
    const real = openProcFiles('/');
    const file = real.file('proc/vmstat');
    const text = file.bytes.toString('latin1', 0, file.read());
    real.close();
    expect(text.trimEnd().split('\n').length).toBeGreaterThan(80);
    expect(text.endsWith('\n')).toBe(true);
  });
});

describe('keys and values', () => {
  test('are found in any order, also when the order changes, and a longer key is another key', () => {
    const reader = createKeyValues(files.file('proc/meminfo'), ['Active', 'Free', 'Nothing']);
    put('proc/meminfo', 'Free:   5 kB\nActive(anon):  9 kB\nActive:  7 kB\n');
    reader.read();
    expect([...reader.values]).toEqual([7, 5, Number.NaN]);
    put('proc/meminfo', 'Active:  70 kB\nNew: 1\nFree:   50 kB');
    files.beginTick();
    reader.read();
    expect([...reader.values]).toEqual([70, 50, Number.NaN]);
    put('proc/meminfo', 'Active(anon):  9 kB\nActive:  71 kB\n');
    files.beginTick();
    reader.read();
    expect([...reader.values]).toEqual([71, Number.NaN, Number.NaN]);
  });

  test('of an empty or missing file, or of nonsense, are gaps', () => {
    const reader = createKeyValues(files.file('proc/x'), ['a']);
    expect(reader.read()).toBe(false);
    put('proc/x', '\n\n:\na\na b\n');
    files.retryMissing();
    files.beginTick();
    reader.read();
    expect([...reader.values]).toEqual([Number.NaN]);
  });
});

describe('pairs of lines', () => {
  test('are read by name, also when columns move', () => {
    const reader = createPairedLines(files.file('proc/net/snmp'), ['Tcp.InSegs', 'Ip.InSegs', 'Tcp.Missing']);
    put('proc/net/snmp', 'Ip: A InSegs\nIp: 1 2\nTcp: MaxConn InSegs\nTcp: -1 26836\n');
    reader.read();
    expect([...reader.values]).toEqual([26_836, 2, Number.NaN]);
    put('proc/net/snmp', 'Tcp: InSegs MaxConn\nTcp: 5 -1\n');
    files.beginTick();
    reader.read();
    expect([...reader.values]).toEqual([5, Number.NaN, Number.NaN]);
  });

  test('cut in the middle are gaps', () => {
    const reader = createPairedLines(files.file('proc/net/snmp'), ['Tcp.InSegs']);
    for (const text of ['Tcp: InSegs', 'Tcp: InSegs\n', 'Tcp: InSegs\nTcp:', '']) {
      put('proc/net/snmp', text);
      files.beginTick();
      files.retryMissing();
      reader.read();
      expect([...reader.values], text).toEqual([Number.NaN]);
    }
  });
});

describe('rows by name', () => {
  const table = (): ReturnType<typeof createNamedRows> =>
    createNamedRows(files.file('proc/t'), 1, 0, (name) => !name.startsWith('veth'));
  const read = (
    reader: ReturnType<typeof table>,
    declared: readonly string[],
  ): { found: unknown; values: number[] } => {
    const values: number[] = declared.map(() => Number.NaN);
    files.beginTick();
    const found = reader.read(
      new Map(declared.map((name, row) => [name, row])),
      (row, scanner) => (values[row] = scanner.number()),
    );
    return { found, values };
  };

  test('follow their names when lines move, and say what is new or gone', () => {
    const reader = table();
    put('proc/t', 'head\n eth0: 1\n  lo: 2\n');
    expect(reader.names()).toEqual(['eth0', 'lo']);
    expect(read(reader, ['eth0', 'lo'])).toEqual({ found: { present: 2, hasNew: false }, values: [1, 2] });
    put('proc/t', 'head\n  lo: 3\nveth1: 9\n eth0: 4\n');
    expect(read(reader, ['eth0', 'lo'])).toEqual({ found: { present: 2, hasNew: false }, values: [4, 3] });
    put('proc/t', 'head\n  lo: 3\nwg0: 9\n');
    expect(read(reader, ['eth0', 'lo'])).toEqual({ found: { present: 1, hasNew: true }, values: [Number.NaN, 3] });
  });

  test('a name that begins like the one before it in this line is another device', () => {
    const reader = table();
    put('proc/t', 'head\neth1: 1\n');
    expect(read(reader, ['eth1', 'eth10']).values).toEqual([1, Number.NaN]);
    put('proc/t', 'head\neth10: 2\n');
    expect(read(reader, ['eth1', 'eth10']).values).toEqual([Number.NaN, 2]);
    put('proc/t', 'head\neth1: 3\n');
    expect(read(reader, ['eth1', 'eth10']).values).toEqual([3, Number.NaN]);
  });

  test('an empty or missing table has no rows', () => {
    expect(table().names()).toEqual([]);
    expect(read(table(), ['lo']).found).toBeUndefined();
    put('proc/t', 'head\n');
    files.retryMissing();
    expect(read(table(), ['lo']).found).toBeUndefined();
  });
});

describe('mounts', () => {
  test('a later mount hides an earlier one on the same point; escapes are undone; cut lines are left out', () => {
    put(
      'proc/self/mountinfo',
      '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /a\\040b\\134c rw shared:1 master:2 - xfs /dev/sdb ro,noatime\n3 1 8:3 / /x rw - ext4 /dev/sdc rw\n4 1 8:4 / /x ro - xfs /dev/sdd rw\n5 1 8:5 /\n',
    );
    expect(listMounts(files)).toEqual([
      { device: '8:1', point: '/', type: 'ext4', isReadOnly: false },
      { device: '8:2', point: '/a b\\c', type: 'xfs', isReadOnly: true },
      { device: '8:4', point: '/x', type: 'xfs', isReadOnly: true },
    ]);
  });

  test("a sandbox's own read-only view is not taken for the machine's", () => {
    put('proc/self/mountinfo', '1 0 8:1 / / ro - ext4 /dev/sda1 rw\n');
    put('proc/1/mountinfo', '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n');
    expect(listMounts(files)).toEqual([{ device: '8:1', point: '/', type: 'ext4', isReadOnly: false }]);
  });
});

describe('processes', () => {
  test('a pass over many is spread over many steps; a process that ends meanwhile is not counted', () => {
    for (let pid = 1; pid <= 10; pid += 1) put(`proc/${pid}/stat`, `${pid} (a (b) c) S 1`);
    const walk = createProcessWalk(root);
    expect(walk.step(4)).toBeUndefined();
    rmSync(join(root, 'proc/1'), { recursive: true });
    expect(walk.step(4)).toBeUndefined();
    expect(walk.step(4)).toMatchObject({ total: 9, byState: { S: 9, Z: 0 } });
  });

  test('the processes of this machine are seen', () => {
    const found = createProcessWalk('/').step(100_000);
    expect(found).toMatchObject({ total: expect.any(Number) });
  });
});

describe('single facts', () => {
  test('the boot id is a UUID or a clear refusal', () => {
    expect(readBootId('/')).toMatch(/^[0-9a-f-]{36}$/);
    expect(() => readBootId(root)).toThrow(/no metrics are kept/);
    put('proc/sys/kernel/random/boot_id', 'hello\n');
    expect(() => readBootId(root)).toThrow(/does not hold a boot id/);
  });

  test('usage of a file system; undefined for a path that is not there', async () => {
    const usage = await readFileSystemUsage('/');
    expect(usage?.sizeBytes).toBeGreaterThan(1_000_000);
    expect(usage?.freeBytes).toBeLessThanOrEqual(usage?.sizeBytes ?? 0);
    expect(await readFileSystemUsage(join(root, 'nothing'))).toBeUndefined();
  });
});
