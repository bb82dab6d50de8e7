/**
 * News for open pages: the WebSocket `/api/live`. Knows sockets and what a page may watch; asks the features through
 * `LiveSources` and never the database.
 */
import type { Clock } from '@hauban/shared/time';
import { WebSocketServer, type RawData } from 'ws';
import type { UpgradeRoute } from '../http/index.ts';
import type { LiveSources } from './live-sources.ts';
import { createLiveViewer, type LiveViewer } from './live-viewer.ts';
import { createNodeWatchers } from './node-watchers.ts';

export type { LiveSources, LiveTickOfNode, RunEvent } from './live-sources.ts';

export interface LiveHub {
  readonly route: UpgradeRoute;
  /** Number of open pages. */
  readonly viewers: number;
  stop(): void;
}

const MESSAGE_LIMIT_BYTES = 64 * 1024;
const PING_MS = 20_000;

export function createLiveHub(sources: LiveSources, clock: Clock): LiveHub {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_LIMIT_BYTES });
  const watchers = createNodeWatchers(clock, (nodeId, periodMs) => sources.watchNode(nodeId, periodMs));
  const viewers = new Set<LiveViewer>();
  const ends = [
    sources.onNode((nodeId) => viewers.forEach((viewer) => viewer.nodeChanged(nodeId))),
    sources.onTick((tick) => viewers.forEach((viewer) => viewer.tick(tick))),
    sources.onRun((event) => viewers.forEach((viewer) => viewer.run(event))),
  ];

  const route: UpgradeRoute = {
    path: '/api/live',
    access: 'signed-in',
    needs: { right: 'read', on: 'list' },
    accept: ({ request, socket, head }, caller, onClosed) => {
      let close: (code: number, reason: string) => void = () => socket.destroy();
      server.handleUpgrade(request, socket, head, (opened) => {
        close = (code, reason) => opened.close(code, reason);
        const viewer = createLiveViewer(opened, sources, { watchers, clock, readable: sources.readableBy(caller) });
        viewers.add(viewer);
        let isAnswering = true;
        // A page that is gone without a word (a closed laptop) is noticed by the missing pong.
        const pings = clock.every(PING_MS, () => {
          if (!isAnswering) return opened.terminate();
          isAnswering = false;
          return opened.ping();
        });
        opened.on('pong', () => (isAnswering = true));
        opened.on('message', (data: RawData, isBinary) => {
          if (isBinary) opened.close(1003, 'text messages only');
          else viewer.message((data as Buffer).toString('utf8'));
        });
        opened.on('error', () => opened.terminate());
        opened.on('close', () => {
          pings.cancel();
          viewers.delete(viewer);
          viewer.end();
          onClosed();
        });
      });
      return { close: (code, reason) => close(code, reason) };
    },
  };
  return {
    route,
    get viewers() {
      return viewers.size;
    },
    stop: () => {
      for (const end of ends) end();
      watchers.stop();
      server.close();
    },
  };
}
