import type { LiveEvent, LiveRequest } from '@hauban/shared/api';
import { WebSocket } from 'ws';
import type { RestClient } from './first-account.ts';
import { waitFor } from './wait-for.ts';

type Samples = Extract<LiveEvent, { t: 'node-samples' }>;

/** The page's live connection, watching one node. */
export interface LiveWatcher {
  samples(): readonly Samples[];
  waitForSamples(count: number, timeoutMs?: number): Promise<readonly Samples[]>;
  close(): void;
}

/** Watches series of a node (a trailing * takes a prefix), which raises it to one frame a second. */
export async function watchNode(client: RestClient, nodeId: string, series: readonly string[]): Promise<LiveWatcher> {
  const socket = new WebSocket(`${client.url.replace(/^http/, 'ws')}/api/live`, {
    headers: { authorization: `Bearer ${client.token}` },
  });
  const samples: Samples[] = [];
  const faults: string[] = [];
  socket.on('message', (data: Buffer) => {
    const event = JSON.parse(data.toString('utf8')) as LiveEvent;
    if (event.t === 'node-samples') samples.push(event);
    if (event.t === 'error') faults.push(`${event.code}: ${event.detail}`);
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(JSON.stringify({ t: 'watch-node', nodeId, series: [...series] } satisfies LiveRequest));
  return {
    samples: () => samples,
    waitForSamples: async (count, timeoutMs = 30_000) => {
      await waitFor(`${count} live frames`, () => samples.length >= count || faults.length > 0, { timeoutMs });
      if (faults.length > 0) throw new Error(faults.join('; '));
      return samples;
    },
    close: () => socket.terminate(),
  };
}
