import { describe, expect, it } from 'vitest';
import type { RunDetail, RunRequest } from '@hauban/shared/api';
import { parseAccountFile } from './account-csv.ts';
import type { ApiClient } from './api-client.ts';
import { EXIT } from './exit-codes.ts';
import { importAccounts, importKey, type ImportOptions } from './import-accounts.ts';

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
      'line 2: argument comment must match pattern "^[A-Za-z0-9][A-Za-z0-9 ._@/+-]{0,59}$"',
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
    expect(problemsOf(text).map((problem) => problem.replace(/ must match.*/, ' must match'))).toEqual([
      'line 3: argument name must match',
      'line 4: 3 fields, not 5',
      'line 5: a quote is not closed',
      'line 6: name w4a100001 is on line 2 already',
      'line 7: argument uid must be >= 100000',
      'line 8: argument comment must match',
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

/** A controller that keeps runs by key; `fails` says which account does not work. */
function createController(fails: (name: string) => boolean) {
  const runs = new Map<string, RunDetail>();
  let started = 0;
  let clock = 1000;
  const api = {
    post: (_path: string, body: unknown) => {
      const { args, idempotencyKey = '' } = body as RunRequest;
      const known = runs.get(idempotencyKey);
      if (known !== undefined) return Promise.resolve(known);
      started += 1;
      clock += 1;
      const state = fails(String(args?.['name'])) ? 'failed' : 'succeeded';
      const target = { hostName: 'web1', state, detail: 'disk full' };
      const run = {
        id: `run-${started}`,
        createdAt: clock,
        finishedAt: clock,
        counts: { [state]: 1 },
        targets: [target],
      };
      runs.set(idempotencyKey, run as unknown as RunDetail);
      return Promise.resolve(run);
    },
  } as unknown as ApiClient;
  return { api, started: () => started, nowMs: () => clock + 1 };
}

describe('an import', () => {
  const parsed = parseAccountFile(file(...Array.from({ length: 100 }, (_, at) => line(at, ','))));
  const lines = parsed.ok ? parsed.accounts : [];
  const optionsOf = (signal: AbortSignal, onDone: () => void = () => undefined): ImportOptions => ({
    ...{ where: { on: 'role=web' }, atOnce: 4, reason: undefined, signal, onDone },
  });
  const never = new AbortController().signal;

  it('cut off half-way and started again makes each account once', async () => {
    const controller = createController(() => false);
    const cut = new AbortController();
    let seen = 0;
    const half = await importAccounts(
      controller.api,
      lines,
      optionsOf(cut.signal, () => {
        seen += 1;
        if (seen === 50) cut.abort();
      }),
      controller.nowMs(),
    );
    expect(half.length).toBeLessThan(60);
    expect(controller.started()).toBe(half.length);
    const all = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(all.map((each) => each.exit)).toEqual(Array.from({ length: 100 }, () => EXIT.ok));
    expect(controller.started()).toBe(100);
  });

  it('says which lines failed and why; the next time only those are run again', async () => {
    let isFull = true;
    const controller = createController((name) => isFull && name.endsWith('7'));
    const first = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    const failed = first.filter(({ exit }) => exit !== EXIT.ok);
    expect(failed).toHaveLength(10);
    expect(failed[0]).toMatchObject({ line: 9, name: 'w4a100007', exit: EXIT.failed, says: 'web1: failed disk full' });
    isFull = false;
    const second = await importAccounts(controller.api, lines, optionsOf(never), controller.nowMs());
    expect(second.every(({ exit }) => exit === EXIT.ok)).toBe(true);
    expect(controller.started()).toBe(110);
  });

  it('has a key for each content, the same whatever the order of its fields', () => {
    const where = { on: 'role=web' };
    const key = importKey({ name: 'a', domain: 'b' }, where, 1);
    expect(importKey({ domain: 'b', name: 'a' }, where, 1)).toBe(key);
    expect(importKey({ name: 'a', domain: 'c' }, where, 1)).not.toBe(key);
    expect(importKey({ name: 'a', domain: 'b' }, { on: 'all' }, 1)).not.toBe(key);
    expect(importKey({ name: 'a', domain: 'b' }, where, 2)).not.toBe(key);
  });
});
