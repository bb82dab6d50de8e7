import { describe, expect, it } from 'vitest';
import { createFakeHost } from '../../testing/index.ts';
import { ACTIONS } from '../index.ts';
import { parseActionArguments } from '../parse-arguments.ts';
import type { CustomAnswer } from './custom-host.ts';
import { parseCustomManifest, type CustomManifest } from './custom-manifest.ts';
import { defineCustom } from './define-custom.ts';

const written = {
  version: 2,
  kind: 'change',
  title: 'Clear the shop’s cache',
  risk: 'medium',
  user: 'shop',
  timeout_seconds: 30,
  locks: ['apache', 'account:w4a100010'],
  args: {
    shop: { type: 'string', pattern: '[a-z]{2,8}' },
    days: { type: 'integer', min: 1, max: 30, default: 7 },
    mode: { type: 'string', one_of: ['soft', 'hard'], default: 'soft' },
  },
  run: { program: 'clear.sh', argv: ['--days', '{days}', '{shop}'], stdin: 'json' },
  plan: { program: 'plan.sh' },
  verify: { program: '/usr/lib/nagios/plugins/check_file' },
  undo: { program: 'undo.sh' },
};

function manifestOf(change: object = {}): CustomManifest {
  const parsed = parseCustomManifest({ ...written, ...change });
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  return parsed.manifest;
}

const HASH = 'a'.repeat(64);
const action = (change: object = {}) => defineCustom({ name: 'clear', hash: HASH, manifest: manifestOf(change) });
const answer = (status: number, stdout = '', stderr = ''): CustomAnswer => ({ status, stdout, stderr });

describe('a manifest', () => {
  it('is read in its documented form', () => {
    expect(manifestOf()).toMatchObject({ version: 2, user: 'shop', timeoutSeconds: 30, docs: '', roles: [] });
    expect(manifestOf().args.map(({ name }) => name)).toEqual(['shop', 'days', 'mode']);
  });

  it.each<[string, object, RegExp]>([
    ['a schema that nests', { args: { a: { type: 'object', properties: { b: {} } } } }, /args\.a\.type must be one of/],
    ['a schema with references', { args: { a: { type: 'string', $ref: '#' } } }, /args\.a\.\$ref is not known/],
    [
      'more arguments than anybody reads',
      { args: Object.fromEntries(Array.from({ length: 5000 }, (_one, at) => [`a${at}`, { type: 'boolean' }])) },
      /more than 20/,
    ],
    [
      'a pattern that runs for years',
      { args: { a: { type: 'string', pattern: '((a{100}){100}){100}' } } },
      /args\.a\.pattern/,
    ],
    [
      'a name out of the prototype',
      { args: JSON.parse('{"__proto__":{"type":"string"}}') as object },
      /args has a name/,
    ],
    ['a pattern of another language', { args: { a: { type: 'string', pattern: '(?=a)' } } }, /args\.a\.pattern/],
    [
      'a default that its own rule refuses',
      { args: { a: { type: 'integer', max: 3, default: 9 } } },
      /args\.a\.default/,
    ],
    ['a default that is an option', { args: { a: { type: 'string', default: '--all' } } }, /begin with a dash/],
    ['a program by a path with ..', { run: { program: '../../bin/sh' } }, /run\.program must be/],
    ['a program by a path with an empty part', { run: { program: '/usr//bin/sh' } }, /run\.program must be/],
    ['a program that is hidden', { run: { program: '.profile' } }, /run\.program must be/],
    ['an argument that is none', { run: { program: 'a', argv: ['{b}'] } }, /speaks of \{b\}/],
    ['a brace that is none', { run: { program: 'a', argv: ['{Shop}'] } }, /brace/],
    [
      'an element that begins with one argument and has another',
      { run: { program: 'a', argv: ['{shop}{mode}'] } },
      /two of it/,
    ],
    ['a line end in an element', { run: { program: 'a', argv: ['a\nb'] } }, /run\.argv must be/],
    ['an escape sequence in its title', { title: '\u001b[2Jx' }, /title must be/],
    ['a title that turns the reading direction', { title: 'a\u202eb' }, /title must be/],
    ['a user that is a number', { user: '0' }, /user must match/],
    ['a time without end', { timeout_seconds: 1e9 }, /timeout_seconds must be/],
    ['a lock that is a path', { locks: ['../x'] }, /locks must be/],
    ['a role that nobody has', { roles: ['king'] }, /roles names king/],
    ['a field that nobody knows', { command: 'id' }, /command is not known/],
    ['no program', { run: undefined }, /run is missing/],
    ['a check that would change things', { kind: 'check' }, /kind is check/],
  ])('with %s is refused', (_attack, change, says) => {
    const parsed = parseCustomManifest({ ...written, ...change });
    expect(parsed).toMatchObject({ ok: false });
    if (!parsed.ok) expect(parsed.problems.join('\n')).toMatch(says);
  });

  it.each([null, 7, 'x', []])('%j is none', (value) => {
    expect(parseCustomManifest(value).ok).toBe(false);
  });
});

describe('its arguments', () => {
  it('those that were left out are filled in, and twice is as once', () => {
    const parsed = parseActionArguments(action(), { shop: 'abc' });
    expect(parsed).toEqual({ ok: true, args: { shop: 'abc', days: 7, mode: 'soft' } });
    if (parsed.ok) expect(parseActionArguments(action(), parsed.args)).toEqual(parsed);
  });

  it.each([
    ['one that is not there', { shop: 'abc', force: true }],
    ['one that is missing', {}],
    ['a value beside the pattern', { shop: 'abc;id' }],
    ['a value with a valid part', { shop: 'abc\n' }],
    ['a dash first', { shop: '-rf' }],
    ['a NUL', { shop: 'a\u0000b' }],
    ['a number as text', { shop: 'abc', days: '7' }],
    ['a number out of range', { shop: 'abc', days: 31 }],
    ['a value beside the choice', { shop: 'abc', mode: 'harder' }],
  ])('%s is refused', (_attack, args) => {
    expect(parseActionArguments(action(), args).ok).toBe(false);
  });
});

describe('the action that it makes', () => {
  it('has a name that none of ours can have', () => {
    expect(action().name).toBe('custom.clear');
    expect([...ACTIONS.keys()].filter((name) => name.startsWith('custom.'))).toEqual([]);
    expect(action().locks({})).toEqual(['account:w4a100010', 'apache', 'custom:clear']);
  });

  it('plans by its plan program: so already, would change, or why not', async () => {
    const host = createFakeHost();
    const plan = (said: CustomAnswer) => {
      host.world.answers['custom.ask'] = () => said;
      return action().plan(host, { shop: 'abc' });
    };
    expect(await plan(answer(0, 'clean\n'))).toMatchObject({ ok: true, changes: [], notes: ['clean'] });
    expect(await plan(answer(2, '3 files\n'))).toMatchObject({
      ok: true,
      changes: [{ when: 'undo' }, { when: 'apply' }],
    });
    expect(await plan(answer(1, '', 'no such shop\n'))).toEqual({
      ok: false,
      code: 'ACTION_REFUSED',
      detail: 'no such shop',
    });
  });

  it('says what it lacks: without plan, verify and undo programs nothing is hidden', async () => {
    const bare = { plan: undefined, verify: undefined, undo: undefined };
    const planned = await action(bare).plan(createFakeHost(), { shop: 'abc' });
    expect(planned.ok && planned.notes.map((note) => note.split(':')[0])).toEqual([
      'It has no plan program',
      'It has no verify program',
      'It has no undo program',
    ]);
  });

  it('is verified by its verify program, whatever its own exit code was', async () => {
    const host = createFakeHost();
    host.world.answers['custom.ask'] = () => answer(1, 'still there');
    expect(await action().verify(host, { shop: 'abc' }, [])).toEqual([
      { name: 'Its verify program agrees', ok: false, saw: 'still there' },
    ]);
  });

  it.each([
    [0, 'ok'],
    [1, 'warning'],
    [2, 'critical'],
    [3, 'unknown'],
    [127, 'unknown'],
  ])('a check that ends with %i says %s, with its text and its figures', async (status, state) => {
    const check = action({ kind: 'check', plan: undefined, verify: undefined, undo: undefined });
    const host = createFakeHost();
    host.world.answers['custom.ask'] = () =>
      answer(status, 'DISK - free | /=10MB;20;30\nmore text\nlast | /srv=5MB\n/var=6MB');
    expect(await check.plan(host, { shop: 'abc' })).toEqual({
      ok: true,
      changes: [],
      notes: [],
      data: { state, text: 'DISK - free', perfdata: ['/=10MB;20;30', '/srv=5MB', '/var=6MB'] },
    });
    expect(check.readOnly).toBe(true);
  });
});
