import { LiveRequest } from '@hauban/shared/api';
import type { Clock } from '@hauban/shared/time';
import { Compile } from 'typebox/compile';
import type { Readable } from '../http/index.ts';
import type { LiveSources, LiveTickOfNode, RunEvent } from './live-sources.ts';
import type { NodeWatchers } from './node-watchers.ts';
import { createTopicGate } from './topic-gate.ts';
import { createViewerOutbox, type ViewerSocket } from './viewer-outbox.ts';

export interface LiveViewer {
  /** One text message of the page. */
  message(text: string): void;
  nodeChanged(nodeId: string): void;
  tick(tick: LiveTickOfNode): void;
  run(event: RunEvent): void;
  end(): void;
}

const checkRequest = Compile(LiveRequest);
const MOST_TOPICS = 100;

interface NodeTopic {
  readonly wanted: readonly string[];
  /** Names and their places in the node's list, made anew when that list changes. */
  names: readonly string[];
  places: readonly number[];
  of: readonly string[] | null;
}

/** Expands wanted names and `prefix*` against the list of a node. */
export function selectSeries(wanted: readonly string[], names: readonly string[]): number[] {
  const exact = new Set(wanted.filter((name) => !name.endsWith('*')));
  const prefixes = wanted.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return names.flatMap((name, place) =>
    exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)) ? [place] : [],
  );
}

/** The request in a message, or null when it is none. */
function parseRequest(text: string): LiveRequest | null {
  try {
    const value: unknown = JSON.parse(text);
    return checkRequest.Check(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** One open page. Everything it holds is bounded by what there is to see, never by how slowly it reads. */
export function createLiveViewer(
  socket: ViewerSocket,
  sources: LiveSources,
  parts: {
    readonly watchers: NodeWatchers;
    readonly clock: Clock;
    /** Of these nodes, those that this person may see; null: all. */
    readonly readable: Readable | null;
  },
): LiveViewer {
  const { watchers } = parts;
  const outbox = createViewerOutbox(socket, sources, parts.clock);
  let seesFleet = false;
  const nodes = new Map<string, NodeTopic>();
  const runs = new Set<string>();
  const self: object = {};

  const take = (request: LiveRequest): void => {
    switch (request.t) {
      case 'watch-fleet':
        seesFleet = true;
        return;
      case 'watch-node':
        nodes.set(request.nodeId, { wanted: request.series, names: [], places: [], of: null });
        watchers.watch(request.nodeId, self);
        return;
      case 'unwatch-node':
        nodes.delete(request.nodeId);
        watchers.unwatch(request.nodeId, self);
        return;
      case 'watch-run':
        runs.add(request.runId);
        return;
      case 'unwatch-run':
        runs.delete(request.runId);
    }
  };

  const gate = createTopicGate(sources, parts.readable, (code, detail) => outbox.send({ t: 'error', code, detail }));

  return {
    message: (text) => {
      const request = parseRequest(text);
      if (request === null)
        outbox.send({ t: 'error', code: 'BAD_REQUEST', detail: 'That is no message of the live channel.' });
      else if (
        nodes.size + runs.size + gate.size >= MOST_TOPICS &&
        request.t.startsWith('watch-') &&
        !isRepeat(request, nodes)
      )
        outbox.send({ t: 'error', code: 'RATE_LIMITED', detail: `A page may watch ${MOST_TOPICS} things at once.` });
      else gate.begin(request, () => take(request));
    },
    nodeChanged: (nodeId) => {
      if (!seesFleet && !nodes.has(nodeId)) return;
      gate.changed(nodeId, (isReadable) => {
        if (isReadable) return outbox.nodeChanged(nodeId);
        // Its labels have moved it out of reach.
        if (!nodes.delete(nodeId)) return undefined;
        watchers.unwatch(nodeId, self);
        return outbox.send({ t: 'node-removed', nodeId });
      });
    },
    tick: (tick) => {
      const topic = nodes.get(tick.nodeId);
      if (topic === undefined || outbox.isSlow) return;
      if (topic.of !== tick.names) {
        topic.of = tick.names;
        topic.places = selectSeries(topic.wanted, tick.names);
        topic.names = topic.places.map((place) => tick.names[place] ?? '');
      }
      const values = topic.places.map((place) => tick.values[place] ?? null);
      outbox.send({ t: 'node-samples', nodeId: tick.nodeId, at: tick.at, names: [...topic.names], values });
    },
    run: (event) => {
      const runId = event.kind === 'run' ? event.run.id : event.runId;
      if (runs.has(runId)) outbox.runChanged(event.kind === 'run' ? runId : `${runId} ${event.target.orderId}`, event);
    },
    end: () => {
      gate.end();
      outbox.end();
      watchers.forget(self);
    },
  };
}

/** Watching the same node again keeps the interest alive and takes no place. */
const isRepeat = (request: LiveRequest, nodes: ReadonlyMap<string, unknown>): boolean =>
  request.t === 'watch-node' && nodes.has(request.nodeId);
