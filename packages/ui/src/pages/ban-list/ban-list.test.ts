import { parseBanListLines, type DriftRow, type PoolDetail, type PoolMember } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { parseChange, START } from './change-values.ts';
import { linesProblem } from './entry-lines.ts';
import { standingsOf } from './list-standing.ts';

describe('pasted lines', () => {
  it('tell the first of many bad ones and how many more there are', () => {
    const problem = linesProblem(parseBanListLines(Array.from({ length: 30 }, (_, n) => `bad-${n}`).join('\n')));
    expect(problem?.split('\n')).toHaveLength(9);
    expect(problem).toMatch(/and 22 more bad lines$/);
  });

  it('with an override of the direction of text show it', () => {
    expect(linesProblem(parseBanListLines('\u202E1.2.3.4'))).not.toContain('\u202E');
  });

  it('are refused when there is none, and when there are more than one change can have', () => {
    expect(linesProblem(parseBanListLines(' \n#'))).not.toBeNull();
    const many = Array.from({ length: 20_001 }, (_, n) => `11.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    expect(linesProblem(parseBanListLines(many.join('\n')))).toContain('20001');
    expect(linesProblem(parseBanListLines(many.slice(1).join('\n')))).toBeNull();
  });

  it('become a request with an end and a reason that the contract has', () => {
    const typed = { ...START, lines: '192.0.3.7', durationS: '3600', reason: 'made up', isWhole: true };
    expect(parseChange(typed)).toEqual({
      ok: true,
      request: { targets: ['192.0.3.7'], durationS: 3600, reason: 'manual', replace: true },
    });
  });
});

const member = (nodeId: string, more: Partial<PoolMember>): PoolMember => ({
  nodeId,
  hostName: nodeId,
  isOnline: true,
  comparedAt: 200,
  isCurrent: true,
  inOrder: 1,
  differs: 0,
  blocked: 0,
  adopted: 0,
  work: null,
  ...more,
});
const drift = (nodeId: string, more: Partial<DriftRow>): DriftRow => ({
  nodeId,
  hostName: nodeId,
  itemId: 'of-the-list',
  action: 'firewall.set-list',
  key: 'k',
  state: 'differs',
  says: 'it says so',
  changes: [],
  hash: '',
  since: 0,
  seenAt: 0,
  changedAt: null,
  adoptedBy: null,
  adoptedAt: null,
  ...more,
});
const poolOf = (members: PoolMember[]): PoolDetail => ({
  id: 'p',
  name: 'web',
  nodes: null,
  on: 'role=web',
  repair: 'show',
  budget: 0,
  compareMinutes: 60,
  version: 1,
  itemCount: 2,
  memberCount: members.length,
  driftCount: 0,
  comparedAt: null,
  createdAt: 0,
  createdBy: 'x',
  members,
  items: ['spam', 'other'].map((list) => ({
    id: list === 'spam' ? 'of-the-list' : 'of-another',
    key: list,
    action: 'firewall.set-list',
    args: { list },
    addedAt: list === 'spam' ? 100 : 900,
    addedBy: '',
    runId: null,
  })),
});

describe('the nodes of a pool with a list', () => {
  it('have it when they were found to have it with what is wished now, and not before', () => {
    const members = [
      member('has', {}),
      member('before', { isCurrent: false }),
      member('never', { comparedAt: null, isCurrent: false }),
      member('failed', { inOrder: 0 }),
      member('unread', { inOrder: 0, differs: 1 }),
      member('blocked', {}),
      member('adopted', {}),
      member('other', {}),
    ];
    const rows = [
      drift('blocked', { state: 'blocked' }),
      drift('adopted', { adoptedAt: 1, adoptedBy: 'x' }),
      drift('other', { itemId: 'of-another' }),
    ];
    const found = standingsOf(poolOf(members), rows, 'spam').map(({ member: { nodeId }, standing }) => [
      nodeId,
      standing,
    ]);
    expect(found[0]).toEqual(['blocked', 'blocked']);
    expect(Object.fromEntries(found)).toEqual({
      has: 'has-it',
      before: 'on-its-way',
      never: 'on-its-way',
      failed: 'on-its-way',
      unread: 'on-its-way',
      blocked: 'blocked',
      adopted: 'adopted',
      other: 'has-it',
    });
  });
});
