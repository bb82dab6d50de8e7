import type { LiveEvent } from '@hauban/shared/api';
import { createListeners } from './listeners.ts';
import { createLiveLink, type LiveLinkParts, type LiveState } from './live-link.ts';
import { createTopics, type Subject } from './live-topics.ts';

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
  const events = createListeners<LiveEvent>();
  const reopened = createListeners<void>();
  let hasOpened = false;

  const link = createLiveLink(parts, {
    onOpen: () => {
      for (const request of topics.requests()) link.send(JSON.stringify(request));
      if (hasOpened) reopened.call();
      hasOpened = true;
    },
    onText: (text) => {
      const event = parseLiveEvent(text);
      if (event !== null) events.call(event);
    },
  });
  const topics = createTopics((request) => link.send(JSON.stringify(request)));
  const renewal = parts.clock.every(RENEW_MS, () => {
    if (!parts.isVisible()) return;
    for (const request of topics.renewals()) link.send(JSON.stringify(request));
  });
  const watch = (subject: Subject, listener: (event: LiveEvent) => void): (() => void) => {
    const removeListener = events.add(listener);
    const removeTopic = topics.add(subject);
    link.want();
    return () => {
      removeListener();
      removeTopic();
    };
  };

  return {
    state: link.state,
    onState: (listener) => link.onState(listener),
    onReopened: (listener) => reopened.add(listener),
    watchFleet: (listener) =>
      watch({ kind: 'fleet' }, (event) => {
        if (event.t === 'node' || event.t === 'node-removed') listener(event);
      }),
    watchNode: (nodeId, series, listener) =>
      watch({ kind: 'node', nodeId, series }, (event) => {
        if (event.t === 'node-samples' && event.nodeId === nodeId) listener(event);
      }),
    watchRun: (runId, listener) =>
      watch({ kind: 'run', runId }, (event) => {
        const isRun = event.t === 'run' && event.run.id === runId;
        if (isRun || (event.t === 'run-target' && event.runId === runId)) listener(event);
      }),
    stop: () => {
      renewal.cancel();
      link.stop();
    },
  };
}
