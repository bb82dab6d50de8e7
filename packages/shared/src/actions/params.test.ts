import { describe, expect, it } from 'vitest';
import { parseNetwork } from './params.ts';

describe('a network of a list', () => {
  it.each(['', '0', '1.2.3', '192.0.2.1/33', '192.0.2.1/24', '::g', '::/129', '192.0.2.0/24;reboot'])(
    '%s is none',
    (text) => expect(parseNetwork(text).ok).toBe(false),
  );

  it('may be of any width', () => {
    for (const text of ['0.0.0.0/0', '::/0', '192.0.2.7']) expect(parseNetwork(text).ok, text).toBe(true);
  });
});
