import { describe, expect, it } from 'vitest';
import { parseCast, parseCastEvent } from './asciicast.ts';

const HEADER = '{"version":3,"term":{"cols":80,"rows":24}}';

describe('a recording that somebody has made up', () => {
  it.each([
    ['no JSON', '[0,"o"'],
    ['an object that looks like a list', '{"0":0,"1":"o","2":"x","length":3}'],
    ['a field too many', '[0,"o","x",1]'],
    ['a field too few', '[0,"o"]'],
    ['a time before the one before', '[-1,"o","x"]'],
    ['a time that is no number', '["0","o","x"]'],
    ['a code that does not exist', '[0,"z","x"]'],
    ['data that is no text', '[0,"o",{}]'],
  ])('has no event of %s', (_name, line) => {
    expect(parseCastEvent(line)).toBeNull();
    expect(parseCast(`${HEADER}\n[0,"o","x"]\n${line}\n`)).toEqual({
      ok: false,
      problem: 'line 3 is not an asciicast v3 event',
    });
  });

  it.each([
    ['null', 'null'],
    ['another version', '{"version":2,"term":{"cols":80,"rows":24}}'],
    ['no width', '{"version":3,"term":{"rows":24}}'],
    ['a height that is text', '{"version":3,"term":{"cols":80,"rows":"24"}}'],
  ])('has no header of %s', (_name, line) => {
    expect(parseCast(`${line}\n[0,"o","x"]\n`)).toEqual({
      ok: false,
      problem: 'line 1 is not an asciicast v3 header',
    });
  });

  it('is read when it is none', () => {
    expect(parseCast(`${HEADER}\n# a remark\n[0.5,"o","x"]\n`)).toMatchObject({
      ok: true,
      header: { columns: 80, rows: 24 },
      events: [{ atMs: 500, code: 'o', data: 'x' }],
    });
  });
});
