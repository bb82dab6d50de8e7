import type { WebhookDelivery, WebhookRow } from '@hauban/shared/api';
import { describe, expect, it } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { createProgram } from './program.ts';

const ID = '7d4f0c1e-0000-4000-8000-000000000001';
const BILLING: WebhookRow = {
  ...{ id: ID, name: 'billing', url: 'https://billing.example.com/hauban', events: ['run.failed'], on: null },
  ...{ createdAt: 1, createdBy: 'olga', due: 2, dead: 1, lastDeliveredAt: null, problem: 'Answered 500.\u001B[2J' },
};
const DELIVERY: WebhookDelivery = {
  ...{ id: ID, event: 'run.failed', happenedAt: 1, state: 'dead', attempts: 9, nextAt: null, status: 500 },
  ...{ says: 'Answered 500.', endedAt: 2, runId: null, nodeId: null },
};

/** What it asks the controller to do, and what it prints. */
async function run(...words: string[]): Promise<{ readonly asked: unknown[]; readonly said: string }> {
  const asked: unknown[] = [];
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const answerTo = (path: string): unknown => {
    if (path.endsWith('/test')) return DELIVERY;
    if (path.endsWith('/redeliver')) return { count: 1 };
    if (path.endsWith('/deliveries')) return { deliveries: [DELIVERY], cursor: null };
    return path === '/api/webhooks' ? [BILLING] : BILLING;
  };
  const api: ApiClient = {
    ...createApiClient('http://127.0.0.1:1', 'token'),
    get: async (path, query) => (query === undefined || asked.push([path, query]), answerTo(path) as never),
    post: async (path, body) => (asked.push([path, body]), answerTo(path) as never),
    delete: async (path) => void asked.push(path),
  };
  const terminal = {
    isInteractive: false,
    out: say,
    err: say,
    ask: async () => '',
    onInterrupt: () => () => undefined,
  };
  await createProgram({ env: {}, terminal, api: () => api }).parseAsync(['webhook', ...words], { from: 'user' });
  return { asked, said: lines.join('\n') };
}

describe('hauban webhook', () => {
  it('makes one, and deletes one by its name', async () => {
    const events = ['--event', 'run.failed', 'node.offline', '--on', 'role=web'];
    expect((await run('add', 'billing', BILLING.url, ...events)).asked).toEqual([
      ['/api/webhooks', { name: 'billing', url: BILLING.url, events: ['run.failed', 'node.offline'], on: 'role=web' }],
    ]);
    expect((await run('remove', 'billing')).asked).toEqual([`/api/webhooks/${ID}`]);
    await expect(run('remove', 'other')).rejects.toThrow(CliError);
    await expect(run('add', 'x', BILLING.url, '--event', 'run.ended')).rejects.toThrow(/no event "run.ended"/);
  });

  it('lists them and their deliveries, without what a terminal would obey', async () => {
    for (const words of [['list'], ['show', 'billing']]) {
      const { said } = await run(...words);
      expect(said).toMatch(/billing.*run\.failed.*all nodes.*2 to be sent; 1 given up; Answered 500\./);
      expect(said).not.toContain('\u001B');
    }
    const { asked, said } = await run('deliveries', 'billing', '--state', 'dead');
    expect(asked).toEqual([[`/api/webhooks/${ID}/deliveries`, { limit: 200, state: 'dead' }]]);
    expect(said).toMatch(/run\.failed.*dead.*9.*Answered 500\./);
  });

  it('sends again what was given up, or one of them, and fails when a test did', async () => {
    expect((await run('redeliver', 'billing')).asked).toEqual([[`/api/webhooks/${ID}/redeliver`, {}]]);
    expect((await run('redeliver', 'billing', ID)).asked).toEqual([
      [`/api/webhooks/${ID}/redeliver`, { deliveryId: ID }],
    ]);
    await expect(run('test', 'billing')).rejects.toThrow(/billing: Answered 500\./);
  });
});
