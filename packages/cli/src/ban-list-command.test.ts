import type { BanListChange, BanListRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
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

async function run(...words: string[]): Promise<{ readonly asked: unknown[]; readonly said: string }> {
  const asked: unknown[] = [];
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const api: ApiClient = {
    ...createApiClient('http://127.0.0.1:1', 'token'),
    get: async (path) => (path === '/api/ban-lists' ? [LIST] : { entries: [ENTRY], next: null }) as never,
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
