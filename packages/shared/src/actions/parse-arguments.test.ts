import { describe, expect, it } from 'vitest';
import { ACTIONS, parseActionArguments } from './index.ts';

const parse = (name: string, args: unknown) => parseActionArguments(ACTIONS.get(name)!, args);
const account = { name: 'w4a100010', domain: 'a.example.net', phpVersion: '8.2', uid: 100_010 };

describe('account.create', () => {
  it('takes good arguments as they are', () => {
    expect(parse('account.create', account)).toEqual({ ok: true, args: account });
  });

  // What Debian's useradd takes with exit code 0, and what would reach paths and configuration files.
  it.each([
    '../evil',
    '.hidden',
    'a$b',
    'a`id`b',
    'a|b',
    'a;b',
    '$(id)',
    'é',
    'A_B',
    '1abc',
    'ab',
    'a b',
    '-rf',
    'abc\n',
    'abc\nroot',
    'abcdefghijklmnopq',
    'root',
    'www-data',
    'mysql',
    '',
  ])('refuses the account name %j', (name) => {
    expect(parse('account.create', { ...account, name }).ok).toBe(false);
  });

  it.each([
    '',
    'localhost',
    'a',
    'A.example.net',
    'a..net',
    '-a.net',
    'a-.net',
    'a.net.',
    '192.0.2.1',
    'a.net/..',
    'a.net\nInclude /x',
    '"a.net',
    'a.${x}.net',
    '<b>.net',
    'é.fr',
    'x.localhost',
    `${'a'.repeat(64)}.net`,
  ])('refuses the domain %j', (domain) => {
    expect(parse('account.create', { ...account, domain }).ok).toBe(false);
  });

  it.each(['a.example.net', 'xn--bcher-kva.example', 'a.co', 'x.xn--p1ai', '1.2.com'])(
    'takes the domain %j',
    (domain) => {
      expect(parse('account.create', { ...account, domain }).ok).toBe(true);
    },
  );

  it.each([0, 33, 99_999, 500_000, 100_000.5, '100010', -1, null, 1e300])('refuses the uid %j', (uid) => {
    expect(parse('account.create', { ...account, uid }).ok).toBe(false);
  });

  it.each(['8.2; rm', '8', '8.10', '../8.2', '8.2\n', ' 8.2', '9.0'])('refuses the PHP version %j', (phpVersion) => {
    expect(parse('account.create', { ...account, phpVersion }).ok).toBe(false);
  });

  it.each(['a:b', 'a,b', 'a\nb', ':', '-x', '$(id)'])('refuses the comment %j', (comment) => {
    expect(parse('account.create', { ...account, comment }).ok).toBe(false);
  });

  it('says which argument is wrong', () => {
    expect(parse('account.create', { ...account, uid: 5 })).toEqual({
      ok: false,
      problem: 'argument uid must be >= 100000',
    });
    expect(parse('account.create', { ...account, home: '/' })).toEqual({
      ok: false,
      problem: 'argument home is not an argument of this action',
    });
  });

  it('refuses what is not an object, and own __proto__', () => {
    for (const value of [null, undefined, 'x', [], 5]) expect(parse('account.create', value).ok).toBe(false);
    expect(parse('account.create', JSON.parse(JSON.stringify(account).replace('{', '{"__proto__":{"x":1},'))).ok).toBe(
      false,
    );
  });
});

describe('firewall.ban', () => {
  const ban = (...targets: string[]) => parse('firewall.ban', { targets, durationS: 3600 });

  it('gives canonical targets, each once', () => {
    const parsed = ban('2001:DB8::0:1', '::ffff:192.0.2.7', '192.0.2.7', '198.51.100.0/24');
    expect(parsed).toMatchObject({ ok: true, args: { targets: ['2001:db8::1', '192.0.2.7', '198.51.100.0/24'] } });
  });

  it.each([
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/8',
    '2001::/16',
    '127.0.0.1',
    '::1',
    '::',
    '0.0.0.0',
    'fe80::1',
    '224.0.0.1',
    'localhost',
    '010.1.1.1',
    '0',
    '1.2.3.4 timeout 5s }; delete table inet hauban; #',
    '1.2.3.4}',
    'example.com',
    '2001:db8::1%eth0',
    '192.0.2.1/24',
    '',
  ])('refuses the target %j', (target) => {
    expect(ban(target).ok).toBe(false);
  });

  it('takes a wide prefix only when it is said explicitly, and never all', () => {
    expect(parse('firewall.ban', { targets: ['10.0.0.0/8'], durationS: 60, allowWide: true }).ok).toBe(true);
    expect(parse('firewall.ban', { targets: ['0.0.0.0/0'], durationS: 60, allowWide: true }).ok).toBe(false);
    expect(parse('firewall.ban', { targets: ['8.0.0.0/6'], durationS: 60, allowWide: true }).ok).toBe(false);
  });

  it('refuses a duration of 0, which nft takes for ever, and one with permanent', () => {
    expect(parse('firewall.ban', { targets: ['192.0.2.1'], durationS: 0 }).ok).toBe(false);
    expect(parse('firewall.ban', { targets: ['192.0.2.1'] }).ok).toBe(false);
    expect(parse('firewall.ban', { targets: ['192.0.2.1'], durationS: 60, permanent: true }).ok).toBe(false);
    expect(parse('firewall.ban', { targets: ['192.0.2.1'], permanent: true }).ok).toBe(true);
  });

  it('refuses more than 1000 targets', () => {
    expect(ban(...Array.from({ length: 1001 }, (_, index) => `192.0.${index >> 8}.${index & 255}`)).ok).toBe(false);
  });
});

it.each([...ACTIONS.values()].map((action) => [action.name, action] as const))(
  '%s refuses shell metacharacters, paths and control characters in every text argument',
  (_, action) => {
    const properties =
      (action.args as { properties?: Record<string, { type?: string; items?: unknown }> }).properties ?? {};
    for (const [name, schema] of Object.entries(properties))
      for (const evil of [
        '$(id)',
        '`id`',
        'a;b',
        'a|b',
        '../../etc/passwd',
        'a\nb',
        'a\u0000b',
        '\u202eabc',
        "a'b",
        'a"b',
        '{{7*7}}',
        '<script>',
      ]) {
        if (schema.type !== 'string' && schema.items === undefined) continue;
        const value = schema.items === undefined ? evil : [evil];
        expect(
          parseActionArguments(action, { ...account, targets: ['192.0.2.1'], [name]: value }).ok,
          `${name}=${evil}`,
        ).toBe(false);
      }
  },
);

it('parses what it has parsed to the same', () => {
  const once = parse('firewall.ban', { targets: ['2001:DB8::/48', '192.0.2.1/32'], durationS: 60 });
  expect(once.ok && parse('firewall.ban', once.args)).toEqual(once);
});

it.each([
  [
    'php.switch-version',
    { account: '../evil', version: '8.4' },
    'argument account does not fit: Lower-case letters and digits, 3 to 16, a letter first',
  ],
  [
    'firewall.ban',
    { targets: ['192.0.2.7', 'x;y'] },
    'argument targets/1 does not fit: IPv4 or IPv6, such as 192.0.2.7 or 2001:db8::/48',
  ],
  ['firewall.ban', { targets: ['192.0.2.7'], durationS: 5 }, 'argument durationS must be >= 60'],
  [
    'account.make-jail',
    { account: 'w4a100010', programs: ['x'] },
    /^argument programs\/0 must match pattern "\^\/\(\?:usr/,
  ],
  [
    'php.switch-version',
    { account: 'w4a100010', version: '8.4', to: '8.4' },
    'argument to is not an argument of this action',
  ],
  ['php.switch-version', { version: '8.4' }, 'the arguments must have required properties account'],
])('%s %j is refused in one sentence that says what to do', (name, args, problem) => {
  expect(parse(name, args)).toEqual({
    ok: false,
    problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
  });
});
