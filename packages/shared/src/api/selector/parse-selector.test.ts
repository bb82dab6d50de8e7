import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../testing/index.ts';
import { parseSelector, type NodeFacts } from './index.ts';

const node = (more: Partial<NodeFacts> = {}): NodeFacts => ({
  id: '11111111-2222-4333-8444-555555555555',
  hostName: 'web1.example.net',
  isOnline: true,
  labels: { dc: 'a', pool: 'shared', weight: '10' },
  roles: ['web', 'mail'],
  os: 'Debian GNU/Linux 12 (bookworm)',
  agentVersion: '0.1.0',
  php: ['8.1', '8.3'],
  ...more,
});
const means = (text: string, facts: NodeFacts = node()): boolean => {
  const parsed = parseSelector(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.selector(facts);
};
const problem = (text: string): string => {
  const parsed = parseSelector(text);
  return parsed.ok ? 'it was read' : parsed.problem;
};

describe('a selector means a node', () => {
  it.each<[string, boolean]>([
    ['all', true],
    ['role=web', true],
    ['role=WEB', true],
    ['role=storage', false],
    ['role!=storage', true],
    ['role!=web', false],
    ['role in (storage, mail)', true],
    ['role=web and php<8.2 and not label.canary', true],
    ['php<8.1', false],
    ['php>=8.3', true],
    ['php=8.3', true],
    ['php=8.2', false],
    ['php>8.10', false],
    ['not php>8.10', true],
    ['label.dc in (a, b)', true],
    ['label.dc in (b)', false],
    ['label.dc', true],
    ['label.canary', false],
    ['label.canary=yes', false],
    ['label.canary!=yes', true],
    ['label.weight>9', true],
    ['label.weight<9', false],
    ['label.toString', false],
    ['label.__proto__', false],
    ['pool=shared', true],
    ['pool', true],
    ['name~web*', true],
    ['name~WEB?.example.*', true],
    ['name~web', false],
    ['name!~db*', true],
    ['name=web1.example.net', true],
    ['id=11111111-2222-4333-8444-555555555555', true],
    ['online', true],
    ['offline', false],
    ['ONLINE AND NOT offline', true],
    ['os>=12', true],
    ['os>12', false],
    ['os=12', true],
    ['os=13', false],
    ['os=debian', true],
    ['os~"debian gnu/linux*"', true],
    ['os="Debian GNU/Linux 12 (bookworm)"', true],
    ['agent<0.2', true],
    ['not not online', true],
    ['offline or online and role=web', true],
    ['(offline or online) and role=storage', false],
    ['not (offline or role=storage)', true],
    ["label.dc='a'", true],
  ])('%s: %s', (text, expected) => {
    expect(means(text)).toBe(expected);
  });

  it('with a smaller minor version: as far as it is written', () => {
    const patched = node({ os: 'Debian GNU/Linux 12.5 (bookworm)', php: ['8.2.29'] });
    expect(['os=12', 'os<=12', 'php=8.2', 'php<=8.2'].map((text) => means(text, patched))).toEqual(Array(4).fill(true));
    expect(['os>12', 'php>8.2', 'php<8.2'].map((text) => means(text, patched))).toEqual(Array(3).fill(false));
  });

  it('never by a fact that it does not have', () => {
    const bare = node({ labels: {}, roles: [], php: [], os: '', hostName: '' });
    for (const text of ['php<9', 'php>0', 'label.dc=a', 'pool', 'role=web', 'os>=1', 'name~web*'])
      expect(means(text, bare)).toBe(false);
  });
});

describe('a selector that cannot be read says where and what was expected', () => {
  it.each([
    ['', 'it is empty'],
    ['   ', 'it is empty'],
    ['role', 'character 5: expected = != ~ < > <= >= or in, but it ends.'],
    ['role=', 'character 6: expected one of'.replace('one of', 'a value')],
    ['role=king', 'character 6: expected one of web, mail'],
    ['role<web', 'character 5: expected = != ~ or in after role'],
    ['php<new', 'character 5: expected a number'],
    ['color=red', 'character 1: expected one of role, name'],
    ['role=web and', 'character 13: expected a condition'],
    ['role=web mail', 'character 10: expected "and", "or" or the end'],
    ['(role=web', 'character 10: expected "and", "or" or ")", but it ends.'],
    ['role=web)', 'character 9: expected "and", "or" or the end'],
    ['label.dc in a', 'character 13: expected "("'],
    ['label.dc in (a b)', 'character 16: expected "," or ")"'],
    ['label.dc in ()', 'character 14: expected a value'],
    ['name="web', 'character 6: this quotation mark is never closed'],
    ['name=web;id', 'character 9: ";" has no meaning here'],
    ['name=$(id)', 'character 6: "$" has no meaning here'],
    ['role=web & online', 'character 10: "&" has no meaning here'],
    ['and', 'character 1: expected a condition'],
    ['name=and', 'character 6: expected a value'],
    ['"role"=web', 'character 1: expected a condition'],
  ])('%j', (text, expected) => {
    expect(problem(text)).toContain(expected);
  });

  it('when it is longer or deeper than any person writes', () => {
    expect(problem('a'.repeat(2001))).toContain('more than 2000 characters');
    expect(problem(`${'('.repeat(40)}all${')'.repeat(40)}`)).toContain('more than 32 parentheses');
    expect(means(`${'('.repeat(32)}all${')'.repeat(32)}`)).toBe(true);
    expect(means(`${'not '.repeat(400)}all`)).toBe(true);
  });
});

it('hostile text is refused or read in little time, and never throws', () => {
  const random = new SeededRandom(7);
  const pieces = [
    'role',
    '=',
    'web',
    '(',
    ')',
    ',',
    'and',
    'or',
    'not',
    'in',
    '~',
    '*',
    '"',
    "'",
    '<',
    '8.2',
    ' ',
    '\0',
    '\u202e',
    'label.x',
    'online',
  ];
  let read = 0;
  for (let n = 0; n < 5_000; n += 1) {
    const bytes = random.bytes(1 + (n % 24));
    const parsed = parseSelector([...bytes].map((byte) => pieces[byte % pieces.length]).join(' '.repeat(n % 2)));
    if (parsed.ok) {
      read += 1;
      parsed.selector(node());
    } else expect(parsed.problem.length).toBeLessThan(400);
  }
  expect(read).toBeGreaterThan(0);
  // Patterns that make a backtracking engine hang.
  expect(means(`name~${'*a'.repeat(400)}b`, node({ hostName: 'a'.repeat(253) }))).toBe(false);
});
