import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordingHeader } from '../protocol/local.ts';
import { encodeCastEvent, encodeCastHeader, parseCast, parseCastEvent, type CastCode } from './asciicast.ts';
import { checkChunkText, followChain, type ChainState } from './chunk-chain.ts';

const header = { columns: 80, rows: 24, terminal: 'xterm-256color', startedAt: 1_700_000_000_000, title: 'root@web1' };

describe('asciicast v3', () => {
  it('writes the form that players read', () => {
    expect(encodeCastHeader(header)).toBe(
      '{"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1700000000,"title":"root@web1"}\n',
    );
    expect(encodeCastEvent(1234, 'o', 'a\u001b[0m"\r\n')).toBe('[1.234,"o","a\\u001b[0m\\"\\r\\n"]\n');
    expect(encodeCastEvent(-5, 'r', '80x24')).toBe('[0.000,"r","80x24"]\n');
  });

  it('reads back what it wrote, to the ms, over a long session', () => {
    const event = fc.record({
      intervalMs: fc.integer({ min: 0, max: 100_000 }),
      code: fc.constantFrom<CastCode>('o', 'i', 'r', 'm', 'x'),
      data: fc.string({ unit: 'binary' }),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const text =
          encodeCastHeader(header) + events.map((one) => encodeCastEvent(one.intervalMs, one.code, one.data)).join('');
        let atMs = 0;
        expect(parseCast(text)).toEqual({
          ok: true,
          header,
          events: events.map((one) => ({ atMs: (atMs += one.intervalMs), code: one.code, data: one.data })),
        });
      }),
    );
  });

  it.each(['', 'null', '{"version":2}', '[0.1,"o","x"]'])('refuses header %j', (line) => {
    expect(parseCast(`${line}\n`)).toMatchObject({ ok: false, problem: expect.stringContaining('line 1') });
  });

  it.each([
    '',
    '{}',
    '[1,"o"]',
    '[-1,"o","x"]',
    '["1","o","x"]',
    '[1,"z","x"]',
    '[1,"o",5]',
    '[1e300,"o","x"]',
    '[1,"o","x"',
  ])('%j is not an event', (line) => {
    expect(parseCastEvent(line)).toBeNull();
  });
});

const session = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';
const node = '7f9619ff-8b86-4d01-b42d-00c04fc964ff';
const hash = (digit: string): string => digit.repeat(64);
const first: RecordingHeader = {
  v: 1,
  session,
  node,
  index: 0,
  prev: null,
  from: 100,
  to: 200,
  events: 2,
  sha256: hash('0'),
  offset: 0,
  bytes: 10,
  last: false,
  ended: null,
};
const second: RecordingHeader = {
  ...first,
  index: 1,
  prev: hash('a'),
  from: 200,
  to: 300,
  offset: 10,
  bytes: 5,
  last: true,
  ended: 'exited',
};

function afterFirst(): ChainState {
  const followed = followChain(null, { session, node }, first, hash('a'));
  if (!followed.ok) throw new Error(followed.problem);
  return followed.state;
}

describe('SHELL7 the chain of a recording', () => {
  it('takes chunks in order to the last', () => {
    const followed = followChain(afterFirst(), { session, node }, second, hash('b'));
    expect(followed).toEqual({
      ok: true,
      state: {
        session,
        node,
        nextIndex: 2,
        lastHash: hash('b'),
        offset: 15,
        from: 100,
        to: 300,
        ended: 'exited',
        isComplete: true,
      },
    });
  });

  it.each<[string, Partial<RecordingHeader>]>([
    ['a chunk left out', { index: 2 }],
    ['a chunk repeated', { index: 0 }],
    ['a chunk from another chain', { prev: hash('c') }],
    ['a chain begun again', { prev: null }],
    ['output left out', { offset: 11 }],
    ['another session', { session: node }],
    ['another node', { node: session }],
    ['time that goes back', { from: 150 }],
    ['time that runs backwards inside', { from: 300, to: 299 }],
    ['a last chunk without reason', { ended: null }],
    ['a reason without last chunk', { last: false }],
  ])('finds %s', (_fault, change) => {
    expect(followChain(afterFirst(), { session, node }, { ...second, ...change }, hash('b')).ok).toBe(false);
  });

  it('finds a chunk after the last', () => {
    const done = followChain(afterFirst(), { session, node }, second, hash('b'));
    if (!done.ok) throw new Error(done.problem);
    expect(
      followChain(
        done.state,
        { session, node },
        { ...second, index: 2, prev: hash('b'), from: 300, offset: 15 },
        hash('c'),
      ).ok,
    ).toBe(false);
  });

  it('compares the text with the header', () => {
    const text = encodeCastHeader(header) + encodeCastEvent(1, 'o', 'a') + encodeCastEvent(1, 'o', 'b');
    expect(checkChunkText(first, text)).toBeNull();
    expect(checkChunkText({ ...first, events: 3 }, text)).toMatch(/holds 2 events/);
    expect(checkChunkText(first, text.slice(0, -1))).toMatch(/ends inside a line/);
    expect(checkChunkText(first, text.slice(text.indexOf('\n') + 1))).toMatch(/does not begin/);
    expect(checkChunkText({ ...second, events: 1 }, 'x\n')).toMatch(/is not an asciicast event/);
  });
});
