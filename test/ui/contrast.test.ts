import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const tokens = readFileSync(join(process.cwd(), 'packages/ui/src/theme/tokens.css'), 'utf8');

/** Relative luminance of `#rrggbb`, WCAG 2.2. */
function luminance(hex: string): number {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function schemeOf(name: string): ReadonlyMap<string, string> {
  const block = tokens.slice(tokens.indexOf(`[data-mantine-color-scheme='${name}']`)).split('}', 1)[0] ?? '';
  return new Map(
    [...block.matchAll(/(--hb-[a-z0-9-]+): (#[0-9a-f]{6});/g)].map(([, key = '', value = '']) => [key, value]),
  );
}

/** Text on each ground that it stands on. */
const TEXTS: readonly (readonly [text: string, ...grounds: string[]])[] = [
  ['ink', 'ground', 'surface', 'sunken', 'hover', 'accent-soft', 'added', 'removed'],
  ['ink-2', 'ground', 'surface', 'sunken', 'hover', 'accent-soft'],
  ['ink-3', 'ground', 'surface', 'sunken'],
  ['accent', 'ground', 'surface', 'accent-soft'],
  ['copper', 'surface'],
  ['ok', 'surface', 'ground', 'ok-soft', 'accent-soft', 'hover'],
  ['warn', 'surface', 'ground', 'warn-soft', 'accent-soft', 'hover'],
  ['bad', 'surface', 'ground', 'bad-soft', 'accent-soft', 'hover'],
  ['idle', 'surface', 'ground', 'idle-soft', 'accent-soft', 'hover'],
  ['bar-ink', 'bar-ground'],
  ['bar-ink-2', 'bar-ground'],
];

describe.each(['light', 'dark'])('in the %s scheme', (scheme) => {
  const colours = schemeOf(scheme);
  const colour = (name: string): string => colours.get(`--hb-${name}`) ?? '';
  const pairs = TEXTS.flatMap(([text, ...grounds]) => grounds.map((ground) => [text, ground] as const));

  it.each(pairs)('%s on %s can be read', (text, ground) => {
    expect(colour(text)).toMatch(/^#/);
    expect(contrast(colour(text), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it('the lines of a graph are told from the ground', () => {
    for (let n = 1; n <= 8; n += 1)
      expect(contrast(colour(`series-${n}`), colour('surface')), `series ${n}`).toBeGreaterThanOrEqual(3);
  });

  it('the mark of the focus is seen on every ground', () => {
    for (const ground of ['ground', 'surface', 'sunken', 'bar-ground', 'accent-soft']) {
      expect(contrast(colour('focus'), colour(ground)), ground).toBeGreaterThanOrEqual(3);
    }
  });
});
