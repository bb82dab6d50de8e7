import type { WindowRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { createProgram } from './program.ts';

const NIGHT: WindowRow = {
  ...{ id: '7d4f0c1e-0000-4000-8000-000000000001', name: 'night', kind: 'only-inside', on: 'role=web' },
  ...{ cron: '0 22 * * *', zone: 'UTC', durationMinutes: 360, from: null, until: null, createdAt: 1 },
  ...{ createdBy: 'olga', nowUntil: null, nextFrom: 2 },
};

/** What it asks the controller to do, and what it prints. */
async function run(...words: string[]): Promise<{ readonly asked: unknown[]; readonly said: string }> {
  const asked: unknown[] = [];
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const api: ApiClient = {
    ...createApiClient('http://127.0.0.1:1', 'token'),
    get: async () => [NIGHT] as never,
    post: async (path, body) => (asked.push([path, body]), NIGHT as never),
    delete: async (path) => void asked.push(path),
  };
  const terminal = {
    isInteractive: false,
    out: say,
    err: say,
    ask: async () => '',
    onInterrupt: () => () => undefined,
  };
  await createProgram({ env: {}, terminal, api: () => api }).parseAsync(['window', ...words], { from: 'user' });
  return { asked, said: lines.join('\n') };
}

describe('hauban window', () => {
  it('makes one that comes again, and one of one time', async () => {
    const again = ['add', 'night', '--on', 'role=web', '--cron', '0 22 * * *', '--duration', '6h', '--zone', 'UTC'];
    expect((await run(...again)).asked).toEqual([
      [
        '/api/windows',
        { name: 'night', kind: 'only-inside', on: 'role=web', zone: 'UTC', cron: '0 22 * * *', durationMinutes: 360 },
      ],
    ]);
    const once = ['add', 'x', '--freeze', '--on', 'all', '--zone', 'UTC', '--from', '2027-03-01T00:00Z'];
    expect((await run(...once, '--until', '2027-03-02T00:00Z')).asked).toEqual([
      [
        '/api/windows',
        { name: 'x', kind: 'freeze', on: 'all', zone: 'UTC', from: 1803859200000, until: 1803945600000 },
      ],
    ]);
  });

  it('lists them, and deletes one by its name', async () => {
    expect((await run('list')).said).toMatch(/night.*only-inside.*role=web.*0 22 \* \* \* UTC, 360 minutes.*olga/);
    expect((await run('remove', 'night')).asked).toEqual([`/api/windows/${NIGHT.id}`]);
    await expect(run('remove', 'other')).rejects.toThrow(CliError);
  });

  it('refuses a time that is none', async () => {
    await expect(run('add', 'x', '--on', 'all', '--from', 'tomorrow', '--until', 'later')).rejects.toThrow(
      '--from takes',
    );
  });
});
