import type { NodeRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { NO_FIGURES } from './node-row.ts';
import { selectNodes } from './select-nodes.ts';

const node = (id: string, more: Partial<NodeRow> = {}): NodeRow => ({
  id,
  hostName: id,
  labels: {},
  roles: [],
  state: 'up',
  os: 'Debian',
  agentVersion: '1',
  isRoot: true,
  enrolledAt: 0,
  lastSeenAt: 0,
  figures: NO_FIGURES,
  ...more,
});
const fleet = [
  node('web1', { roles: ['web'], labels: { rack: '12', dc: 'vie' }, figures: { ...NO_FIGURES, cpuBusyRatio: 0.5 } }),
  node('web2', { roles: ['web', 'database'], state: 'down', lastSeenAt: 5 }),
  node('mail', { roles: ['mail'], labels: { rack: '3' }, state: 'never-seen', lastSeenAt: null, os: 'Ubuntu 24.04' }),
  node('Lb', { labels: { rack: '12' }, figures: { ...NO_FIGURES, cpuBusyRatio: 0.1 } }),
];
const ids = (query: Parameters<typeof selectNodes>[1]): string[] => selectNodes([...fleet], query).map(({ id }) => id);

describe('selectNodes', () => {
  it('sorts by host name without regard to case, unless asked otherwise', () => {
    expect(ids({})).toEqual(['Lb', 'mail', 'web1', 'web2']);
    expect(ids({ order: 'desc' })).toEqual(['web2', 'web1', 'mail', 'Lb']);
    expect(ids({ sort: 'state' })).toEqual(['web2', 'mail', 'Lb', 'web1']);
  });
  it('puts what is not known last either way', () => {
    expect(ids({ sort: 'cpu' })).toEqual(['Lb', 'web1', 'mail', 'web2']);
    expect(ids({ sort: 'cpu', order: 'desc' })).toEqual(['web1', 'Lb', 'mail', 'web2']);
    expect(ids({ sort: 'lastSeenAt', order: 'desc' }).at(-1)).toBe('mail');
  });
  it('filters by role, label with and without value, and state', () => {
    expect(ids({ role: 'web' })).toEqual(['web1', 'web2']);
    expect(ids({ label: 'rack=12' })).toEqual(['Lb', 'web1']);
    expect(ids({ label: 'rack' })).toEqual(['Lb', 'mail', 'web1']);
    expect(ids({ label: 'rack=1' })).toEqual([]);
    expect(ids({ label: '__proto__' })).toEqual([]);
    expect(ids({ state: 'down' })).toEqual(['web2']);
  });
  it('searches every word in name, id, system, roles and labels', () => {
    expect(ids({ search: 'WEB' })).toEqual(['web1', 'web2']);
    expect(ids({ search: 'web dc=vie' })).toEqual(['web1']);
    expect(ids({ search: 'ubuntu' })).toEqual(['mail']);
    expect(ids({ search: 'data' })).toEqual(['web2']);
    expect(ids({ search: 'nothing' })).toEqual([]);
  });
});
