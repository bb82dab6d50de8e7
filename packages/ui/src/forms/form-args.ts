import { parseDurationS } from '@hauban/shared/time';
import { texts } from '../texts/index.ts';
import type { Field, FormValues, TextRules } from './schema-fields.ts';

/** The arguments, or one sentence for each field that does not fit. */
export type ParsedForm =
  | { readonly ok: true; readonly args: Record<string, unknown> }
  | { readonly ok: false; readonly problems: Readonly<Record<string, string>> };

type ParsedField =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string }
  /** Left out of the arguments. */
  | { readonly ok: 'absent' };

const good = (value: unknown): ParsedField => ({ ok: true, value });
const bad = (problem: string): ParsedField => ({ ok: false, problem });

/** JSON Schema patterns are ECMAScript with the u flag; an expression that does not compile is left to the node. */
export function fitsPattern(pattern: string, value: string): boolean {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, 'u');
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
  return expression.test(value);
}

function textProblem(rules: TextRules, value: string): string | null {
  if (value.length < rules.minLength) return texts.form.tooShort(rules.minLength);
  if (rules.maxLength !== null && value.length > rules.maxLength) return texts.form.tooLong(rules.maxLength);
  return rules.pattern !== null && !fitsPattern(rules.pattern, value) ? texts.form.pattern : null;
}

function plainNumber(typed: string, isInteger: boolean): number | null {
  const form = isInteger ? /^-?\d{1,16}$/ : /^-?\d{1,16}(?:\.\d{1,16})?$/;
  return form.test(typed) ? Number(typed) : null;
}

function notNumber({ isSeconds, isInteger }: Extract<Field, { kind: 'number' }>): string {
  if (isSeconds) return texts.form.notTime;
  return isInteger ? texts.form.notInteger : texts.form.notNumber;
}

function parseNumber(field: Extract<Field, { kind: 'number' }>, typed: string): ParsedField {
  const value = field.isSeconds ? parseDurationS(typed) : plainNumber(typed, field.isInteger);
  if (value === null) return bad(notNumber(field));
  if (field.min !== null && value < field.min) return bad(texts.form.tooSmall(field.min));
  if (field.max !== null && value > field.max) return bad(texts.form.tooLarge(field.max));
  return good(value);
}

function parseList(field: Extract<Field, { kind: 'list' }>, typed: string): ParsedField {
  const items = typed.split('\n').map((line) => line.trim());
  const filled = items.filter((line) => line !== '');
  if (filled.length < field.minItems) return bad(texts.form.tooFew(field.minItems));
  if (field.maxItems !== null && filled.length > field.maxItems) return bad(texts.form.tooMany(field.maxItems));
  for (const [at, line] of items.entries()) {
    if (line === '') continue;
    const isKnown = field.options === null || field.options.includes(line);
    const problem = isKnown ? textProblem(field.item, line) : texts.form.oneOf;
    if (problem !== null) return bad(texts.form.inLine(at + 1, problem));
  }
  return good(filled);
}

function parseJson(typed: string): ParsedField {
  try {
    return good(JSON.parse(typed) as unknown);
  } catch (error) {
    if (error instanceof SyntaxError) return bad(texts.form.badJson);
    throw error;
  }
}

function parseField(field: Field, raw: string | boolean | undefined): ParsedField {
  // A tick that may be left out and is off by default is left out.
  if (field.kind === 'boolean')
    return raw === true || field.isRequired || field.isOnByDefault ? good(raw === true) : { ok: 'absent' };
  const typed = typeof raw === 'string' ? raw.trim() : '';
  if (typed === '') {
    if (field.isNullable) return good(null);
    if (!field.isRequired) return { ok: 'absent' };
    return field.kind === 'list' && field.minItems === 0 ? good([]) : bad(texts.form.required);
  }
  switch (field.kind) {
    case 'text': {
      const problem = textProblem(field, typed);
      return problem === null ? good(typed) : bad(problem);
    }
    case 'choice': {
      const option = field.options.find((each) => String(each) === typed);
      return option === undefined ? bad(texts.form.oneOf) : good(option);
    }
    case 'number':
      return parseNumber(field, typed);
    case 'list':
      return parseList(field, typed);
    case 'json':
      return parseJson(typed);
  }
}

export function parseForm(fields: readonly Field[], values: FormValues): ParsedForm {
  const args: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const parsed = parseField(field, values[field.name]);
    if (parsed.ok === true) args[field.name] = parsed.value;
    else if (parsed.ok === false) problems[field.name] = parsed.problem;
  }
  return Object.keys(problems).length === 0 ? { ok: true, args } : { ok: false, problems };
}
