import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodePage, RunDetail } from '@hauban/shared/api';
import { WebSocket, WebSocketServer } from 'ws';
import { makeFirstAccount } from '../support/first-account.ts';
import { freePort, startStandaloneStack } from '../support/standalone-stack.ts';
import type { BenchRow } from './bench-row.ts';
import { createLeanClient } from './lean-client.ts';

const WARM_UP = 30;
const ROUNDS = 300;

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;

async function measure(rounds: number, once: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds + WARM_UP; round += 1) {
    const startedMs = performance.now();
    await once();
    if (round >= WARM_UP) times.push(performance.now() - startedMs);
  }
  return times.sort((a, b) => a - b);
}

/** The floor: one message there and back over a bare `ws`, same process, loopback. */
async function bareEcho(): Promise<number[]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const socket = new WebSocket(`ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, {
    perMessageDeflate: false,
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const payload = Buffer.alloc(600, 1);
  const times = await measure(
    ROUNDS,
    () =>
      new Promise((resolve) => {
        socket.once('message', () => resolve());
        socket.send(payload);
      }),
  );
  socket.terminate();
  server.close();
  return times;
}

type LeanClient = ReturnType<typeof createLeanClient>;

async function orderOnce(client: LeanClient, nodeId: string): Promise<void> {
  const request = { action: 'node.ping', args: {}, nodes: [nodeId], mode: 'apply' };
  const run = await client.call<RunDetail>('POST', '/api/runs?waitMs=20000', request);
  const state = run.targets[0]?.state;
  if (state !== 'succeeded' && state !== 'unchanged')
    throw new Error(`the no-op order ended ${String(state)}: ${run.targets[0]?.detail ?? ''}`);
}

/** A signed, journalled no-op order, from the API to its receipt (one request that waits), against a bare `ws` echo. */
export async function runOrderBench(): Promise<BenchRow[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hauban-bench-'));
  chmodSync(dataDir, 0o755);
  const stack = await startStandaloneStack(process.cwd(), dataDir, await freePort());
  try {
    const client = createLeanClient(await makeFirstAccount(stack));
    const page = await client.call<NodePage>('GET', '/api/nodes');
    const nodeId = page.nodes[0]?.id ?? '';
    const floor = await bareEcho();
    const orders = await measure(ROUNDS, () => orderOnce(client, nodeId));
    const health = await measure(ROUNDS, async () => void (await client.call('GET', '/api/me')));
    const row = (name: string, part: number, target?: string): BenchRow => ({
      name,
      value: quantile(orders, part),
      unit: 'ms',
      floor: quantile(floor, part),
      ratio: quantile(orders, part) / quantile(floor, part),
      ...(target === undefined ? {} : { target }),
      note: `of it, one bare GET of the same server: ${quantile(health, part).toFixed(2)} ms`,
    });
    return [row('no-op order, API to receipt, p50', 0.5), row('no-op order, API to receipt, p99', 0.99, '<= 13 ms')];
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
