import type { LiveEvent, LiveRequest } from '@hauban/shared/api';
import { createListeners } from './listeners.ts';
import { createLiveLink, type LiveLinkParts, type LiveState } from './live-link.ts';

/**
 * What the page watches over /api/live. Subscriptions are kept here and sent again at each opening of the link.
 * `watch-node` is repeated every 25 s (the server lets it lapse after 60 s), but only while the page is visible: a
 * forgotten tab does not keep a node at one frame a second.
 */
type EventOf<T extends LiveEvent['t']> = Extract<LiveEvent, { t: T }>;
export type FleetEvent = EventOf<'node'> | EventOf<'node-removed'>;
export type SamplesEvent = EventOf<'node-samples'>;
export type RunEvent = EventOf<'run'> | EventOf<'run-target'>;

export interface LiveParts extends LiveLinkParts {
  readonly isVisible: () => boolean;
}

/** Each `watch` returns the function that ends it. */
export interface LiveConnection {
  readonly state: () => LiveState;
  readonly onState: (listener: () => void) => () => void;
  /** The link is open again after a gap: whoever shows a list reads it anew. */
  readonly onReopened: (listener: () => void) => () => void;
  readonly watchFleet: (listener: (event: FleetEvent) => void) => () => void;
  readonly watchNode: (
    nodeId: string,
    series: readonly string[],
    listener: (event: SamplesEvent) => void,
  ) => () => void;
  readonly watchRun: (runId: string, listener: (event: RunEvent) => void) => () => void;
  readonly stop: () => void;
}

const RENEW_MS = 25_000;
const MAX_SERIES = 200;

interface Topic {
  readonly request: () => LiveRequest;
  readonly end: LiveRequest | null;
  readonly mustRenew: boolean;
  watchers: number;
}

/** Text of a live message as an event; null when it is none. */
export function parseLiveEvent(text: string): LiveEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const isEvent = typeof value === 'object' && value !== null && typeof (value as { t?: unknown }).t === 'string';
  return isEvent ? (value as LiveEvent) : null;
}

export function createLiveConnection(parts: LiveParts): LiveConnection {
  const topics = new Map<string, Topic>();
  const events = createListeners<LiveEvent>();
  const reopened = createListeners<void>();
  const seriesOf = new Map<string, (readonly string[])[]>();
  let hasOpened = false;

  const link = createLiveLink(parts, {
    onOpen: () => {
      for (const topic of topics.values()) link.send(JSON.stringify(topic.request()));
      if (hasOpened) reopened.call();
      hasOpened = true;
    },
    onText: (text) => {
      const event = parseLiveEvent(text);
      if (event !== null) events.call(event);
    },
  });
  const renewal = parts.clock.every(RENEW_MS, () => {
    if (!parts.isVisible()) return;
    for (const topic of topics.values()) if (topic.mustRenew) link.send(JSON.stringify(topic.request()));
  });

  /** Counts watchers of a topic; sends its request again when one is added, its end when the last has gone. */
  const watch = (key: string, make: () => Topic, listener: (event: LiveEvent) => void): (() => void) => {
    const topic = topics.get(key) ?? make();
    topics.set(key, topic);
    topic.watchers += 1;
    const removeListener = events.add(listener);
    link.want();
    link.send(JSON.stringify(topic.request()));
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      removeListener();
      topic.watchers -= 1;
      if (topic.watchers > 0) return;
      topics.delete(key);
      if (topic.end !== null) link.send(JSON.stringify(topic.end));
    };
  };

  return {
    state: link.state,
    onState: link.onState,
    onReopened: (listener) => reopened.add(listener),
    watchFleet: (listener) =>
      watch(
        'fleet',
        () => ({ request: () => ({ t: 'watch-fleet' }), end: null, mustRenew: false, watchers: 0 }),
        (event) => {
          if (event.t === 'node' || event.t === 'node-removed') listener(event);
        },
      ),
    watchNode: (nodeId, series, listener) => {
      const wanted = [...series];
      seriesOf.set(nodeId, [...(seriesOf.get(nodeId) ?? []), wanted]);
      const end = watch(
        `node ${nodeId}`,
        () => ({
          request: () => ({
            t: 'watch-node',
            nodeId,
            series: [...new Set((seriesOf.get(nodeId) ?? []).flat())].slice(0, MAX_SERIES),
          }),
          end: { t: 'unwatch-node', nodeId },
          mustRenew: true,
          watchers: 0,
        }),
        (event) => {
          if (event.t === 'node-samples' && event.nodeId === nodeId) listener(event);
        },
      );
      return () => {
        seriesOf.set(nodeId, (seriesOf.get(nodeId) ?? []).filter((list) => list !== wanted));
        end();
      };
    },
    watchRun: (runId, listener) =>
      watch(
        `run ${runId}`,
        () => ({ request: () => ({ t: 'watch-run', runId }), end: { t: 'unwatch-run', runId }, mustRenew: false, watchers: 0 }),
        (event) => {
          const isOurs = (event.t === 'run' && event.run.id === runId) || (event.t === 'run-target' && event.runId === runId);
          if (isOurs) listener(event);
        },
      ),
    stop: () => {
      renewal.cancel();
      link.stop();
    },
  };
}
