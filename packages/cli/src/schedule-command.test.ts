import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { createProgram } from './program.ts';

const ROW = {
  ...{ id: '7d4f0c1e-0000-4000-8000-000000000001', name: 'night', cron: '0 3 * * *', zone: 'UTC', missed: 'skip' },
  ...{ state: 'active', says: 'Not started: the selector meant no node.', action: 'node.ping', args: {}, steps: [] },
  ...{ nodes: null, on: 'role=web', mode: 'apply', strategy: null, requester: 'olga', createdAt: 1, nextAt: 2 },
  ...{ lastAt: null, lastRunId: null },
};
const ANSWERS: Readonly<Record<string, unknown>> = {
  'GET /api/schedules': [ROW],
  'GET /api/actions': [{ name: 'service.restart', args: { properties: { unit: { type: 'string' } } } }],
  'POST /api/runs/targets': { nodes: [], total: 2, online: 2, forbidden: 0 },
  'POST /api/schedules': ROW,
};

let asked: { readonly what: string; readonly body: unknown }[] = [];
const server = createServer((request, response) => {
  const what = `${request.method} ${request.url}`;
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    asked.push({ what, body: text === '' ? null : JSON.parse(text) });
    response.end(JSON.stringify(ANSWERS[what] ?? (what.includes('/times') ? [2, 3] : ROW)));
  });
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

/** What it prints. */
async function run(...words: string[]): Promise<string> {
  asked = [];
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const terminal = {
    isInteractive: false,
    out: say,
    err: say,
    ask: async () => '',
    onInterrupt: () => () => undefined,
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const context = { env: {}, terminal, api: () => createApiClient(url, 'token') };
  await createProgram(context).parseAsync(['schedule', ...words], { from: 'user' });
  return lines.join('\n');
}

describe('hauban schedule', () => {
  it('makes one from an action, its arguments, where and when', async () => {
    const said = await run(
      ...['add', 'night', 'service.restart', '--unit', 'nginx', '--on', 'role=web', '--cron', '0 3 * * *'],
      ...['--zone', 'UTC', '--missed', 'skip', '--canary', '1'],
    );
    expect(asked.find(({ what }) => what === 'POST /api/schedules')?.body).toEqual({
      ...{ name: 'night', cron: '0 3 * * *', zone: 'UTC', missed: 'skip', action: 'service.restart' },
      ...{ args: { unit: 'nginx' }, on: 'role=web', mode: 'apply', strategy: { canary: 1 } },
    });
    expect(said).toMatch(/^night: active; next: /);
  });

  it('lists them with what came of the last time', async () => {
    const said = await run('list');
    expect(said).toMatch(/night.*0 3 \* \* \* UTC.*role=web.*olga.*active/);
    expect(said).toContain('the selector meant no node');
  });

  it.each([
    ['pause', `POST /api/schedules/${ROW.id}/pause`],
    ['resume', `POST /api/schedules/${ROW.id}/resume`],
    ['remove', `DELETE /api/schedules/${ROW.id}`],
  ])('%s finds it by its name', async (verb, wanted) => {
    await run(verb, 'night');
    expect(asked.map(({ what }) => what)).toContain(wanted);
  });

  it.each([
    [['pause', 'other'], 'There is no schedule "other"'],
    [['add', 'x', 'no.such', '--on', 'all', '--cron', '@daily'], 'There is no action "no.such"'],
    [['add', 'x', 'service.restart', '--on', 'all', '--cron', '@daily', '--missed', 'twice'], '--missed takes'],
  ])('%j is refused in one sentence', async (words, says) => {
    await expect(run(...words)).rejects.toThrow(CliError);
    await expect(run(...words)).rejects.toThrow(says);
    expect(asked.map(({ what }) => what)).not.toContain('POST /api/schedules');
  });
});
