import { describe, expect, it } from 'vitest';
import { fitsPattern, parseForm } from './form-args.ts';
import { fieldsOf, initialValues, titleOf } from './schema-fields.ts';

const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'uid', 'targets', 'mode', 'wide', 'until'],
  properties: {
    comment: { type: 'string', maxLength: 5 },
    name: { type: 'string', pattern: '^[a-z][a-z0-9]{2,15}$', title: 'Account', description: 'Small letters' },
    uid: { type: 'integer', minimum: 100_000, maximum: 499_999 },
    targets: { type: 'array', items: { type: 'string', pattern: '^[0-9.]+$' }, minItems: 1, maxItems: 3 },
    mode: { anyOf: [{ const: 'soft' }, { const: 'hard' }] },
    version: { enum: ['8.2', '8.4'], default: '8.4' },
    wide: { type: 'boolean' },
    until: { anyOf: [{ type: 'integer', minimum: 60 }, { type: 'null' }] },
    rules: { type: 'object', properties: {} },
  },
};
const fields = fieldsOf(SCHEMA, ['uid']);
const field = (name: string) => fields.find((each) => each.name === name);

describe('fields of a schema', () => {
  it('has one for each argument, those that are needed first', () => {
    expect(fields.map((each) => each.name)).toEqual([
      'name',
      'targets',
      'mode',
      'wide',
      'comment',
      'uid',
      'version',
      'until',
      'rules',
    ]);
  });

  it('takes words, limits and choices from it', () => {
    expect(field('name')).toMatchObject({
      kind: 'text',
      title: 'Account',
      description: 'Small letters',
      isRequired: true,
    });
    expect(field('uid')).toMatchObject({
      kind: 'number',
      isInteger: true,
      min: 100_000,
      max: 499_999,
      isRequired: false,
      isFilledIn: true,
    });
    expect(field('mode')).toMatchObject({ kind: 'choice', options: ['soft', 'hard'] });
    expect(field('version')).toMatchObject({ kind: 'choice', options: ['8.2', '8.4'] });
    expect(field('until')).toMatchObject({ kind: 'number', isNullable: true, min: 60 });
    expect(field('rules')).toMatchObject({ kind: 'json' });
  });

  it('shows how a value typed as JSON looks, with what it has to have, whatever its depth', () => {
    const item = {
      type: 'object',
      required: ['name', 'uid', 'kind'],
      properties: { name: { type: 'string' }, uid: { type: 'integer', minimum: 7 }, kind: { enum: ['a'] }, more: {} },
    };
    const args = { type: 'object', properties: { accounts: { type: 'array', items: item } } };
    expect(JSON.parse(fieldsOf(args)[0]?.example ?? '')).toEqual([{ name: '…', uid: 7, kind: 'a' }]);
    let deep: object = { type: 'string' };
    for (let depth = 0; depth < 50_000; depth += 1) deep = { type: 'array', items: deep };
    expect(fieldsOf({ type: 'object', properties: { deep } })[0]?.example.length).toBeLessThan(200);
  });

  it('makes a title of a name', () => {
    expect(titleOf('maxChildren')).toBe('Max children');
    expect(titleOf('never_ban')).toBe('Never ban');
  });

  it.each([null, 5, 'x', {}, { properties: 7 }, []])('gives none for %j', (schema) => {
    expect(fieldsOf(schema)).toEqual([]);
  });

  it('starts with the defaults, or with what is given', () => {
    expect(initialValues(fields, SCHEMA)).toMatchObject({ version: '8.4', name: '', wide: false });
    expect(initialValues(fields, SCHEMA, { name: 'w4a', targets: ['1', '2'] })).toMatchObject({
      name: 'w4a',
      targets: '1\n2',
    });
  });
});

const GOOD = {
  name: 'w4a100010',
  targets: '192.0.2.1\n\n192.0.2.2 ',
  mode: 'soft',
  wide: true,
  until: '',
  comment: '',
  uid: '',
  version: '8.2',
  rules: '',
};

describe('what was typed', () => {
  it('becomes arguments: empty ones left out, nullable ones null', () => {
    expect(parseForm(fields, GOOD)).toEqual({
      ok: true,
      args: {
        name: 'w4a100010',
        targets: ['192.0.2.1', '192.0.2.2'],
        mode: 'soft',
        wide: true,
        until: null,
        version: '8.2',
      },
    });
  });

  it.each([
    ['name', '', 'This is needed.'],
    ['name', '../evil', 'This does not have the right form.'],
    ['name', 'w4a$(id)', 'This does not have the right form.'],
    ['comment', 'too long', 'At most 5 characters.'],
    ['uid', '99999', '100000 or more.'],
    ['uid', '500000', '499999 or less.'],
    ['uid', '1e5', 'A whole number, digits only.'],
    ['uid', '100000.5', 'A whole number, digits only.'],
    ['targets', '', 'This is needed.'],
    ['targets', '192.0.2.1\nbad host', 'Line 2: This does not have the right form.'],
    ['targets', '1\n2\n3\n4', 'At most 3 entries.'],
    ['mode', 'other', 'Choose one of the list.'],
    ['until', '59', '60 or more.'],
    ['rules', '{', 'This is not valid JSON.'],
  ])('%s = %j is refused in words', (name, value, problem) => {
    expect(parseForm(fields, { ...GOOD, [name]: value })).toEqual({ ok: false, problems: { [name]: problem } });
  });

  it('leaves out a tick that is off by default, and sends one that was taken away', () => {
    const ticks = fieldsOf({
      type: 'object',
      properties: { off: { type: 'boolean' }, on: { type: 'boolean', default: true } },
    });
    expect(parseForm(ticks, { off: false, on: false })).toEqual({ ok: true, args: { on: false } });
    expect(parseForm(ticks, { off: true, on: true })).toEqual({ ok: true, args: { off: true, on: true } });
  });

  it('takes a time with its unit, and refuses what is none in words', () => {
    const times = fieldsOf({ type: 'object', properties: { durationS: { type: 'integer', minimum: 60 } } });
    expect(parseForm(times, { durationS: '2h' })).toEqual({ ok: true, args: { durationS: 7200 } });
    expect(parseForm(times, { durationS: '90' })).toEqual({ ok: true, args: { durationS: 90 } });
    expect(parseForm(times, { durationS: '59s' })).toEqual({ ok: false, problems: { durationS: '60 or more.' } });
    const problem = 'A number of seconds, or a time such as 15m, 12h or 7d.';
    for (const typed of ['soon', '-90', '1.5h'])
      expect(parseForm(times, { durationS: typed })).toEqual({ ok: false, problems: { durationS: problem } });
  });

  it('gives a choice back in its own type', () => {
    const numbers = fieldsOf({ type: 'object', required: ['n'], properties: { n: { enum: [1, 2] } } });
    expect(parseForm(numbers, { n: '2' })).toEqual({ ok: true, args: { n: 2 } });
  });

  it('leaves a pattern that no browser knows to the node', () => {
    expect(fitsPattern('(?<!', 'x')).toBe(true);
  });
});
