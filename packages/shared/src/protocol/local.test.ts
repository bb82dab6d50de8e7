import { describe, expect, it } from 'vitest';
import { parseFromExecutor, parseToExecutor } from './local.ts';

describe('a message between link process and executor', () => {
  it.each([parseToExecutor, parseFromExecutor])('that is no JSON is refused as such', (parse) => {
    expect(parse('{"t":')).toMatchObject({ ok: false, problem: expect.stringMatching(/^not JSON/) });
  });

  it.each(['null', '[]', '"sync"', '{}', '{"t":"toString"}', '{"t":"__proto__"}', '{"t":["sync"]}'])(
    'of no known type is refused: %s',
    (source) => {
      expect(parseToExecutor(source)).toEqual({ ok: false, problem: 't must be a known message type' });
    },
  );

  it('of the other direction is refused', () => {
    expect(parseToExecutor('{"t":"sync"}').ok).toBe(true);
    expect(parseFromExecutor('{"t":"sync"}').ok).toBe(false);
  });
});
