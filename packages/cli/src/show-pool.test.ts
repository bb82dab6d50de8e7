import type { DriftRow, PoolDetail, PoolWorkRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { driftText, poolTable, renderPool, workText } from './show-pool.ts';

const HOSTILE = 'web1\u001b[2J\u0007\u202eevil';

const drift: DriftRow = {
  nodeId: 'n',
  hostName: HOSTILE,
  itemId: 'i',
  action: 'service.start',
  key: `service.start unit=${HOSTILE}`,
  state: 'blocked',
  says: `no such unit ${HOSTILE}`,
  changes: [{ kind: 'file', title: HOSTILE, before: `old ${HOSTILE}\n`, after: `new ${HOSTILE}\n` }],
  hash: 'ab12'.repeat(16),
  changedAt: null,
  since: 0,
  seenAt: 60_000,
  adoptedBy: null,
  adoptedAt: null,
};
const work: PoolWorkRow = {
  id: 'w',
  nodeId: 'n',
  kind: 'join',
  requester: HOSTILE,
  says: `1 wish could not be put right: ${HOSTILE}`,
  done: 2,
  failed: [{ itemId: 'i', says: HOSTILE }],
  createdAt: 0,
  finishedAt: 1,
  isWell: false,
};
const pool: PoolDetail = {
  id: 'p',
  name: 'web-main',
  nodes: null,
  on: 'role=web',
  repair: 'auto',
  budget: 20,
  compareMinutes: 60,
  version: 4,
  itemCount: 1,
  memberCount: 1,
  driftCount: 1,
  comparedAt: 60_000,
  createdAt: 0,
  createdBy: 'ann',
  members: [
    {
      ...{ nodeId: 'n', hostName: HOSTILE, isOnline: false, comparedAt: 0 },
      ...{ isCurrent: true, inOrder: 3, differs: 2, blocked: 1, adopted: 4, work: null },
    },
  ],
  items: [
    {
      ...{ id: 'i', key: drift.key, action: 'service.start', args: { unit: HOSTILE } },
      ...{ addedAt: 0, addedBy: HOSTILE, runId: null },
    },
  ],
};

describe('a pool', () => {
  it('is told with its nodes, how each stands, and what is wished', () => {
    const text = renderPool(pool);
    expect(text).toMatch(/web-main +1 node: role=web +1 +1 +auto, 20 an hour +60 min +4/);
    expect(text).toContain('1 blocked, 2 differ, 4 adopted');
    expect(renderPool({ ...pool, members: [], items: [] })).toMatch(/No node belongs to it now[^]*Nothing is wished/);
    expect(poolTable([])).toContain('no pool');
  });

  it('shows how a node differs, what is there and what is wished, with the name that adopt takes', () => {
    const text = driftText([drift], false);
    expect(text).toMatch(/^ {2}blocked; since .*, last seen /m);
    expect(text).toMatch(/^ {4}- old web1/m);
    expect(text).toMatch(/^ {4}\+ new web1/m);
    expect(text).toContain('difference ab12ab12ab12');
  });

  it('leaves out what was adopted, and says so', () => {
    const adopted: DriftRow = { ...drift, adoptedBy: 'ann', adoptedAt: 1 };
    expect(driftText([adopted], false)).toBe(
      'Nothing differs, as far as it is known.\n\n1 adopted difference not shown: see --all.',
    );
    expect(driftText([adopted], true)).toMatch(/adopted by ann /);
  });

  it('names the wishes that failed', () => {
    expect(workText([work], pool)).toMatch(/could not be put right[^]*\n {2}service\.start unit=web1/);
  });

  it('of a hostile node sends no escape sequence to the terminal', () => {
    const all = [renderPool(pool), driftText([drift], true), workText([work], pool), poolTable([pool])].join('\n');
    for (const hidden of ['\u001b', '\u0007', '\u202e']) expect(all).not.toContain(hidden);
    expect(all).toContain('evil');
  });
});
