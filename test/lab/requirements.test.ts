import { describe, expect, it } from 'vitest';
import { judgeRequirements } from './requirements.ts';

describe('what the lab needs of a machine', () => {
  it('skips where something is missing, with the reason', () => {
    const missing = 'nodes of the lab need root';
    expect(judgeRequirements(missing, { isCi: true, isRoot: false })).toEqual({ ok: false, missing });
    expect(judgeRequirements(missing, { isCi: false, isRoot: true })).toEqual({ ok: false, missing });
  });

  it('fails instead of skipping in CI as root', () => {
    expect(() => judgeRequirements('no tini', { isCi: true, isRoot: true })).toThrow('no tini');
    expect(judgeRequirements(null, { isCi: true, isRoot: true })).toEqual({ ok: true });
  });
});
