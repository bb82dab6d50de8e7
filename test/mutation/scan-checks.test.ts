import { runInNewContext } from 'node:vm';
import { ERROR_CODES } from '@hauban/shared/errors';
import { describe, expect, it } from 'vitest';
import { loadSources, parseSource } from '../arch/source-tree.ts';
import { instrument, SAID, SWITCH } from './instrument.ts';
import { codesWithoutCheck } from './refusal-codes.ts';
import { ROOMS } from './rooms.ts';
import { scanChecks, type SecurityCheck } from './scan-checks.ts';

const PATH = 'packages/link/src/seed.ts';
const scan = (text: string): readonly SecurityCheck[] => scanChecks([parseSource(PATH, text)]);
const found = (text: string): readonly string[] => scan(text).map((check) => `${check.text} -> ${check.removed}`);

describe('the list of security checks is made from the code', () => {
  it('finds each part of a condition that throws', () => {
    expect(found('function a(x: number) { if (x < 1 || x > 9) throw new HaubanError("BAD_REQUEST", "no"); }')).toEqual([
      'x < 1 -> false',
      'x > 9 -> false',
    ]);
  });

  it('finds what refuses with a value, by either branch of a choice', () => {
    expect(
      found(
        "const no = (code: string, detail: string) => ({ code, detail });\nfunction a(x: number) { return x === 1 && x < 2 ? null : no('A', 'b'); }",
      ),
    ).toEqual(['x === 1 -> true', 'x < 2 -> true']);
  });

  it('follows a predicate, a variable and a parser that answers null', () => {
    const text = [
      'function isMine(x: number) { if (x === 0) return false; return x > 3 && x < 9; }',
      'function parse(x: string) { return x.length > 4 ? null : Number(x); }',
      'function a(text: string) {',
      '  const value = parse(text);',
      '  const isFine = isMine(value) && value !== 7;',
      '  if (value === null || !isFine) return { ok: false };',
      '  return { ok: true };',
      '}',
    ].join('\n');
    expect(found(text)).toEqual([
      'x === 0 -> false',
      'x > 3 -> true',
      'x < 9 -> true',
      'x.length > 4 -> false',
      'isMine(value) -> true',
      'value !== 7 -> true',
      'value === null -> false',
      'isFine -> true',
    ]);
  });

  it('finds the members of a chain of rules, of a list of rules, and a guard called for its throw', () => {
    const text =
      'const all = [checkOne, checkTwo];\nfunction a(x: string) { requireRoot(x); return checkOne(x) ?? checkTwo(x); }';
    expect(found(text)).toEqual([
      'checkOne -> rule',
      'checkTwo -> rule',
      'requireRoot(x) -> undefined',
      'checkOne(x) -> null',
      'checkTwo(x) -> null',
    ]);
  });

  it('finds what answers 4xx or closes a link, and leaves alone what only translates a fault', () => {
    const text = [
      'function a(reply: Reply, link: Link, x: number) {',
      '  if (x === 1) return reply.code(403).send();',
      '  if (x === 2) return link.close(4401, "out");',
      '  if (x === 3) return link.open();',
      '  try { link.open(); } catch (error) { if (error instanceof TypeError) throw new HaubanError("INTERNAL", ""); throw error; }',
      '}',
    ].join('\n');
    expect(found(text)).toEqual(['x === 1 -> false', 'x === 2 -> false']);
  });

  it('keeps the id of a check when its line moves, and gives another when it says something else', () => {
    const text = 'function a(x: number) { if (x < 1) throw new Error("no"); }';
    const ids = (source: string): readonly string[] => scan(source).map(({ id }) => id);
    expect(ids(`\n\n${text}`)).toEqual(ids(text));
    expect(ids(text.replace('< 1', '< 2'))).not.toEqual(ids(text));
  });

  it('switches each check off alone and leaves the others as they are', () => {
    const text = 'function a(x) { return x < 1 || !(x < 9) ? { ok: false } : { ok: true }; }';
    const checks = scan(text);
    const source = instrument(text, checks, (check) => checks.indexOf(check));
    const answer = (off: number | null, x: number): unknown =>
      runInNewContext(`${source}; a(${x}).ok`, {
        [SWITCH]: (number: number) => number === off,
        [SAID]: (_number: number, _removed: string, said: unknown) => said,
      });
    expect([null, 0, 1].map((off) => [0, 5, 9].map((x) => answer(off, x)))).toEqual([
      [false, true, false],
      [true, true, false],
      [false, true, true],
    ]);
  });
});

/** Codes that a check hands on from elsewhere: what decides stands in the function named here, and is on the list. */
const HANDED_ON = [
  'ACTION_FAILED', // faultOf of the executor: the word for a fault, not a decision
  'APPROVAL_NEEDED', // shell-approval: the answer of neededFor
  'LINK_KEY_REFUSED', // verifyDocument of the link, with the codes of its caller
  'ORDER_SIGNATURE', // the same
  'RECEIPT_REFUSED', // the same
  'PROGRAM_MISSING', // run-program: the word for ENOENT
  'SETUP_DONE', // setup.service: made once, thrown where hasPeople and lockSetup decide
  'SIGN_ON_DOWN', // oidc-provider: the word for an outside fault
];

describe('the rooms of this repository', () => {
  const sources = loadSources();
  const checks = scanChecks(sources);

  it('each holds checks', () => {
    expect(ROOMS.filter(({ name }) => !checks.some(({ room }) => room === name))).toEqual([]);
  });

  it('refuse with no code that no listed check stands beside', () => {
    expect(codesWithoutCheck(sources, checks, new Set(Object.keys(ERROR_CODES)))).toEqual(HANDED_ON.toSorted());
  });

  it('would name a code that is refused where the scanner sees no check', () => {
    const seeded = [parseSource(PATH, 'const a = (x) => { for (;;) x(() => "ORDER_EXPIRED"); };')];
    expect(codesWithoutCheck(seeded, scanChecks(seeded), new Set(['ORDER_EXPIRED']))).toEqual(['ORDER_EXPIRED']);
  });
});
