import { describe, expect, it } from 'vitest';
import { liftOf, parseBanAnswer, summariseBans } from './ban-search.ts';
import type { RunTarget } from './runs.ts';

const ban = {
  source: 'hauban',
  target: '192.0.2.7',
  where: 'ban4',
  reason: 'abuse',
  since: 1,
  until: null,
  packets: 2,
};
const sources = [
  { source: 'fail2ban', state: 'asked', detail: '' },
  { source: 'crowdsec', state: 'absent', detail: '' },
];
const answer = { address: '192.0.2.7', bans: [ban], never: null, sources };

const target = (hostName: string, more: Partial<RunTarget> = {}): RunTarget => ({
  orderId: `${hostName}-order`,
  nodeId: `${hostName}-id`,
  hostName,
  state: 'succeeded',
  position: 0,
  wave: 0,
  harm: null,
  undoes: null,
  code: null,
  detail: '',
  step: null,
  stepDone: 0,
  stepTotal: 0,
  plan: null,
  verification: [],
  data: { ...answer, bans: [] },
  startedAt: null,
  finishedAt: null,
  ...more,
});

describe('a search for a ban', () => {
  it('sorts the nodes by what they say, and tells who may not know all', () => {
    const silent = { ...answer, bans: [], sources: [{ source: 'fail2ban', state: 'silent', detail: 'no socket' }] };
    const search = summariseBans([
      target('a'),
      target('b', { data: answer }),
      target('c', { state: 'expired' }),
      target('d', { state: 'queued', data: null }),
      target('e', { state: 'refused', detail: 'not allowed', data: null }),
      target('f', { data: silent }),
      target('g', { data: { ...answer, bans: [{ ...ban, source: 'fail2ban' }], sources: silent.sources } }),
    ]);
    expect(search.clear).toBe(2);
    expect(search.found.map(({ hostName }) => hostName)).toEqual(['b', 'g']);
    expect(search.away.map(({ hostName }) => hostName)).toEqual(['c']);
    expect(search.open.map(({ hostName }) => hostName)).toEqual(['d']);
    expect(search.unsure.map(({ hostName, detail }) => `${hostName} ${detail}`)).toEqual([
      'e not allowed',
      'f fail2ban: no socket',
      'g fail2ban: no socket',
    ]);
  });

  it('tells which nodes talk with the address now, banned there or not, and how many counted', () => {
    const clear = { ...answer, bans: [] };
    const search = summariseBans([
      target('a', { data: { ...clear, connections: 1 } }),
      target('b', { data: { ...answer, connections: 12 } }),
      target('c', { data: { ...clear, connections: 0 } }),
      target('old'),
      target('liar', { data: { ...clear, connections: -5 } }),
      target('gone', { state: 'expired', data: { ...clear, connections: 9 } }),
    ]);
    expect(search.connected.map(({ hostName, count }) => [hostName, count])).toEqual([
      ['b', 12],
      ['a', 1],
    ]);
    expect(search.counted).toBe(3);
  });

  it('lifts the address and the prefixes around it on the nodes where they are', () => {
    const around = { ...answer, bans: [{ ...ban, target: '192.0.2.0/24' }, ban] };
    const search = summariseBans([target('a', { data: around }), target('b', { data: answer }), target('c')]);
    expect(liftOf(search)).toEqual({ targets: ['192.0.2.7', '192.0.2.0/24'], nodes: ['a-id', 'b-id'] });
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'banned'],
    ['a ban without a source', { ...answer, bans: [{ ...ban, source: 'me' }] }],
    ['a time that no date can hold', { ...answer, bans: [{ ...ban, until: 1e300 }] }],
    ['a time that is a text', { ...answer, bans: [{ ...ban, since: '<b>' }] }],
    ['a reason that is no text', { ...answer, bans: [{ ...ban, reason: { html: 'x' } }] }],
    ['a reason without end', { ...answer, bans: [{ ...ban, reason: 'a'.repeat(501) }] }],
    ['bans that are no list', { ...answer, bans: { length: 1 } }],
  ])('does not take %s from a node for an answer', (_, data) => {
    expect(parseBanAnswer(data)).toBeNull();
    expect(summariseBans([target('a', { data })])).toMatchObject({ clear: 0, found: [], unsure: [{ hostName: 'a' }] });
  });

  it('takes no more of one node than a person can read', () => {
    const many = Array.from({ length: 10_000 }, () => ban);
    expect(parseBanAnswer({ ...answer, bans: many })?.bans.length).toBe(50);
  });
});
