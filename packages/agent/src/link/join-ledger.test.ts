import { expect, it } from 'vitest';
import { createJoinLedger } from './join-ledger.ts';
import type { LinkLog } from './link-log.ts';

const log = { warn: () => undefined, info: () => undefined, error: () => undefined } as unknown as LinkLog;

it('KEYS4 no mark is stored for a link that nobody has claimed', () => {
  let stored: string | null = null;
  const ledger = createJoinLedger({ load: () => stored, save: (text) => void (stored = text) }, log);
  const link = { counter: 1, mark: 'm', joined: 0 };
  expect(() => ledger.step(link)).toThrow('a step without a claim');
  expect(stored).toBeNull();
  expect(ledger.claim('n1')).toEqual({ counter: 1, marks: [] });
  ledger.step(link);
  expect(ledger.claim('n1')).toEqual({ counter: 2, marks: ['m'] });
  // Another node's file says nothing about this one.
  expect(ledger.claim('n2')).toEqual({ counter: 1, marks: [] });
});
