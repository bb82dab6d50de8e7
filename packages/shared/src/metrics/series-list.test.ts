import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catalogueSeries, createSeriesList, MAX_SERIES, parseSeriesList, seriesListToJson } from './series-list.ts';

const list = createSeriesList(['cpu.user', 'cpu.0.busy', 'net.eth0.rx_bytes_per_s', 'cpu.idle'].map(catalogueSeries));
type Json = { version: string; series: unknown[][] };
const json = (): Json => JSON.parse(JSON.stringify(seriesListToJson(list))) as Json;
const problem = (value: unknown): string => {
  const parsed = parseSeriesList(value);
  return parsed.ok ? 'ok' : parsed.problem;
};

describe('list of series', () => {
  test('comes back from JSON with its families in list order', () => {
    const parsed = parseSeriesList(json());
    expect(parsed).toEqual({ ok: true, value: list });
    expect(list.byFamily.cpu).toEqual([0, 1, 3]);
    expect(list.byFamily.net).toEqual([2]);
  });

  test('the version is stable: it depends on names, units, kinds, scales and their order, and on nothing else', () => {
    expect(list.version).toBe('a146813caedbdc02');
    const versions = [
      list.series,
      list.series.toReversed(),
      list.series.slice(1),
      list.series.with(0, { ...catalogueSeries('cpu.user'), scale: 10 }),
      list.series.with(0, { ...catalogueSeries('cpu.user'), unit: 'ratio' as const }),
      [],
    ].map((series) => createSeriesList(series).version);
    expect(new Set(versions).size).toBe(versions.length);
  });

  test.each<[string, (value: Json) => unknown, RegExp]>([
    [
      'more than 2,000 series',
      (v) => ({
        ...v,
        series: Array.from({ length: MAX_SERIES + 1 }, (_, i) => [`cpu.${i}.busy`, 'percent', 'rate', 10]),
      }),
      /at most 2000/,
    ],
    [
      'a name with script in it',
      (v) => ({ ...v, series: [['fs.<script>.size_bytes', 'bytes', 'gauge', 1]] }),
      /must be family\.metric/,
    ],
    [
      'a name of 10,000 characters',
      (v) => ({ ...v, series: [['cpu.'.padEnd(10_000, 'x'), 'percent', 'rate', 1]] }),
      /3 to 160/,
    ],
    ['a name twice', (v) => ({ ...v, series: [v.series[0], v.series[0]] }), /once/],
    ['a scale of 0', (v) => ({ ...v, series: [['cpu.user', 'percent', 'rate', 0]] }), /scale/],
    ['a scale that is no number', (v) => ({ ...v, series: [['cpu.user', 'percent', 'rate', '10']] }), /number/],
    ['an unknown unit', (v) => ({ ...v, series: [['cpu.user', 'apples', 'rate', 10]] }), /one of/],
    ['a fifth cell', (v) => ({ ...v, series: [['cpu.user', 'percent', 'rate', 10, 1]] }), /at most 4/],
    ['a field too many', (v) => ({ ...v, more: 1 }), /absent/],
    ['the version of another list', (v) => ({ ...v, series: v.series.slice(1) }), /hash/],
    ['no object', () => 7, /object/],
  ])('refuses a declared list with %s', (_, change, wanted) => {
    expect(problem(change(json()))).toMatch(wanted);
  });

  test('any JSON is answered with a value, never an exception', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void parseSeriesList(value)));
    fc.assert(fc.property(fc.jsonValue(), (value) => void parseSeriesList({ version: list.version, series: value })));
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.jsonValue())),
        (series) => void parseSeriesList({ version: list.version, series }),
      ),
    );
  });
});
