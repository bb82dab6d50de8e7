import { describe, expect, it } from 'vitest';
import type { Change } from '../actions/index.ts';
import { createFakeHost, sweepCrashes } from './index.ts';

const FOLDER: Change = {
  kind: 'directory',
  path: '/srv/new',
  before: null,
  after: { mode: 0o755, uid: 0, gid: 0 },
};

describe('a sweep of crashes', () => {
  it('finds nothing where everything is taken back', async () => {
    const scene = () => ({ host: createFakeHost(), changes: () => Promise.resolve([FOLDER]) });
    expect(await sweepCrashes(scene)).toEqual([]);
  });

  it('tells each death after which the machine is another one', async () => {
    let looks = 0;
    const scene = () => ({
      host: createFakeHost(),
      changes: () => Promise.resolve([FOLDER]),
      state: () => String((looks += 1)),
    });
    expect(await sweepCrashes(scene)).toEqual([
      'killed before effect 1: the machine is not as it was',
      'killed after effect 1: the machine is not as it was',
    ]);
  });

  it('tells when there was little to be killed at', async () => {
    const scene = () => ({ host: createFakeHost(), changes: () => Promise.resolve([]) });
    expect(await sweepCrashes(scene, 2)).toEqual(['it has 0 effects, not 2']);
  });
});
