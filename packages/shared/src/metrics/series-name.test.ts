import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CATALOGUE, catalogueEntry } from './catalogue.ts';
import { FAMILIES, FAMILY_CODES, familyOfCode } from './families.ts';
import { escapeInstance, parseSeriesName, seriesName, SERIES_NAME_MAX, unescapeInstance } from './series-name.ts';

describe('names of series', () => {
  test('an instance may have dots: first dot ends the family, last dot begins the metric', () => {
    expect(parseSeriesName('net.eth0.100.rx_bytes_per_s')).toEqual({
      family: 'net',
      instance: 'eth0.100',
      metric: 'rx_bytes_per_s',
    });
    expect(parseSeriesName('cpu.user')).toEqual({ family: 'cpu', instance: '', metric: 'user' });
  });

  test('what is not a name of a known family is refused', () => {
    for (const text of [
      '',
      'cpu',
      'cpu.',
      '.user',
      'gpu.user',
      'cpu.User',
      'cpu..user',
      'cpu.a b.user',
      'cpu.<b>.user',
      `cpu.${'x'.repeat(200)}`,
      'constructor.x',
    ]) {
      expect(parseSeriesName(text), text).toBeUndefined();
    }
  });

  test('any mount point makes a well-formed name, and short ones come back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (mount) => {
        const name = seriesName('fs', `/${mount}`, 'inodes_used_ratio');
        expect(name.length).toBeLessThanOrEqual(SERIES_NAME_MAX);
        const parsed = parseSeriesName(name);
        expect(parsed?.metric).toBe('inodes_used_ratio');
        if (parsed !== undefined && !parsed.instance.includes('~') && !/\p{Surrogate}/u.test(mount))
          expect(unescapeInstance(parsed.instance)).toBe(`/${mount}`);
      }),
    );
  });

  test('two long mount points that begin alike keep different names', () => {
    const long = `/srv/${'a'.repeat(200)}`;
    expect(escapeInstance(`${long}1`)).not.toBe(escapeInstance(`${long}2`));
  });
});

describe('catalogue', () => {
  test('every pattern is found by a name of its form', () => {
    for (const [pattern, entry] of CATALOGUE)
      expect(catalogueEntry(pattern.replace('*', '/srv/a.b')), pattern).toBe(entry);
  });

  test('units end the names, sentences end in a full stop', () => {
    for (const [pattern, { metric, unit, says, family }] of CATALOGUE) {
      expect(says, pattern).toMatch(/^[A-Z0-9].*\.$/);
      const isPlain =
        unit === 'count' || unit === 'flag' || (unit === 'percent' && (family === 'cpu' || family === 'psi'));
      if (!isPlain) expect(metric, pattern).toMatch(new RegExp(`_${unit}$`));
    }
  });

  test('family codes are their own', () => {
    expect(FAMILIES.map((family) => familyOfCode(FAMILY_CODES[family]))).toEqual([...FAMILIES]);
    expect(familyOfCode(0)).toBeUndefined();
  });
});
