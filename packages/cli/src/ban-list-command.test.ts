import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BanListChange, BanListRow } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { createProgram } from './program.ts';

const HOSTILE = 'web\u001b[2J\u202eevil';
const LIST: BanListRow = {
  ...{ id: '7d4f0c1e-0000-4000-8000-000000000001', name: 'spam', entryCount: 3, version: 2 },
  ...{ pools: [{ id: 'p', name: HOSTILE }], createdAt: 1, createdBy: 'olga' },
};
const CHANGE: BanListChange = {
  ...{ added: 1, changed: 0, removed: 0, entryCount: 4 },
  ...{ addedTargets: ['192.0.2.7'], removedTargets: [] },
};
const ENTRY = { target: '192.0.2.7', until: null, reason: 'abuse', addedAt: 1, addedBy: HOSTILE };

const POOL_ID = '7d4f0c1e-0000-4000-8000-000000000002';
const ANSWERS: Readonly<Record<string, unknown>> = {
  '/api/ban-lists': [LIST],
  '/api/pools': [{ id: POOL_ID, name: 'mail' }],
};

async function run(...words: string[]): Promise<{ readonly asked: unknown[]; readonly said: string }> {
  const asked: unknown[] = [];
  return runInto(asked, words);
}

/** @param asked what was asked of the controller, also when it ends in an error */
async function runInto(asked: unknown[], words: readonly string[]) {
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const api: ApiClient = {
    ...createApiClient('http://127.0.0.1:1', 'token'),
    get: async (path) => (ANSWERS[path] ?? { entries: [ENTRY], next: null }) as never,
    put: async (path, body) => (asked.push([path, body]), LIST as never),
    post: async (path, body) => (asked.push([path, body]), CHANGE as never),
    delete: async (path) => void asked.push(path),
  };
  const terminal = {
    ...{ isInteractive: false, out: say, err: say, ask: async () => '' },
    onInterrupt: () => () => undefined,
  };
  await createProgram({ env: {}, terminal, api: () => api }).parseAsync(['ban', 'list', ...words], { from: 'user' });
  return { asked, said: lines.join('\n') };
}

describe('hauban ban list', () => {
  it('shows lists and what is on one, foreign names as text only', async () => {
    const all = (await run()).said;
    expect(all).toMatch(/spam +3 +web/);
    const { said } = await run('show', 'spam');
    expect(said).toContain('192.0.2.7');
    for (const sign of ['\u001b', '\u202e']) expect(all + said).not.toContain(sign);
    await expect(run('show', 'other')).rejects.toThrow('There is no ban list "other"');
  });

  it('only says what would change when asked for the plan', async () => {
    const { asked, said } = await run('add', 'spam', '192.0.2.7', '--plan');
    expect(asked).toEqual([[`/api/ban-lists/${LIST.id}/entries`, { targets: ['192.0.2.7'], plan: true }]]);
    expect(said).toContain('+ 192.0.2.7');
  });

  it('gives it to other pools, and says first where it will be lifted; without a terminal only with --yes', async () => {
    const path = `/api/ban-lists/${LIST.id}/pools`;
    expect((await run('pools', 'spam', 'mail', '--yes')).asked).toEqual([[path, { pools: [POOL_ID] }]]);
    expect((await run('pools', 'spam', '--yes')).asked).toEqual([[path, { pools: [] }]]);
    await expect(run('pools', 'spam', 'mail')).rejects.toThrow('no terminal to confirm');
    await expect(run('pools', 'spam', 'other', '--yes')).rejects.toThrow('There is no pool "other"');
  });

  it('adds for a time, takes off, deletes; without a terminal only with --yes', async () => {
    const more = ['--for', '12h', '--reason', 'abuse', '--yes'];
    expect((await run('add', 'spam', '192.0.2.7', ...more)).asked).toEqual([
      [`/api/ban-lists/${LIST.id}/entries`, { targets: ['192.0.2.7'], durationS: 43_200, reason: 'abuse' }],
    ]);
    expect((await run('remove', 'spam', '192.0.2.7', '--yes')).asked).toEqual([
      [`/api/ban-lists/${LIST.id}/removals`, { targets: ['192.0.2.7'] }],
    ]);
    expect((await run('delete', 'spam', '--yes')).asked).toEqual([`/api/ban-lists/${LIST.id}`]);
    await expect(run('remove', 'spam', '192.0.2.7')).rejects.toThrow('no terminal to confirm');
    await expect(run('delete', 'spam')).rejects.toThrow('no terminal to confirm');
  });
});

describe('hauban ban list add --from', () => {
  let folder = '';
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'hauban-list-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (text: string): string => {
    const path = join(folder, 'list.txt');
    writeFileSync(path, text);
    return path;
  };
  /** What was said instead of sending it. */
  const refusalOf = async (...words: string[]): Promise<string> => {
    const asked: unknown[] = [];
    const says = await runInto(asked, words).then(
      () => 'was not refused',
      ({ message }: Error) => message,
    );
    expect(asked).toEqual([]);
    return says;
  };

  it('sends what is in the file, remarks left out, each once', async () => {
    const path = file('# of today\n192.0.2.7 # guessed\n\n192.0.2.0/28 ; SBL1\r\n192.0.2.7\n');
    const targets = ['192.0.2.7', '192.0.2.0/28'];
    expect((await run('add', 'spam', '--from', path, '--replace', '--yes')).asked).toEqual([
      [`/api/ban-lists/${LIST.id}/entries`, { targets, replace: true }],
    ]);
    expect((await run('remove', 'spam', '--from', path, '--yes')).asked).toEqual([
      [`/api/ban-lists/${LIST.id}/removals`, { targets }],
    ]);
  });

  it('names each bad line by its number, and sends nothing', async () => {
    const says = await refusalOf(
      'add',
      'spam',
      '--from',
      file('192.0.2.7\n\n1.2.3.256\n8.0.0.0/1\n\u001b[2J\n'),
      '--yes',
    );
    expect(says.split('\n').map((line) => /^ {2}line \d+: /.exec(line)?.[0] ?? '')).toEqual([
      '',
      '  line 3: ',
      '  line 4: ',
      '  line 5: ',
    ]);
    expect(says).toContain('Nothing was sent');
    expect(says).not.toContain('\u001b');
  });

  it('tells the first of thousands of bad lines', async () => {
    const says = await refusalOf('add', 'spam', '--from', file('x\n'.repeat(5000)), '--yes');
    expect(says.split('\n')).toHaveLength(52);
    expect(says).toContain('and 4950 more bad lines');
  });

  it('refuses no addresses, too many, both ways at once, a file that is not there, and one that is too large', async () => {
    const many = Array.from({ length: 20_001 }, (_, n) => `11.${n >> 16}.${(n >> 8) & 255}.${n & 255}`).join('\n');
    expect(await refusalOf('add', 'spam', '--from', file('# none\n'), '--yes')).toContain('there is no address in');
    expect(await refusalOf('add', 'spam', '--from', file(many), '--yes')).toContain('20001 addresses');
    expect(await refusalOf('add', 'spam', '192.0.2.7', '--from', file('192.0.2.8'), '--yes')).toContain('not both');
    expect(await refusalOf('add', 'spam', '--yes')).toContain('--from');
    expect(await refusalOf('add', 'spam', '--from', '-')).toContain('use --yes');
    expect(await refusalOf('add', 'spam', '--from', join(folder, 'gone'), '--yes')).toContain('can not be read');
    expect(await refusalOf('add', 'spam', '--from', file('#'.repeat(9 * 1024 * 1024)), '--yes')).toContain('8 MiB');
  });
});
