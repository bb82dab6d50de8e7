import type { DriftRow, PoolWorkRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { fitsDrift, lastFailure } from './drift-state.ts';

const row = (itemId: string, more: Partial<DriftRow> = {}): DriftRow => ({
  ...{ nodeId: 'n', hostName: 'web1', itemId, action: 'service.start', key: `unit=${itemId}`, state: 'differs' },
  ...{ says: '', changes: [], hash: '', changedAt: null, since: 100, seenAt: 200, adoptedBy: null, adoptedAt: null },
  ...more,
});
const work = (finishedAt: number | null, more: Partial<PoolWorkRow> = {}): PoolWorkRow => ({
  ...{ id: String(finishedAt), nodeId: 'n', kind: 'repair', requester: 'ann', says: '', done: 0 },
  ...{ failed: [{ itemId: 'nginx', says: `failed at ${finishedAt}` }], createdAt: 0, finishedAt, isWell: false },
  ...more,
});

describe('what differs', () => {
  const rows = [row('nginx'), row('cron', { state: 'blocked', nodeId: 'm' }), row('ssh', { adoptedAt: 1 })];
  const shown = (filter: object): string[] =>
    rows
      .filter((each) => fitsDrift(each, { nodeId: '', state: 'open', text: '', ...filter }))
      .map(({ itemId }) => itemId);

  it('is shown without what was adopted, unless that is asked for', () => {
    expect(shown({})).toEqual(['nginx', 'cron']);
    expect(shown({ state: 'adopted' })).toEqual(['ssh']);
    expect(shown({ state: 'all' })).toEqual(['nginx', 'cron', 'ssh']);
  });

  it('is found by state, node and text', () => {
    expect(shown({ state: 'blocked' })).toEqual(['cron']);
    expect(shown({ nodeId: 'm' })).toEqual(['cron']);
    expect(shown({ text: 'NGINX' })).toEqual(['nginx']);
    expect(shown({ text: 'web1' })).toEqual(['nginx', 'cron']);
  });
});

describe('the last try', () => {
  it('is the newest that ended since the difference was seen first', () => {
    expect(lastFailure(row('nginx'), [work(150), work(180), work(null)])).toBe('failed at 180');
    expect(lastFailure(row('nginx'), [work(90)])).toBeNull();
  });

  it('is none when the newest did not fail for this, was another node’s, or only compared', () => {
    expect(lastFailure(row('nginx'), [work(150), work(180, { failed: [] })])).toBeNull();
    expect(lastFailure(row('nginx'), [work(150, { nodeId: 'm' }), work(160, { kind: 'compare' })])).toBeNull();
  });
});
