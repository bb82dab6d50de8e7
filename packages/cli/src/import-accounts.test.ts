import { describe, expect, it } from 'vitest';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { parseAccountFile } from './account-csv.ts';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { importAccounts, importKey, type ImportOptions } from './import-accounts.ts';
import { importSummary } from './import-summary.ts';

const HEADER = 'name,domain,phpVersion,uid,comment';
const line = (number: number, more = ''): string => `w4a${100_000 + number},s${number}.example.net,8.2,${more}`;
const file = (...lines: readonly string[]): string => [HEADER, ...lines].join('\n');
const problemsOf = (text: string): readonly string[] => {
  const parsed = parseAccountFile(text);
  return parsed.ok ? [] : parsed.problems;
};

describe('a file of accounts', () => {
  it('is read with quotes, empty lines, other separators and ends of lines', () => {
    const text = `\ufeff${HEADER.replaceAll(',', ';')}\r\nw4a100001;a.example.net;8.2;100001;"Shop; the first"\r\n\r\n`;
    expect(problemsOf(text)).toEqual([
      'line 2: argument comment does not fit: Shown beside the account: letters, digits, space and ._@/+-',
    ]);
    expect(parseAccountFile(file('w4a100001,a.example.net,8.2,100001,"The ""first"""', '')).ok).toBe(false);
    expect(parseAccountFile(file('w4a100001,"a.example.net",8.2,100001,Shop', ''))).toEqual({
      ok: true,
      accounts: [
        {
          line: 2,
          args: { name: 'w4a100001', domain: 'a.example.net', phpVersion: '8.2', uid: 100_001, comment: 'Shop' },
        },
      ],
    });
  });

  it('is refused as a whole, with every line that is wrong and its number', () => {
    const text = file(
      line(1, ','),
      '../evil,b.example.net,8.2,,',
      'w4a100003,b.example.net,8.2',
      'w4a100004,"b.example.net,8.2,,',
      line(1, ','),
      'w4a100006,s6.example.net,8.2,33,',
      'w4a100007,s7.example.net,8.2,,a:b',
      ',s8.example.net,8.2,,',
      'w4a100009,s1.example.net,8.2,,',
    );
    expect(problemsOf(text)).toEqual([
      'line 3: argument name does not fit: Lower-case letters and digits, 3 to 16, a letter first',
      'line 4: 3 fields, not 5',
      'line 5: a quote is not closed',
      'line 6: name w4a100001 is on line 2 already',
      'line 7: argument uid must be >= 100000',
      'line 8: argument comment does not fit: Shown beside the account: letters, digits, space and ._@/+-',
      'line 9: name is empty',
      'line 10: domain s1.example.net is on line 2 already',
    ]);
  });

  it.each([
    ['', /the first line names the columns|is no column/],
    ['name,domain\n', /phpVersion is missing/],
    ['name,domain,phpVersion,shell\n', /"shell" is no column/],
    ['name,name,domain,phpVersion\n', /named twice/],
    [`${HEADER}\n\n`, /no account in it/],
  ])('%j is refused', (text, wanted) => expect(problemsOf(text)[0]).toMatch(wanted));
});

interface FakeController {
  readonly fails?: (name: string) => boolean;
  /** The call of that number is not answered. */
  readonly away?: (call: number) => boolean;
  readonly refuses?: (name: string) => boolean;
}

/** A controller that keeps runs by key; an order with an account that does not work fails as a whole. */
function createController({ fails = () => false, away = () => false, refuses = () => false }: FakeController) {
  const runs = new Map<string, RunDetail>();
  const accounts = new Map<string, number>();
  let [clock, calls] = [1000, 0];
  const run = ({ action, args, idempotencyKey = '', strategy }: RunRequest): RunDetail => {
    const known = runs.get(idempotencyKey);
    if (known !== undefined) return known;
    const list = action === 'account.create-many' ? (args?.['accounts'] as { name: string }[]) : [args];
    const names = list.map((one) => String(one?.['name']));
    expect(strategy).toBe('at-once');
    if (names.some(refuses)) throw new CliError(EXIT.usage, 'ACTION_ARGUMENTS', 'argument uid: it is taken');
    clock += 1;
    const bad = names.find(fails);
    if (bad === undefined) for (const name of names) accounts.set(name, (accounts.get(name) ?? 0) + 1);
    const state = bad === undefined ? 'succeeded' : 'failed';
    const target = { hostName: 'web1', state, detail: `${bad ?? ''} disk full` };
    const made = {
      id: `run-${runs.size + 1}`,
      createdAt: clock,
      finishedAt: clock,
      counts: { [state]: 1 },
      targets: [target],
    } as unknown as RunDetail;
    runs.set(idempotencyKey, made);
    return made;
  };
  const api = {
    post: (_path: string, body: unknown) => {
      calls += 1;
      if (away(calls)) return Promise.reject(new CliError(EXIT.unreachable, 'UNREACHABLE', 'it does not answer'));
      return new Promise((resolve) => resolve(run(body as RunRequest)));
    },
  } as unknown as ApiClient;
  return { api, started: () => runs.size, accounts, nowMs: () => clock + 1 };
}

describe('an import', () => {
  const parsed = parseAccountFile(file(...Array.from({ length: 100 }, (_, at) => line(at, ','))));
  const lines = parsed.ok ? parsed.accounts : [];
  let pauses = 0;
  const optionsOf = (signal: AbortSignal, onDone: ImportOptions['onDone'] = () => undefined): ImportOptions => ({
    ...{ where: { on: 'role=web' }, atOnce: 2, together: 10, round: '', reason: undefined, signal, onDone },
    pause: () => {
      pauses += 1;
      return Promise.resolve();
    },
  });
  const never = new AbortController().signal;
  const onceEach = (accounts: ReadonlyMap<string, number>): boolean =>
    accounts.size === 100 && [...accounts.values()].every((times) => times === 1);

  it('cut off half-way and started again makes each account once, and a third time nothing', async () => {
    const controller = createController({});
    const cut = new AbortController();
    let seen = 0;
    const stopHalfWay = (some: readonly unknown[]): void => {
      seen += some.length;
      if (seen === 50) cut.abort();
    };
    const half = await importAccounts(controller.api, lines, optionsOf(cut.signal, stopHalfWay), controller.nowMs());
    expect(half.length).toBeLessThan(80);
    expect(controller.accounts.size).toBe(half.length);
    const all = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(all.map((each) => each.exit)).toEqual(Array.from({ length: 100 }, () => EXIT.ok));
    expect(all.filter(({ isOld }) => isOld)).toHaveLength(half.length);
    expect(onceEach(controller.accounts)).toBe(true);
    const started = controller.started();
    const third = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(third.every(({ isOld, exit }) => isOld && exit === EXIT.ok)).toBe(true);
    expect(controller.started()).toBe(started);
    await importAccounts(controller.api, lines, { ...optionsOf(never), round: 'again' }, controller.nowMs());
    expect(controller.started()).toBe(2 * started);
  });

  it('finds the accounts that can not be made, makes all others, and the next time runs only those again', async () => {
    let isFull = true;
    const controller = createController({ fails: (name) => isFull && name.endsWith('7') });
    const first = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    const failed = first.filter(({ exit }) => exit !== EXIT.ok);
    expect(failed).toHaveLength(10);
    expect(failed[0]).toMatchObject({ line: 9, name: 'w4a100007', exit: EXIT.failed });
    expect(failed[0]?.says).toBe('web1: failed w4a100007 disk full');
    expect(controller.accounts.size).toBe(90);
    expect(importSummary(first, 100)).toContain('9, 19, 29, 39, 49, 59, 69, 79, 89, 99');
    isFull = false;
    const second = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(second.every(({ exit }) => exit === EXIT.ok)).toBe(true);
    expect(controller.accounts.size).toBe(100);
  });

  it('asks again while the controller is restarted', async () => {
    const controller = createController({ away: (call) => call >= 3 && call < 9 });
    pauses = 0;
    const done = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(done.every(({ exit }) => exit === EXIT.ok)).toBe(true);
    expect(pauses).toBe(6);
    expect(onceEach(controller.accounts)).toBe(true);
  });

  it('ends when the controller stays away', async () => {
    const controller = createController({ away: () => true });
    await expect(importAccounts(controller.api, lines, optionsOf(never), 0)).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });

  it('names the account that the controller does not take', async () => {
    const controller = createController({ refuses: (name) => name === 'w4a100042' });
    const done = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    const failed = done.filter(({ exit }) => exit !== EXIT.ok);
    expect(failed).toMatchObject([{ line: 44, run: null, exit: EXIT.refused, says: 'argument uid: it is taken' }]);
    expect(controller.accounts.size).toBe(99);
  });

  it('stops when nothing works at all', async () => {
    const controller = createController({ fails: () => true });
    const done = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(done.length).toBeGreaterThanOrEqual(50);
    expect(done.length).toBeLessThanOrEqual(60);
    expect(importSummary(done, 100)).toMatch(/0 of 100 accounts are there\. The same command again .* other 100/);
  });

  it('has a key for each content, the same whatever the order of its fields', () => {
    const where = { where: { on: 'role=web' }, round: '' };
    const key = importKey([{ name: 'a', domain: 'b' }], where, 1);
    expect(importKey([{ domain: 'b', name: 'a' }], where, 1)).toBe(key);
    expect(importKey([{ name: 'a', domain: 'c' }], where, 1)).not.toBe(key);
    expect(importKey([{ name: 'a', domain: 'b' }], { ...where, where: { on: 'all' } }, 1)).not.toBe(key);
    expect(importKey([{ name: 'a', domain: 'b' }], { ...where, round: 'x' }, 1)).not.toBe(key);
    expect(importKey([{ name: 'a', domain: 'b' }], where, 2)).not.toBe(key);
  });
});

describe('a summary', () => {
  const failure = (at: number, says: string) => ({
    ...{ line: at, name: `w4a10000${at}`, domain: `s${at}.example.net`, run: 'r', exit: EXIT.failed, isOld: false },
    says: `web1: ${says.replace('NAME', `w4a10000${at}`)}`,
  });

  it('groups what failed by its cause, the commonest first, with the lines as ranges', () => {
    const done = [failure(2, 'uid 5 is taken'), ...[5, 6, 7, 9].map((at) => failure(at, 'NAME: disk full'))];
    const text = importSummary(done, 9).split('\n');
    expect(text[1]).toMatch(/^4\s+5-7, 9\s+web1: w4a100005: disk full$/);
    expect(text[2]).toMatch(/^1\s+2\s+web1: uid 5 is taken$/);
    expect(text.at(-1)).toBe('0 of 9 accounts are there. The same command again goes on with the other 9.');
  });

  it('shows no control character that a node has put into its words', () => {
    expect(importSummary([failure(2, '\u001b[2Jgone')], 2)).not.toContain('\u001b');
  });
});
