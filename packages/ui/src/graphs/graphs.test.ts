import type { MetricReply } from '@hauban/shared/api';
import { CATALOGUE, seriesName } from '@hauban/shared/metrics';
import { describe, expect, it } from 'vitest';
import { texts } from '../texts/index.ts';
import { chartData, hasFigures, isEmpty, latestOf } from './chart-data.ts';
import { scaleRange, stepsOf } from './chart-scale.ts';
import { linesOf, MAX_INSTANCES, namesOf, PANELS, type Line, type Panel } from './panels.ts';
import { createSampleBuffer } from './sample-buffer.ts';

const panel = (id: Panel['id']): Panel => {
  const found = PANELS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no panel ${id}`);
  return found;
};

describe('panels', () => {
  it('draw only series that the catalogue knows, in its unit', () => {
    for (const { id, unit, series, max } of PANELS) {
      for (const { pattern } of series) {
        expect(CATALOGUE.get(pattern), `${id}: ${pattern}`).toBeDefined();
        expect(CATALOGUE.get(pattern)?.unit, `${id}: ${pattern}`).toBe(unit);
      }
      if (typeof max === 'string') expect(CATALOGUE.get(max)?.unit, id).toBe(unit);
    }
  });

  it('have each their own title', () => {
    expect(PANELS.map((each) => each.id).toSorted()).toEqual(Object.keys(texts.graphs.panels).toSorted());
  });
});

describe('the lines of a panel', () => {
  it('are what the node has', () => {
    const { lines } = linesOf(panel('load'), ['sys.load1', 'sys.load15', 'cpu.user']);
    expect(lines.map((line) => line.name)).toEqual(['sys.load1', 'sys.load15']);
  });

  it('give both directions of an interface one colour, and leave lo out', () => {
    const names = ['lo', 'eth0', 'eth0.100'].flatMap((name) => [
      seriesName('net', name, 'rx_bytes_per_s'),
      seriesName('net', name, 'tx_bytes_per_s'),
    ]);
    const { lines } = linesOf(panel('network'), names);
    expect(lines.map((line) => [line.label, line.colour, line.isBelow])).toEqual([
      ['eth0 in', 0, false],
      ['eth0.100 in', 1, false],
      ['eth0 out', 0, true],
      ['eth0.100 out', 1, true],
    ]);
  });

  it('show the name of a mount as it is, and a deceiving one as what it is', () => {
    const names = ['/srv/my data', '/a\u202Eb'].map((mount) => seriesName('fs', mount, 'used_ratio'));
    expect(
      linesOf(panel('fs'), names)
        .lines.map((line) => line.label)
        .toSorted(),
    ).toEqual(['/a⟨U+202E⟩b', '/srv/my data']);
  });

  it('stop at eight, and say how many more there are', () => {
    const names = Array.from({ length: 20 }, (_, core) => `cpu.${core}.busy`);
    const { lines, hidden } = linesOf(panel('cores'), names);
    expect(lines.map((line) => line.label)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(hidden).toBe(20 - MAX_INSTANCES);
  });

  it('come with the series that is the top of the scale', () => {
    const { lines } = linesOf(panel('memory'), ['mem.used_bytes', 'mem.total_bytes']);
    expect(namesOf(panel('memory'), lines)).toEqual(['mem.used_bytes', 'mem.total_bytes']);
  });
});

const line = (name: string, isBelow = false): Line => ({ name, label: name, colour: 0, isBelow });
const reply = (times: number[], series: Record<string, (number | null)[]>): MetricReply => ({
  times,
  stepMs: 10_000,
  series: Object.entries(series).map(([name, values]) => ({ name, unit: 'percent', values })),
});

describe('the data of a chart', () => {
  it('stacks, and leaves holes', () => {
    const history = reply([10_000, 20_000, 30_000], { a: [1, null, 3], b: [10, null, null] });
    const data = chartData(panel('cpu'), [line('a'), line('b')], history, null, 0);
    expect(data.times).toEqual([10, 20, 30]);
    expect(data.columns).toEqual([
      [1, null, 3],
      [11, null, 3],
    ]);
    expect(latestOf(data)).toEqual([3, 10]);
    expect(data.top).toBe(100);
  });

  it('turns what goes out below zero, but tells it as it is', () => {
    const data = chartData(panel('network'), [line('a'), line('b', true)], reply([1000], { a: [5], b: [7] }), null, 0);
    expect(data.columns).toEqual([[5], [-7]]);
    expect(data.raw).toEqual([[5], [7]]);
  });

  it('goes on with live samples where the history ends, without doubling', () => {
    const live = createSampleBuffer(100);
    live.push(21_000, ['a'], [3]);
    live.push(22_000, ['a'], [4]);
    const history = reply([10_000, 20_000, 30_000], { a: [1, 2, 99] });
    expect(chartData(panel('load'), [line('a')], history, live, 0)).toMatchObject({
      times: [10, 20, 21, 22],
      raw: [[1, 2, 3, 4]],
    });
  });

  it('draws no line over a hole between history and now', () => {
    const live = createSampleBuffer(100);
    live.push(100_000, ['a'], [3]);
    expect(chartData(panel('load'), [line('a')], reply([10_000], { a: [1] }), live, 0).raw).toEqual([[1, null, 3]]);
  });

  it('leaves out what is before the window', () => {
    expect(chartData(panel('load'), [line('a')], reply([10_000, 20_000], { a: [1, 2] }), null, 15_000).times).toEqual([
      20,
    ]);
  });

  it('takes the top from its series', () => {
    const history = reply([1000, 2000], { a: [1, 2], 'mem.total_bytes': [16, null] });
    expect(chartData(panel('memory'), [line('a')], history, null, 0).top).toBe(16);
  });

  it('knows when there is nothing to see', () => {
    const none = chartData(panel('load'), [line('a')], undefined, null, 0);
    expect([isEmpty(none), hasFigures(none)]).toEqual([true, false]);
    const zero = chartData(panel('load'), [line('a')], reply([1000], { a: [0] }), null, 0);
    expect([isEmpty(zero), hasFigures(zero)]).toEqual([false, false]);
  });
});

describe('the buffer of live samples', () => {
  it('keeps the newest, and null where a series was not in a sample', () => {
    const buffer = createSampleBuffer(3);
    buffer.push(1, ['a'], [1]);
    buffer.push(2, ['a', 'b'], [2, 20]);
    buffer.push(3, ['b'], [30]);
    buffer.push(4, ['a', 'b'], [4, null]);
    expect(buffer.times()).toEqual([2, 3, 4]);
    expect(buffer.values('a')).toEqual([2, null, 4]);
    expect(buffer.values('b')).toEqual([20, 30, null]);
    expect(buffer.values('c')).toEqual([null, null, null]);
  });

  it('goes only forward in time', () => {
    const buffer = createSampleBuffer(3);
    buffer.push(5, ['a'], [1]);
    buffer.push(5, ['a'], [2]);
    buffer.push(4, ['a'], [3]);
    expect(buffer.values('a')).toEqual([1]);
  });
});

describe('the scale', () => {
  it('does not make a mountain of noise', () => {
    expect(scaleRange('percent', 0, 0.2, null)).toEqual([0, 5]);
    expect(scaleRange('percent', 0, 40, null)).toEqual([0, 42]);
    expect(scaleRange('percent', 0, 40, 100)).toEqual([0, 100]);
    expect(scaleRange('bytes_per_s', -2048, 10, null)).toEqual([-2150.4, 1024]);
    expect(scaleRange('count', null, null, null)).toEqual([0, 1]);
  });

  it('marks bytes at powers of two', () => {
    expect(stepsOf('bytes')?.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(stepsOf('percent')).toBeUndefined();
  });
});
