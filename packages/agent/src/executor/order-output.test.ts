import { createHash } from 'node:crypto';
import type { FromExecutor } from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createOrderOutput, printable, type OrderOutput } from './order-output.ts';

let clock: FakeClock;
let sent: string[];
let output: OrderOutput;
beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  output = createOrderOutput('order', clock, (message: FromExecutor) => {
    if (message.t === 'output') sent.push(message.text);
  });
});

describe('ORDER15 output while an order runs', () => {
  it('ORDER15 lines come together, five times a second at most', () => {
    output.add('one\n');
    output.add('two\n');
    expect(sent).toEqual([]);
    clock.advance(199);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(sent).toEqual(['one\ntwo\n']);
    output.add('three');
    output.end();
    expect(sent).toEqual(['one\ntwo\n', 'three']);
    output.add('late');
    clock.advance(1000);
    expect(sent).toHaveLength(2);
  });

  it('ORDER15 a flood: no message of more than 4 KiB, 256 KiB of it, and the receipt has the end of it all', () => {
    const line = `${'x'.repeat(99)}\n`;
    for (let round = 0; round < 500; round += 1) {
      for (let at = 0; at < 100; at += 1) output.add(line);
      clock.advance(200);
    }
    output.add('the end');
    output.end();
    expect(Math.max(...sent.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(4096);
    expect(sent.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(256 * 1024);
    const { final } = output;
    expect(final).toMatchObject({ characters: 5_000_007, isCut: true });
    expect(final?.text.endsWith('\nthe end')).toBe(true);
    expect(final?.text.length).toBeLessThanOrEqual(32 * 1024);
    const all = createHash('sha256')
      .update(`${line.repeat(50_000)}the end`)
      .digest('hex');
    expect(final?.sha256).toBe(all);
  });

  it('ORDER15 characters of several bytes do not make a message longer than it may be', () => {
    output.add('€'.repeat(4000));
    clock.advance(200);
    expect(Buffer.byteLength(sent[0] ?? '')).toBeLessThanOrEqual(4096);
    output.add(Buffer.from(Array.from({ length: 4096 }, (_one, at) => at % 256)).toString('utf8'));
    clock.advance(200);
    expect(Buffer.byteLength(sent[1] ?? '')).toBeLessThanOrEqual(4096);
  });

  it('ORDER15 nothing printed: nothing in the receipt', () => {
    output.add('');
    output.end();
    expect(output.final).toBeNull();
  });

  it.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['a cleared screen', 'a\u001b[2J\u001b[Hb', 'ab'],
    ['a title', '\u001b]0;owned\u0007x', 'x'],
    ['a device string', '\u001bPq#0\u001b\\x', 'x'],
    ['a sequence cut off', 'x\u001b[31', 'x'],
    ['one byte controls', 'a\u009b2Jb\u0000c\u0008d', 'a\ufffd2Jb\ufffdc\ufffdd'],
    ['a carriage return over a line', 'good\rbad', 'good\nbad'],
    ['reading direction', 'a\u202eb', 'a\ufffdb'],
    ['tabs and line ends stay', 'a\tb\nc', 'a\tb\nc'],
  ])('ORDER15 %s', (_what, raw, shown) => {
    expect(printable(raw)).toBe(shown);
  });
});
