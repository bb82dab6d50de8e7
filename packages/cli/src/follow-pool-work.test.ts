import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PoolDetail, PoolWorkRow } from '@hauban/shared/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { createContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { followPoolWork } from './follow-pool-work.ts';

const work = (more: Partial<PoolWorkRow> = {}): PoolWorkRow => ({
  ...{ id: 'w', nodeId: 'n', kind: 'repair', requester: 'ann', says: 'Waits for the node.', done: 0, failed: [] },
  ...{ createdAt: 0, finishedAt: null, isWell: null },
  ...more,
});
const pool = { id: 'p', name: 'web', members: [{ nodeId: 'n', hostName: 'web1\u001b[2J' }] } as unknown as PoolDetail;

describe('what is done on a pool', () => {
  let answers: readonly (readonly PoolWorkRow[])[] = [];
  let asked = 0;
  const server = createServer((_request, reply) => {
    reply.setHeader('content-type', 'application/json');
    reply.end(JSON.stringify(answers[Math.min(asked, answers.length - 1)]));
    asked += 1;
  });
  let api: ApiClient;
  let lines: string[] = [];
  let listeners: (() => void)[] = [];
  const terminal = {
    isInteractive: true,
    out: (text: string) => void lines.push(text),
    err: (text: string) => void lines.push(text),
    ask: () => Promise.reject(new Error('nobody to ask')),
    onInterrupt: (listener: () => void) => {
      listeners.push(listener);
      return () => void (listeners = listeners.filter((each) => each !== listener));
    },
  };

  beforeEach(async () => {
    [asked, lines, listeners] = [0, [], []];
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    api = createApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is followed to its end, and told as it goes on, safe for the terminal', async () => {
    const end = work({ says: 'As wished: 1 wish put right.', finishedAt: 1, isWell: true });
    answers = [[work()], [work({ says: 'Compares.\u0007' })], [end]];
    expect(await followPoolWork(createContext({}, terminal), api, pool, [work()])).toEqual([end]);
    expect(lines).toEqual(['web1\ufffd[2J: Compares.\ufffd', 'web1\ufffd[2J: As wished: 1 wish put right.']);
    expect(listeners).toEqual([]);
  });

  it('is not waited for when the controller lists it no more', async () => {
    answers = [[]];
    expect(await followPoolWork(createContext({}, terminal), api, pool, [work()])).toEqual([]);
  });

  it('goes on when Ctrl-C leaves it, and it is said how to see it', async () => {
    answers = [[work()]];
    const following = followPoolWork(createContext({}, terminal), api, pool, [work()]);
    for (const leave of listeners) leave();
    await expect(following).rejects.toMatchObject({
      exitCode: EXIT.detached,
      message: expect.stringContaining('hauban pool show web') as string,
    });
    expect(listeners).toEqual([]);
  });
});
