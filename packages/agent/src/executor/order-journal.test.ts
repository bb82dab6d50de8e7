import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ActionOrder } from '@hauban/shared/protocol';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrderJournal } from './order-journal.ts';

const HOUR = 3_600_000;
let folder = '';
let clock = new FakeClock();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-journal-'));
  clock = new FakeClock();
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (): string => join(folder, 'orders.journal');
const open = () => OrderJournal.open(folder, clock);
const idOf = (number: number): string => `6f9619ff-8b86-4d01-b42d-${String(number).padStart(12, '0')}`;
const hash = 'a'.repeat(64);
const jws = (text: string): string => `${Buffer.from(text).toString('base64url')}.x.y`;

function order(number: number): ActionOrder {
  const id = idOf(number);
  const iat = clock.nowMs();
  return {
    v: 1,
    id,
    aud: id,
    iss: id,
    iat,
    exp: iat + 60_000,
    requester: { id: '1', name: 'Jo', via: 'cli' },
    reason: null,
    approvals: [],
    approved: null,
    kind: 'action',
    action: 'node.ping',
    actionVersion: 1,
    mode: 'apply',
    args: {},
    planHash: null,
  };
}

const change = { kind: 'symlink' as const, path: '/x', before: null, after: 'y' };

describe('the order journal', () => {
  it('ORDER4 knows after a restart what it was told, and answers with the same receipt', async () => {
    const { journal } = open();
    journal.take(order(1), hash, null);
    journal.take(order(2), hash, null);
    await journal.begin(idOf(2), [change]);
    journal.step(idOf(2), 0, 'apply');
    await journal.finish(idOf(1), jws('one'));
    journal.close();
    const again = open();
    expect(again.damage).toEqual({ kind: 'none' });
    expect(again.journal.find(idOf(1))).toEqual({ hash, isDone: true });
    expect(again.journal.receiptOf(idOf(1))).toBe(jws('one'));
    expect(again.journal.unacknowledged()).toEqual([idOf(1)]);
    expect(again.journal.unfinished()).toEqual([{ order: order(2), hash, changes: [change] }]);
    expect(again.journal.find(idOf(3))).toBeNull();
    again.journal.acknowledge(idOf(1));
    again.journal.acknowledge(idOf(2));
    again.journal.acknowledge(idOf(3));
    again.journal.close();
    const third = open().journal;
    expect(third.unacknowledged()).toEqual([]);
    expect(third.receiptOf(idOf(1))).toBe(jws('one'));
    third.close();
  });

  it('ORDER4 gives no receipt out when the place of it holds something else', async () => {
    const { journal } = open();
    journal.take(order(1), hash, null);
    await journal.finish(idOf(1), jws('one'));
    const lines = readFileSync(file(), 'utf8').trimEnd().split('\n');
    const forged = JSON.stringify({ t: 'ack', id: idOf(1), jws: 'x.y.z' }).padEnd((lines.at(-1)?.length ?? 0) - 9, ' ');
    lines.splice(-1, 1, `${crc32(forged).toString(16).padStart(8, '0')} ${forged}`);
    writeFileSync(file(), `${lines.join('\n')}\n`);
    expect(() => journal.receiptOf(idOf(1))).toThrow(expect.objectContaining({ code: 'FILE_FAILED' }) as Error);
    journal.close();
  });

  it('APPROVE4 knows the order of an approved run until it forgets the order, also after restarts', async () => {
    const { journal } = open();
    const run = randomUUID();
    journal.take(order(1), hash, run);
    journal.take(order(2), hash, null);
    expect(journal.orderOfRun(run)).toBe(idOf(1));
    expect(journal.orderOfRun(randomUUID())).toBeNull();
    journal.close();
    const taken = open().journal;
    expect(taken.orderOfRun(run)).toBe(idOf(1));
    await taken.finish(idOf(1), jws('one'));
    await taken.finish(idOf(2), jws('two'));
    taken.acknowledge(idOf(1));
    taken.close();
    const kept = open().journal;
    kept.close();
    const again = open().journal;
    expect(again.orderOfRun(run)).toBe(idOf(1));
    again.close();
    clock.advance(25 * HOUR);
    const late = open().journal;
    expect(late.orderOfRun(run)).toBeNull();
    late.close();
  });

  it('reads records from before runs could be approved', async () => {
    const { journal } = open();
    journal.take(order(1), hash, null);
    await journal.finish(idOf(1), jws('one'));
    journal.close();
    open().journal.close();
    const lines = readFileSync(file(), 'utf8').trimEnd().split('\n');
    const old = lines.map((line) => line.slice(9).replace(',"run":null', ''));
    writeFileSync(file(), old.map((json) => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`).join(''));
    const opened = open();
    expect(opened.damage.kind).toBe('none');
    expect(opened.journal.receiptOf(idOf(1))).toBe(jws('one'));
    opened.journal.close();
  });

  it('ORDER3 forgets after 24 h only what is acknowledged, and takes nothing from before its memory', async () => {
    const { journal } = open();
    expect(journal.beganAt).toBe(clock.nowMs() - 30_000);
    journal.take(order(1), hash, null);
    await journal.finish(idOf(1), jws('one'));
    journal.acknowledge(idOf(1));
    journal.take(order(2), hash, null);
    await journal.finish(idOf(2), jws('two'));
    journal.close();
    const { iat } = order(1);
    clock.advance(23 * HOUR);
    const early = open().journal;
    expect(early.find(idOf(1))).not.toBeNull();
    expect(early.beganAt).toBe(iat - 30_000);
    early.close();
    clock.advance(2 * HOUR);
    const late = open().journal;
    expect(late.find(idOf(1))).toBeNull();
    expect(late.find(idOf(2))).not.toBeNull();
    expect(late.beganAt).toBe(iat + 1);
    late.close();
  });

  it('ORDER3 a clock that jumped ahead and back opens no gap for a replay', async () => {
    const { journal } = open();
    const old = order(1);
    journal.take(old, hash, null);
    await journal.finish(old.id, jws('one'));
    journal.acknowledge(old.id);
    journal.close();
    clock.jumpWall(400 * 24 * HOUR);
    open().journal.close();
    clock.jumpWall(-400 * 24 * HOUR);
    const after = open().journal;
    expect(after.find(old.id) !== null || old.iat < after.beganAt).toBe(true);
    expect(after.beganAt).toBeLessThanOrEqual(clock.nowMs() + 1);
    after.close();
  });

  it('cuts a torn tail at every byte and keeps what was before', async () => {
    const { journal } = open();
    journal.take(order(1), hash, null);
    await journal.finish(idOf(1), jws('one'));
    const whole = statSync(file()).size;
    journal.take(order(2), hash, null);
    journal.close();
    const bytes = readFileSync(file());
    for (let size = whole; size < bytes.length; size += 7) {
      writeFileSync(file(), bytes);
      truncateSync(file(), size);
      const opened = open();
      expect(opened.damage.kind).toBe(size === whole ? 'none' : 'torn');
      expect(opened.journal.receiptOf(idOf(1))).toBe(jws('one'));
      expect(opened.journal.find(idOf(2))).toBeNull();
      opened.journal.close();
    }
  });

  it('keeps a file with a damaged middle aside and begins its memory anew', async () => {
    const { journal } = open();
    journal.take(order(1), hash, null);
    await journal.finish(idOf(1), jws('one'));
    journal.take(order(2), hash, null);
    await journal.finish(idOf(2), jws('two'));
    journal.close();
    const bytes = readFileSync(file());
    const at = bytes.indexOf('"taken"');
    bytes[at + 2] = 0x58;
    writeFileSync(file(), bytes);
    clock.advance(1000);
    const opened = open();
    expect(opened.damage).toMatchObject({ kind: 'corrupt', records: 1 });
    expect(readdirSync(folder).filter((name) => name.includes('corrupt'))).toHaveLength(1);
    expect(opened.journal.beganAt).toBe(clock.nowMs());
    expect(opened.journal.receiptOf(idOf(2))).toBe(jws('two'));
    expect(opened.journal.find(idOf(1))).toBeNull();
    opened.journal.close();
    const again = open();
    expect(again.damage.kind).toBe('none');
    expect(again.journal.beganAt).toBe(clock.nowMs());
    again.journal.close();
  });

  it('finds every single flipped bit', async () => {
    const { journal } = open();
    journal.take(order(1), hash, null);
    await journal.finish(idOf(1), jws('one'));
    journal.take(order(2), hash, null);
    await journal.finish(idOf(2), jws('two'));
    journal.close();
    const bytes = readFileSync(file());
    const random = new SeededRandom(7);
    for (let round = 0; round < 200; round += 1) {
      const damaged = Buffer.from(bytes);
      const at = random.below(bytes.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(file(), damaged);
      const opened = open();
      expect(opened.damage.kind, `byte ${at}`).not.toBe('none');
      opened.journal.close();
    }
  });

  it('grows no longer than the memory needs', async () => {
    const { journal } = open();
    const big = jws('x'.repeat(200_000));
    for (let number = 1; number <= 100; number += 1) {
      journal.take(order(number), hash, null);
      await journal.finish(idOf(number), big);
      journal.acknowledge(idOf(number));
      clock.advance(HOUR);
    }
    expect(statSync(file()).size).toBeLessThan(14_000_000);
    expect(journal.receiptOf(idOf(100))).toBe(big);
    journal.close();
  });

  it('many orders at once share their syncs, also while the file is rewritten', async () => {
    const { journal } = open();
    const text = (number: number): string => jws(`${number} ${'x'.repeat(100_000)}`);
    const numbers = Array.from({ length: 150 }, (_unused, index) => index);
    await Promise.all(
      numbers.map(async (number) => {
        journal.take(order(number), hash, null);
        await journal.begin(idOf(number), []);
        await journal.finish(idOf(number), text(number));
      }),
    );
    expect(numbers.every((number) => journal.receiptOf(idOf(number)) === text(number))).toBe(true);
    journal.close();
    const again = open().journal;
    expect(numbers.every((number) => again.receiptOf(idOf(number)) === text(number))).toBe(true);
    again.close();
  });
});
