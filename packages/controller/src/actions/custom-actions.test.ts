import { describe, expect, it } from 'vitest';
import { findCustom, offeredCustom } from './custom-actions.ts';

const manifest = (change: object = {}): object => ({
  version: 1,
  kind: 'check',
  title: 'Free space',
  risk: 'low',
  user: 'nobody',
  run: { program: '/usr/lib/nagios/plugins/check_disk' },
  ...change,
});
const told = (nodeId: string, ...rows: readonly unknown[]) => ({ nodeId, data: rows });

describe('actions that nodes tell of', () => {
  it('are offered when they are the same wherever they are', () => {
    const all = [
      told('a', { name: 'disk', manifest: manifest() }, { name: 'load', manifest: manifest({ title: 'Load' }) }),
      told('b', { name: 'disk', manifest: manifest() }),
    ];
    expect(offeredCustom(all).map(({ name, title }) => [name, title])).toEqual([
      ['custom.disk', 'Free space'],
      ['custom.load', 'Load'],
    ]);
    expect(findCustom('custom.disk', all)).toMatchObject({ name: 'custom.disk', risk: 'low', readOnly: true });
  });

  it('that one node describes in another way are not offered, and are refused with a reason', () => {
    const all = [
      told('a', { name: 'disk', manifest: manifest({ risk: 'high' }) }),
      told('evil', { name: 'disk', manifest: manifest() }),
    ];
    expect(offeredCustom(all)).toEqual([]);
    expect(() => findCustom('custom.disk', all)).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  });

  it('that no node has are unknown', () => {
    expect(() => findCustom('custom.disk', [])).toThrow(expect.objectContaining({ code: 'ACTION_UNKNOWN' }));
  });

  it.each<[string, unknown]>([
    ['no list', { name: 'disk' }],
    ['nothing', null],
    ['rows that are none', [null, 7, 'x', []]],
    ['a name that is a path', [{ name: '../disk', manifest: manifest() }]],
    ['a name of ours', [{ name: 'firewall.ban', manifest: manifest() }]],
    ['a manifest that is none', [{ name: 'disk', manifest: 'x'.repeat(100_000) }]],
    [
      'a manifest with markup in a name of an argument',
      [{ name: 'disk', manifest: manifest({ args: { '<b>': { type: 'boolean' } } }) }],
    ],
    ['a manifest with an escape sequence', [{ name: 'disk', manifest: manifest({ title: '\u001b[2J' }) }]],
    [
      'a pattern that runs for years',
      [{ name: 'disk', manifest: manifest({ args: { a: { type: 'string', pattern: '((a{100}){100}){100}' } } }) }],
    ],
    [
      'deeper than anything',
      [{ name: 'disk', manifest: JSON.parse(`${'{"run":'.repeat(500)}1${'}'.repeat(500)}`) as unknown }],
    ],
  ])('a rogue node that tells %s offers nothing', (_attack, data) => {
    expect(offeredCustom([{ nodeId: 'evil', data }])).toEqual([]);
  });

  it('a rogue node that tells of a million is heard a hundred times', () => {
    const rows = Array.from({ length: 5000 }, (_one, at) => ({ name: `a${at}`, manifest: manifest() }));
    expect(offeredCustom([told('evil', ...rows)])).toHaveLength(100);
  });
});
