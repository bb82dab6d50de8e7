import { fullJitterMs, type Clock, type Random, type Timer } from '@hauban/shared/time';
import { createListeners } from './listeners.ts';

/**
 * Keeps one text WebSocket up: dials when wanted, comes back with full jitter, stops when told.
 *
 *   idle --want--> connecting --> open --lost--> waiting --> connecting ...
 *   connecting --refused for good--> idle                       stop: from any state to stopped
 */
export type LiveState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'waiting'; readonly untilMs: number }
  | { readonly kind: 'stopped' };

/** The part of a WebSocket that is used. */
export interface TextSocket {
  readonly send: (text: string) => void;
  readonly close: () => void;
}

export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onClose: () => void;
}

export interface LiveLinkParts {
  /** Gets a ticket, then dials. Rejects when no ticket is given. */
  readonly dial: (events: SocketEvents) => Promise<TextSocket>;
  /** False: the refusal is final (signed out). */
  readonly mayReturn: (error: unknown) => boolean;
  readonly clock: Clock;
  readonly random: Random;
}

export interface LiveLink {
  readonly state: () => LiveState;
  readonly onState: (listener: () => void) => () => void;
  readonly want: () => void;
  /** Sends when open; else nothing: subscriptions are sent again at each opening. */
  readonly send: (text: string) => void;
  readonly stop: () => void;
}

const BASE_MS = 500;
const CAP_MS = 20_000;

export function createLiveLink(parts: LiveLinkParts, events: Pick<SocketEvents, 'onOpen' | 'onText'>): LiveLink {
  const states = createListeners<void>();
  let state: LiveState = { kind: 'idle' };
  let socket: TextSocket | null = null;
  let timer: Timer | null = null;
  let failures = 0;
  /** Events of a socket that was given up carry an older number and are dropped. */
  let epoch = 0;

  const become = (next: LiveState): void => {
    state = next;
    states.call();
  };
  const wait = (): void => {
    socket = null;
    const delayMs = fullJitterMs(failures, parts.random.unit(), BASE_MS, CAP_MS);
    failures += 1;
    become({ kind: 'waiting', untilMs: parts.clock.nowMs() + delayMs });
    timer = parts.clock.after(delayMs, () => void dial());
  };
  const dial = async (): Promise<void> => {
    epoch += 1;
    const mine = epoch;
    become({ kind: 'connecting' });
    const ours =
      <A extends unknown[]>(handle: (...args: A) => void) =>
      (...args: A): void => {
        if (mine === epoch) handle(...args);
      };
    try {
      const dialled = await parts.dial({
        onOpen: ours(() => {
          failures = 0;
          become({ kind: 'open' });
          events.onOpen();
        }),
        onText: ours(events.onText),
        onClose: ours(wait),
      });
      if (mine === epoch) socket = dialled;
      else dialled.close();
    } catch (error) {
      if (mine !== epoch) return;
      if (parts.mayReturn(error)) wait();
      else become({ kind: 'idle' });
    }
  };
  return {
    state: () => state,
    onState: (listener) => states.add(listener),
    want: () => {
      if (state.kind === 'idle') void dial();
    },
    send: (text) => {
      if (state.kind === 'open') socket?.send(text);
    },
    stop: () => {
      epoch += 1;
      timer?.cancel();
      socket?.close();
      socket = null;
      become({ kind: 'stopped' });
    },
  };
}
