import type { LiveEvent } from '@hauban/shared/api';
import type { Clock, Timer } from '@hauban/shared/time';
import type { LiveSources, RunEvent } from './live-sources.ts';

/** What the viewer needs of its socket. */
export interface ViewerSocket {
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** Sends at once, or gathers changes and sends their newest state. */
export interface ViewerOutbox {
  readonly isSlow: boolean;
  send(event: LiveEvent): void;
  nodeChanged(nodeId: string): void;
  runChanged(key: string, event: RunEvent): void;
  end(): void;
}

/** Changes are gathered this long: a page needs no more than five a second. */
const GATHER_MS = 200;
/** A page that reads slowly gets no samples beyond this, and is let go beyond the second. */
const SLOW_BYTES = 1024 * 1024;
const TOO_SLOW_BYTES = 8 * 1024 * 1024;

export function createViewerOutbox(socket: ViewerSocket, sources: LiveSources, clock: Clock): ViewerOutbox {
  const nodes = new Set<string>();
  const runs = new Map<string, RunEvent>();
  let timer: Timer | null = null;
  let isOver = false;

  const send = (event: LiveEvent): void => {
    if (isOver) return;
    if (socket.bufferedAmount > TOO_SLOW_BYTES) socket.close(1013, 'this page reads too slowly');
    else socket.send(JSON.stringify(event));
  };
  const sendNode = async (nodeId: string): Promise<void> => {
    const node = await sources.nodeRow(nodeId);
    send(node === null ? { t: 'node-removed', nodeId } : { t: 'node', node });
  };
  const unreadable = (): void =>
    send({ t: 'error', code: 'UNAVAILABLE', detail: 'The state of a node could not be read.' });
  const gather = (): void => {
    if (!isOver) timer ??= clock.after(GATHER_MS, flush);
  };
  const flush = (): void => {
    timer = null;
    // Still busy with what was sent before: wait, the newest state counts.
    if (socket.bufferedAmount > SLOW_BYTES) {
      gather();
      return;
    }
    for (const nodeId of nodes) sendNode(nodeId).catch(unreadable);
    nodes.clear();
    for (const event of runs.values())
      send(
        event.kind === 'run'
          ? { t: 'run', run: event.run }
          : { t: 'run-target', runId: event.runId, target: event.target },
      );
    runs.clear();
  };

  return {
    get isSlow() {
      return socket.bufferedAmount > SLOW_BYTES;
    },
    send,
    nodeChanged: (nodeId) => {
      nodes.add(nodeId);
      gather();
    },
    runChanged: (key, event) => {
      runs.set(key, event);
      gather();
    },
    end: () => {
      isOver = true;
      timer?.cancel();
    },
  };
}
