import type { ActionRow, NodeRow, RunTarget, SessionRow, TrustState, TrustVersion } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { sectionOf } from '../frame/top-bar.tsx';
import { fit, paletteItems } from '../frame/palette-items.ts';
import { columnsOf, keyText } from '../parts/data-view.tsx';
import { labelLines, parseLabels } from '../parts/label-lines.ts';
import { passkeyProblem } from '../parts/passkey-problem.ts';
import { fateOf } from '../parts/plan-view.tsx';
import { safeNext } from '../parts/safe-next.ts';
import { signUpProblems } from '../parts/sign-up-form.ts';
import { levelOf } from '../parts/ratio-bar.tsx';
import { paths } from '../paths.ts';
import { outcomeText } from './approvals/outcome-text.ts';
import { auditQuery, parseLocalTime } from './audit/audit-query.ts';
import { EMPTY_JOIN, parseJoin } from './fleet/join-values.ts';
import { applyFleetEvent, fleetQuery } from './fleet/queries.ts';
import { shortSystem } from './fleet/fleet-table.tsx';
import { filterData } from './node/filter-data.ts';
import { byDay } from './node/inventory-changes.tsx';
import { sectionSummary } from './node/section-summary.ts';
import { challengeOf } from './run-action/confirm-run.tsx';
import { isSettling } from './recording/is-settling.ts';
import { givenArgs } from './run-action/use-run-action.ts';
import { sortTargets } from './run/sort-targets.ts';
import { endText } from './shell/end-text.ts';
import { draftProblem, draftRequest, draftValues } from './trust/draft-values.ts';

const node = (id: string, hostName: string): NodeRow => ({
  id,
  hostName,
  labels: {},
  roles: [],
  state: 'up',
  os: '',
  agentVersion: '',
  isRoot: true,
  enrolledAt: 0,
  lastSeenAt: 0,
  figures: { cpuBusyRatio: null, memoryUsedRatio: null, load1: null, fullestFsRatio: null, failedUnits: null },
});

describe('the way back after sign-in', () => {
  it.each([
    ['/nodes/1?tab=policy', '/nodes/1?tab=policy'],
    [undefined, '/'],
    ['', '/'],
    ['https://evil.example', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/\n/evil.example', '/'],
    ['javascript:alert(1)', '/'],
  ])('of %j is %j', (next, to) => {
    expect(safeNext(next)).toBe(to);
  });
});

describe('the fleet', () => {
  it('takes its filter from the address, and only what the contract knows', () => {
    expect(fleetQuery({ search: 'web', state: 'up', order: 'desc', sort: 'cpu', other: 'x' })).toEqual({
      search: 'web',
      state: 'up',
      sort: 'cpu',
      order: 'desc',
    });
    expect(fleetQuery({ state: 'odd', sort: 'odd', role: 'odd' })).toEqual({ sort: 'hostName', order: 'asc' });
  });

  it('takes in what happens live', () => {
    const pages = {
      pageParams: [undefined],
      pages: [{ nodes: [node('1', 'a'), node('2', 'b')], total: 2, cursor: null }],
    };
    const renamed = applyFleetEvent(pages, { t: 'node', node: node('2', 'new') });
    expect(renamed?.pages[0]?.nodes.map((each) => each.hostName)).toEqual(['a', 'new']);
    expect(applyFleetEvent(pages, { t: 'node-removed', nodeId: '1' })?.pages[0]?.nodes).toHaveLength(1);
    expect(applyFleetEvent(pages, { t: 'node', node: node('3', 'c') })).toBeNull();
  });

  it('shortens what the system calls itself', () => {
    expect(shortSystem('Debian GNU/Linux 12 (bookworm)')).toBe('Debian 12');
    expect(shortSystem('Ubuntu 24.04.1 LTS')).toBe('Ubuntu 24.04.1 LTS');
  });

  it('judges a figure by its limits', () => {
    expect([levelOf(0.79), levelOf(0.8), levelOf(0.95), levelOf(0.88, 0.9, 0.97)]).toEqual([
      'calm',
      'high',
      'critical',
      'calm',
    ]);
  });
});

describe('joining', () => {
  it('reads labels as they are typed', () => {
    expect(parseLabels(' dc = par1 \n\ntier=prod')).toEqual({ ok: true, labels: { dc: 'par1', tier: 'prod' } });
    expect(labelLines({ dc: 'par1', tier: 'prod' })).toBe('dc=par1\ntier=prod');
  });

  it.each(['dc', '=x', 'DC=x', 'dc=', 'dc=<b>', 'dc=a b'])('refuses the label %j', (line) => {
    expect(parseLabels(line).ok).toBe(false);
  });

  it('leaves out an empty host name, and refuses figures out of range', () => {
    expect(parseJoin(EMPTY_JOIN)).toEqual({ ok: true, request: { uses: 1, minutes: 15, labels: {}, roles: [] } });
    const bad = parseJoin({ ...EMPTY_JOIN, uses: '0', minutes: '1e3', labels: 'x' });
    expect(bad.ok ? [] : Object.keys(bad.problems).toSorted()).toEqual(['labels', 'minutes', 'uses']);
  });
});

describe('set-up', () => {
  const form = { name: 'ada', way: 'password', password: 'correct horse', again: 'correct horse' } as const;

  it('lets a good form pass', () => {
    expect(signUpProblems(form)).toEqual({});
    expect(signUpProblems({ ...form, way: 'passkey', password: '', again: '' })).toEqual({});
  });

  it('says what is wrong', () => {
    expect(Object.keys(signUpProblems({ ...form, name: 'Ada' }))).toEqual(['name']);
    expect(Object.keys(signUpProblems({ ...form, password: 'short', again: 'short' }))).toEqual(['password']);
    expect(Object.keys(signUpProblems({ ...form, again: 'other' }))).toEqual(['again']);
  });

  it('tells a passkey that was not used from a refusal of the controller', () => {
    const cancelled = Object.assign(new Error('x'), { name: 'NotAllowedError' });
    const refused = Object.assign(new Error('x'), { name: 'ApiError' });
    expect(passkeyProblem(cancelled)).toContain('Try again');
    expect(passkeyProblem(refused)).toBeNull();
    expect(passkeyProblem(null)).toBeNull();
  });
});

describe('the palette', () => {
  const action = { name: 'firewall.ban', title: 'Ban addresses' } as ActionRow;

  it('prefers the whole, the start, the start of a word', () => {
    expect([
      fit('ban', 'ban'),
      fit('banner', 'ban'),
      fit('firewall.ban', 'ban'),
      fit('turban', 'ban'),
      fit('x', 'ban'),
    ]).toEqual([4, 3, 2, 1, 0]);
  });

  it('offers nodes, actions and pages, and a shell when few nodes are left', () => {
    expect(paletteItems('ban', [node('1', 'urban')], [action]).map((item) => item.path)).toEqual([
      '/nodes/1',
      '/nodes/1/shell',
      '/run/firewall.ban',
      '/bans',
      '/ban-lists',
    ]);
    expect(paletteItems('audit', [node('1', 'web1')], []).map((item) => item.path)).toEqual(['/audit']);
    const many = Array.from({ length: 5 }, (_, n) => node(`${n}`, `web${n}`));
    expect(paletteItems('web', many, []).map((item) => item.path)).not.toContain('/nodes/1/shell');
  });
});

describe('addresses', () => {
  it('encode what stands in them', () => {
    expect(paths.node('a/../b', 'x&y')).toBe('/nodes/a%2F..%2Fb?tab=x%26y');
    expect(paths.runAction('php.switch-version', '1')).toBe('/run/php.switch-version?node=1');
    expect(paths.runAction('x.y', ['1', '2'], { a: '&b' })).toBe('/run/x.y?node=1%2C2&args=%7B%22a%22%3A%22%26b%22%7D');
    expect(paths.runAction('x.y', [], { a: 'x'.repeat(3000) })).toBe('/run/x.y');
  });

  it('belong to one part of the navigation', () => {
    expect(['/', '/nodes/1/shell', '/run/x.y', '/runs/1', '/audit'].map(sectionOf)).toEqual([
      '/',
      '/',
      '/actions',
      '/runs',
      '/audit',
    ]);
  });
});

describe('arguments from the address', () => {
  it.each(['', '[1]', 'null', '5', '{"a"', undefined])('%j are none', (text) => {
    expect(givenArgs(text)).toEqual({});
  });

  it('start a form', () => {
    expect(givenArgs('{"a":[1]}')).toEqual({ a: [1] });
  });
});

describe('the audit filter', () => {
  it('takes times in the zone of the reader', () => {
    expect(parseLocalTime('2026-11-22T14:03')).toBe(new Date(2026, 10, 22, 14, 3).getTime());
    expect([parseLocalTime(undefined), parseLocalTime('soon'), parseLocalTime('2026-99-99T99:99')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('passes on what is set', () => {
    expect(auditQuery({ who: 'ada', outcome: 'refused', from: 'x', cursor: 'no' })).toEqual({
      who: 'ada',
      outcome: 'refused',
    });
  });
});

describe('the inventory', () => {
  const data = [
    { name: 'openssl', isSecurity: true },
    { name: 'tzdata', isSecurity: false },
  ];

  it('is searched row by row, a found row stays whole', () => {
    expect(filterData(data, 'openssl')).toEqual([data[0]]);
    expect(filterData({ os: { kernel: '6.1' }, disks: [] }, 'kernel')).toEqual({ os: { kernel: '6.1' } });
    expect(filterData(data, 'nothing')).toBeUndefined();
    expect(filterData(null, 'x')).toBeUndefined();
  });

  it('says first what matters', () => {
    expect(sectionSummary('updates', { pending: data, total: 2 }, 0)).toEqual({
      tone: 'warn',
      text: '1 security update',
    });
    const day = 86_400_000;
    const ends = (at: number) =>
      sectionSummary('certificates', { certificates: [{ validTo: new Date(at).toISOString() }] }, 100 * day)?.tone;
    expect([ends(99 * day), ends(110 * day), ends(200 * day)]).toEqual(['bad', 'warn', 'ok']);
    expect(sectionSummary('updates', { unavailable: 'x' }, 0)).toBeNull();
    expect(sectionSummary('certificates', { certificates: [{ validTo: '<script>' }] }, 0)).toBeNull();
  });

  it('shows changes by day', () => {
    const change = (at: number) => ({ section: 'os', at, path: '/x', before: 1, after: 2 });
    expect(
      byDay([change(Date.UTC(2026, 5, 2, 12)), change(Date.UTC(2026, 5, 2, 11)), change(Date.UTC(2026, 5, 1, 12))]).map(
        ([, list]) => list.length,
      ),
    ).toEqual([2, 1]);
  });

  it('names columns as people do', () => {
    expect([
      keyText('validTo'),
      keyText('memoryBytes'),
      keyText('isSecurity'),
      keyText('a_b-c'),
      keyText('durationS'),
    ]).toEqual(['valid to', 'memory', 'security', 'a b c', 'duration (s)']);
    expect(columnsOf([{ a: 1 }, { b: 2, a: 3, name: 'x' }])).toEqual(['name', 'a', 'b']);
    expect(columnsOf([Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`k${n}`, n]))]).length).toBeLessThan(20);
  });
});

describe('runs', () => {
  const target = (state: RunTarget['state'], hostName: string) => ({ state, hostName }) as RunTarget;

  it('show first what needs a look', () => {
    const sorted = sortTargets([
      target('succeeded', 'b'),
      target('succeeded', 'a'),
      target('started', 'c'),
      target('failed', 'd'),
    ]);
    expect(sorted.map((each) => each.hostName)).toEqual(['d', 'c', 'a', 'b']);
  });

  it('say what happens to a thing', () => {
    const change = (before: string | null, after: string | null) =>
      fateOf({ kind: 'file', title: '', before, after }).sign;
    expect([change(null, 'x'), change('x', null), change('x', 'y'), change(null, null)]).toEqual(['+', '−', '±', '↻']);
  });

  it('ask for the host name, or the number of nodes, before a high risk', () => {
    const action = (risk: ActionRow['risk']) => ({ risk }) as ActionRow;
    expect(challengeOf(action('low'), 'a', 1)).toBeNull();
    expect(challengeOf(action('high'), 'a', 1)).toBe('a');
    expect(challengeOf(action('high'), null, 2)).toBe('2');
  });
});

describe('a recording', () => {
  const session = (change: Partial<SessionRow>) =>
    ({ state: 'ended', recording: 'recording', endedAt: 1000, ...change }) as SessionRow;

  it('is waited for when its shell has just ended, not for ever and not when it is whole', () => {
    expect(isSettling(session({}), 2000)).toBe(true);
    expect(isSettling(session({ recording: 'none' }), 2000)).toBe(true);
    expect(isSettling(session({ recording: 'complete' }), 2000)).toBe(false);
    expect(isSettling(session({ recording: 'broken' }), 2000)).toBe(false);
    expect(isSettling(session({}), 200_000)).toBe(false);
    expect(isSettling(session({ state: 'open', endedAt: null }), 2000)).toBe(false);
    expect(isSettling(session({ state: 'refused', recording: 'none' }), 2000)).toBe(false);
  });
});

describe('the end of a shell, in words', () => {
  const exit = { ending: 'exited', status: 0, signal: null, leftOver: 0, detail: 'd' } as const;

  it.each([
    [{ kind: 'ended', exit, detail: 'd' } as const, 'The shell has ended with exit code 0.'],
    [
      { kind: 'ended', exit: { ...exit, status: null, signal: 9 }, detail: 'd' } as const,
      'The shell was ended by signal 9.',
    ],
    [
      {
        kind: 'ended',
        exit: { ...exit, ending: 'time-limit', status: null, detail: 'its time was up' },
        detail: '',
      } as const,
      'The shell has ended: its time was up',
    ],
    [{ kind: 'ended', exit: null, detail: 'a\u001B[2Jb' } as const, 'The shell has ended: a␛[2Jb'],
    [{ kind: 'ended', exit: null, detail: '' } as const, 'The shell has ended.'],
  ])('%o', (state, words) => {
    expect(endText(state)).toBe(words);
  });
});

describe('an answer to what waits for approval', () => {
  it('says how it stands', () => {
    expect(outcomeText({ state: 'waiting', missing: 1 })).toContain('Still missing: 1 approval.');
    const said = (['approved', 'denied', 'expired', 'used'] as const).map((state) =>
      outcomeText({ state, missing: 0 }).split('.').at(0),
    );
    expect(said).toEqual(['Approved', 'Denied', 'This request is over', 'This request is over']);
  });
});

describe('the draft of a policy bundle', () => {
  const authority = { version: 1, since: null, retireAt: null, followed: 0, nodes: 0, draft: null };
  const { draft: _draft, ...linkKey } = authority;
  const state: TrustState = { current: null, draft: null, authority, linkKey, nodes: [], missing: [] };
  const version = {
    quorum: 2,
    needs: { high: 2, rootShell: 3, shell: 1 },
    requesterMayApprove: false,
    custom: null,
  } as TrustVersion;

  it('begins with a key for what is dangerous, then at what is in force, then at the draft', () => {
    expect(draftRequest(draftValues(state))).toEqual({
      quorum: 1,
      needs: { high: 1, rootShell: 1, shell: 0 },
      custom: null,
    });
    expect(draftRequest(draftValues({ ...state, current: version }))).toEqual(version);
    const draft = { bundle: { ...version, quorum: 3 } } as TrustState['draft'];
    expect(draftRequest(draftValues({ ...state, current: version, draft })).quorum).toBe(3);
  });

  it('pins custom actions line by line, and says which line is none', () => {
    const custom = [
      { name: 'disk', hash: 'a'.repeat(64), allowRoot: false },
      { name: 'raid', hash: 'b'.repeat(64), allowRoot: true },
    ];
    const values = draftValues({ ...state, current: { ...version, custom } });
    expect(draftProblem(values)).toBeNull();
    expect(draftRequest(values).custom).toEqual(custom);
    expect(draftProblem({ ...values, pins: `\n${values.pins}\ndisk 12` })).toContain('Line 4 ');
    expect(draftProblem({ ...values, pins: `${values.pins}\n${values.pins}` })).toBe('Line 3: disk is there twice.');
    expect(draftRequest({ ...values, pins: '  ' }).custom).toEqual([]);
    expect(draftProblem({ ...values, custom: 'each', pins: 'nonsense' })).toBeNull();
  });
});
