import { describe, expect, it } from 'vitest';
import { decodeShellFrame, encodeShellFrame } from './frames.ts';

const session = '0f0e0d0c-0b0a-4908-8706-050403020100';

describe('the body of a shell frame', () => {
  it('comes out as it went in', () => {
    const frame = { op: 2, session, body: Uint8Array.of(7, 8) } as const;
    expect(decodeShellFrame(encodeShellFrame(frame))).toEqual(frame);
  });

  it('cut off inside its session id is no frame of a session of zeros', () => {
    const whole = encodeShellFrame({ op: 2, session, body: new Uint8Array(0) });
    expect(decodeShellFrame(whole)).not.toBeNull();
    for (let length = 0; length < whole.length; length += 1)
      expect(decodeShellFrame(whole.subarray(0, length)), `${length} bytes`).toBeNull();
  });

  it.each([0, 9, 255])('with operation %i is refused', (op) => {
    const bytes = encodeShellFrame({ op: 1, session, body: Uint8Array.of(1) });
    bytes[0] = op;
    expect(decodeShellFrame(bytes)).toBeNull();
  });

  it.each(['', '../../etc/passwd', `${session}0`, session.toUpperCase()])('is not made for session %j', (bad) => {
    expect(() => encodeShellFrame({ op: 1, session: bad, body: new Uint8Array(0) })).toThrow(TypeError);
  });
});
