import { SeededRandom } from '@hauban/shared/testing';
import { describe, expect, it } from 'vitest';
import { OutputWindow } from './output-window.ts';

const LIMITS = { windowBytes: 100, replayBytes: 400, pieceBytes: 30 };
/** Byte n of the output is n modulo 251: any slip shows. */
const bytes = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_unused, at) => (from + at) % 251);

function drain(window: OutputWindow): { readonly from: number; readonly to: number } | null {
  let from: number | null = null;
  let to = 0;
  for (let piece = window.take(); piece !== null; piece = window.take()) {
    from ??= piece.offset;
    expect(piece.data).toEqual(bytes(piece.offset, piece.data.length));
    expect(piece.data.length).toBeLessThanOrEqual(LIMITS.pieceBytes);
    to = piece.offset + piece.data.length;
  }
  return from === null ? null : { from, to };
}

describe('the output window', () => {
  it('SHELL4 gives out a window beyond the credit, and no more', () => {
    const window = new OutputWindow(LIMITS);
    window.attach(0);
    window.append(bytes(0, 150));
    expect(drain(window)).toEqual({ from: 0, to: 100 });
    expect(window.mayRead).toBe(false);
    window.pay(60);
    expect(drain(window)).toEqual({ from: 100, to: 150 });
    expect(window.mayRead).toBe(true);
    expect(window.isDrained).toBe(true);
    window.pay(1_000_000);
    window.append(bytes(150, 300));
    expect(drain(window)).toEqual({ from: 150, to: 250 });
  });

  it('SHELL5 keeps the last of it for who comes back, and clamps what is asked for', () => {
    const window = new OutputWindow(LIMITS);
    for (let at = 0; at < 2000; at += 50) window.append(bytes(at, 50));
    expect(window.mayRead).toBe(true);
    expect(window.take()).toBeNull();
    const from = window.attach(0);
    expect(from).toBe(1600);
    expect(drain(window)).toEqual({ from: 1600, to: 1700 });
    expect(window.attach(1950)).toBe(1950);
    expect(drain(window)).toEqual({ from: 1950, to: 2000 });
    expect(window.attach(9999)).toBe(2000);
    expect(drain(window)).toBeNull();
  });

  it.each([1, 2, 3, 4, 5, 6])('never leaves a gap or repeats, whatever happens (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const window = new OutputWindow(LIMITS);
    let end = 0;
    let next: number | null = null;
    let unpaid = 0;
    for (let step = 0; step < 3000; step += 1) {
      const what = random.unit();
      if (what < 0.4 && window.mayRead) {
        const length = 1 + random.below(80);
        window.append(bytes(end, length));
        end += length;
      } else if (what < 0.5) {
        next = window.attach(random.below(end + 10));
        unpaid = 0;
      } else if (what < 0.55) {
        window.detach();
        next = null;
      } else if (what < 0.8) {
        const piece = window.take();
        if (piece === null) continue;
        expect(piece.offset).toBe(next);
        expect(piece.data).toEqual(bytes(piece.offset, piece.data.length));
        next = piece.offset + piece.data.length;
        unpaid += piece.data.length;
        expect(unpaid).toBeLessThanOrEqual(LIMITS.windowBytes);
      } else {
        const paid = random.below(unpaid + 1);
        window.pay(paid);
        unpaid -= paid;
      }
    }
    expect(window.end).toBe(end);
  });
});
