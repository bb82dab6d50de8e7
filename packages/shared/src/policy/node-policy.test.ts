import { describe, expect, it } from 'vitest';
import { decideAction, decideShell, shellEndMs } from './decide.ts';
import { isAddressOrPrefix } from './network-address.ts';
import type { NodePolicy } from './node-policy.ts';
import { parseNodePolicy } from './parse-node-policy.ts';

const written = {
  version: 1,
  allow: [
    {
      actions: ['account.create', 'php.*'],
      args: { name: { pattern: 'w4a[0-9]{6}' }, uid: { min: 100_000, max: 200_000 } },
    },
    { actions: ['firewall.*'] },
    { actions: ['apache.reload'], args: { kind: { oneOf: ['graceful', 1, true] } } },
  ],
  shell: { users: ['root', 'deploy'], max_minutes: 60, grace_seconds: 30, idle_minutes: 15, record_input: true },
  firewall: { never_ban: ['192.0.2.0/24', '2001:db8::/32', '::1', '10.0.0.1'] },
};

function policyOf(value: unknown): NodePolicy {
  const parsed = parseNodePolicy(value);
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return parsed.policy;
}

describe('parsing a policy', () => {
  it('takes the documented form', () => {
    expect(policyOf(written)).toEqual({
      version: 1,
      allow: [written.allow[0], { actions: ['firewall.*'], args: {} }, written.allow[2]],
      shell: { users: ['root', 'deploy'], maxMinutes: 60, graceSeconds: 30, idleMinutes: 15, recordInput: true },
      firewall: { neverBan: written.firewall.never_ban },
      custom: [],
    });
  });

  it('an almost empty policy allows nothing', () => {
    const policy = policyOf({ version: 1 });
    expect(decideAction(policy, 'firewall.ban', {}).allowed).toBe(false);
    expect(decideShell(policy, 'root').allowed).toBe(false);
  });

  it('tells all problems at once, each with its place', () => {
    const parsed = parseNodePolicy({
      version: 2,
      colour: 'red',
      allow: [
        { actions: ['php'], args: { 'a b': {}, name: { pattern: '^x', regex: 'y' }, uid: { min: '1' } } },
        7,
        { actions: [] },
      ],
      shell: { users: 'root', max_minutes: -1, record_input: 'yes' },
      firewall: { never_ban: ['localhost'] },
    });
    if (parsed.ok) throw new Error('taken');
    for (const place of [
      'version must be 1',
      'colour is not known',
      'allow[0].actions[0] must',
      'allow[0].args has a name',
      'allow[0].args.name.regex is not known',
      'allow[0].args.name.pattern leave out',
      'allow[0].args.uid.min must',
      'allow[1] must',
      'allow[2].actions is empty',
      'shell.users must',
      'shell.max_minutes must',
      'shell.record_input must',
      'firewall.never_ban[0] must',
    ]) {
      expect(
        parsed.problems.filter((problem) => problem.startsWith(place)),
        place,
      ).toHaveLength(1);
    }
  });

  it.each([null, 'x', [], 1])('%j is not a policy', (value) => {
    expect(parseNodePolicy(value).ok).toBe(false);
  });
});

describe('deciding', () => {
  const policy = policyOf(written);
  const fits = { name: 'w4a100010', uid: 100_010 };

  it('allows what a rule names within its limits', () => {
    expect(decideAction(policy, 'account.create', fits)).toEqual({ allowed: true });
    expect(decideAction(policy, 'php.switch-version', fits)).toEqual({ allowed: true });
    expect(decideAction(policy, 'firewall.unban', { target: '1.2.3.4' })).toEqual({ allowed: true });
    expect(decideAction(policy, 'apache.reload', { kind: 'graceful' })).toEqual({ allowed: true });
    expect(decideAction(policyOf({ version: 1, allow: [{ actions: ['*'] }] }), 'any.thing', null)).toEqual({
      allowed: true,
    });
  });

  it.each([
    ['another action of the same prefix', 'account.create-all', fits, /no \[\[allow\]\] rule/],
    ['an action whose noun only begins alike', 'phpx.switch', fits, /no \[\[allow\]\] rule/],
    ['a value with a valid part', 'account.create', { ...fits, name: 'w4a100010;id' }, /rule 1: argument name/],
    ['a line break after a valid value', 'account.create', { ...fits, name: 'w4a100010\n' }, /argument name/],
    ['a number where a text is limited', 'account.create', { ...fits, name: 100_010 }, /argument name/],
    ['below the range', 'account.create', { ...fits, uid: 0 }, /argument uid is below/],
    ['above the range', 'account.create', { ...fits, uid: 200_001 }, /argument uid is above/],
    ['a text where a number is limited', 'account.create', { ...fits, uid: '100010' }, /argument uid/],
    ['a limited argument left out', 'account.create', { name: fits.name }, /argument uid is left out/],
    ['one entry of a list outside', 'account.create', { ...fits, name: ['w4a100010', 'root'] }, /argument name/],
    ['outside the choice', 'apache.reload', { kind: 'restart' }, /not one of/],
    ['an inherited property', 'account.create', Object.create(fits) as unknown, /left out/],
    ['no arguments at all', 'account.create', null, /left out/],
  ])('denies %s', (_attack, action, args, says) => {
    const decision = decideAction(policy, action, args);
    expect(decision).toMatchObject({ allowed: false, detail: expect.stringMatching(says) });
  });

  it('shells: listed users only, and never longer than the policy', () => {
    expect(decideShell(policy, 'deploy')).toEqual({ allowed: true });
    expect(decideShell(policy, 'www-data')).toMatchObject({ allowed: false });
    expect(decideShell(policyOf({ version: 1, shell: { users: ['root'], max_minutes: 0 } }), 'root')).toMatchObject({
      allowed: false,
    });
    expect(shellEndMs(policy, 1000, 10 * 3_600_000)).toBe(1000 + 3_600_000);
    expect(shellEndMs(policy, 1000, 2000)).toBe(2000);
  });
});

it.each([
  ['1.2.3.4', true],
  ['1.2.3.4/32', true],
  ['::/0', true],
  ['2001:db8::1', true],
  ['1:2:3:4:5:6:7:8/128', true],
  ['010.1.1.1', false],
  ['1.2.3', false],
  ['1.2.3.4/33', false],
  ['1.2.3.4/032', false],
  ['1::2::3', false],
  ['1:2:3:4:5:6:7:8:9', false],
  ['1:2:3:4:5:6:7::8', false],
  [':::', false],
  ['fe80::1%eth0', false],
  ['localhost', false],
  ['', false],
])('address or prefix %s: %s', (text, wanted) => {
  expect(isAddressOrPrefix(text)).toBe(wanted);
});
