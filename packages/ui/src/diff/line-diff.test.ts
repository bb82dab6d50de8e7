import { describe, expect, it } from 'vitest';
import { diffLines, foldSame, linesOf, type DiffLine } from './line-diff.ts';

const short = (lines: readonly DiffLine[]): string[] =>
  lines.map((line) => ({ same: ' ', added: '+', removed: '-' })[line.kind] + line.text);

/** What a diff must always hold: applying it to one side gives the other. */
function sides(lines: readonly DiffLine[]): [string[], string[]] {
  return [
    lines.filter((line) => line.kind !== 'added').map((line) => line.text),
    lines.filter((line) => line.kind !== 'removed').map((line) => line.text),
  ];
}

describe('diffLines', () => {
  it('shows a changed line between equal ones', () => {
    expect(short(diffLines('a\nb\nc\n', 'a\nB\nc\n'))).toEqual([' a', '-b', '+B', ' c']);
  });

  it('numbers lines on the side where they are', () => {
    const lines = diffLines('a\nc\n', 'a\nb\nc\n');
    expect(lines.map((line) => [line.before, line.after])).toEqual([
      [1, 1],
      [null, 2],
      [2, 3],
    ]);
  });

  it('takes null as no lines and a last line feed as no line', () => {
    expect(short(diffLines(null, 'x\n'))).toEqual(['+x']);
    expect(short(diffLines('x', null))).toEqual(['-x']);
    expect(diffLines(null, null)).toEqual([]);
    expect(linesOf('a\n\n')).toEqual(['a', '']);
  });

  it('gives back both sides for random texts', () => {
    let seed = 7;
    const random = (n: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % n;
    };
    for (let round = 0; round < 300; round += 1) {
      const make = (): string[] => Array.from({ length: random(14) }, () => 'abcd'[random(4)] ?? 'a');
      const a = make();
      const b = make();
      const lines = diffLines(a.map((line) => `${line}\n`).join(''), b.map((line) => `${line}\n`).join(''));
      expect(sides(lines), `round ${round}`).toEqual([a, b]);
    }
  });

  it('finds the shortest script', () => {
    // The example of Myers' paper: 5 edits.
    const lines = diffLines('A\nB\nC\nA\nB\nB\nA', 'C\nB\nA\nB\nA\nC');
    expect(lines.filter((line) => line.kind !== 'same')).toHaveLength(5);
  });

  it('shows texts whole when they differ too much', () => {
    const a = Array.from({ length: 3000 }, (_, n) => `a${n}`).join('\n');
    const b = Array.from({ length: 3000 }, (_, n) => `b${n}`).join('\n');
    const lines = diffLines(a, b);
    expect(lines).toHaveLength(6000);
    expect(lines[0]?.kind).toBe('removed');
  });
});

describe('foldSame', () => {
  const text = (n: number): string => Array.from({ length: n }, (_, i) => `line ${i}`).join('\n');

  it('hides what is far from a change', () => {
    const parts = foldSame(diffLines(text(20), text(20).replace('line 10', 'LINE')));
    expect(parts.map((part) => [part.kind, part.lines.length])).toEqual([
      ['hidden', 7],
      ['lines', 8],
      ['hidden', 6],
    ]);
  });

  it('never hides a single line', () => {
    const parts = foldSame(diffLines(text(5), text(5).replace('line 4', 'LINE')));
    expect(parts.every((part) => part.kind === 'lines')).toBe(true);
  });
});
