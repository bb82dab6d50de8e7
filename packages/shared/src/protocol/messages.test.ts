import { describe, expect, it } from 'vitest';
import { parseAgentMessage, parseControllerMessage } from './messages.ts';

describe.each([
  ['node', parseAgentMessage],
  ['controller', parseControllerMessage],
])('a control message of the %s', (_side, parse) => {
  it('of a type that is not known yet is a value of its own', () => {
    const type = 'x'.repeat(64);
    expect(parse(JSON.stringify({ t: type }))).toEqual({ ok: 'unknown-type', type });
  });

  it('whose type is endless is refused, not counted', () => {
    expect(parse(JSON.stringify({ t: 'x'.repeat(65) })).ok).toBe(false);
  });

  it.each(['null', '5', '[]', '{}', '{"t":5}', '{"t":["hello"]}'])('without a type is refused: %s', (source) => {
    expect(parse(source)).toEqual({ ok: false, problem: 't must be the type of the message' });
  });
});
