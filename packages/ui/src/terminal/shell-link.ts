import { fullJitterMs, type Clock, type Random, type Timer } from '@hauban/shared/time';
import type { ShellState } from './shell-state.ts';

/** The part of a WebSocket that is used. */
export interface BinarySocket {
  readonly send: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly close: () => void;
}

export interface BinarySocketEvents {
  readonly onOpen: () => void;
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onClose: () => void;
}

/** What the controller's record says of the session, asked after a loss. */
export type SessionFate = { readonly kind: 'alive' } | { readonly kind: 'over'; readonly detail: string };

export interface ShellLinkParts {
  /** Gets a ticket, then dials. Rejects when no ticket is given. */
  readonly dial: (events: BinarySocketEvents) => Promise<BinarySocket>;
  readonly askFate: () => Promise<SessionFate>;
  /** False: the error is final (no such session, not ours, signed out). */
  readonly mayReturn: (error: unknown) => boolean;
  readonly detailOf: (error: unknown) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onState: (state: ShellState) => void;
}

/** Keeps one socket to a shell; asks after a loss whether there is still a shell to come back to. */
export interface ShellLink {
  readonly start: () => void;
  /** Sends when open; else nothing. */
  readonly send: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** The session is over: tells so and does not come back. */
  readonly finish: (state: ShellState) => void;
  readonly leave: () => void;
  /** Grows with each dial: what belongs to an older socket is told apart by it. */
  readonly epoch: () => number;
}

const BASE_MS = 300;
const CAP_MS = 5000;
/** Longer than any grace time that a node's policy is likely to give; then there is nothing to come back to. */
const GIVE_UP_MS = 15 * 60_000;

/** Where a lost session ends, or null: it goes on. A question that fails for now counts as "goes on". */
async function endAfterLoss(parts: ShellLinkParts, error: unknown, lostAtMs: number): Promise<ShellState | null> {
  if (error !== null && !parts.mayReturn(error)) return { kind: 'failed', detail: parts.detailOf(error) };
  try {
    const fate = await parts.askFate();
    if (fate.kind === 'over') return { kind: 'ended', exit: null, detail: fate.detail };
  } catch (problem) {
    if (!parts.mayReturn(problem)) return { kind: 'failed', detail: parts.detailOf(problem) };
  }
  const isTooLong = parts.clock.monotonicMs() - lostAtMs > GIVE_UP_MS;
  return isTooLong ? { kind: 'failed', detail: parts.detailOf(error) } : null;
}

export function createShellLink(
  parts: ShellLinkParts,
  events: Pick<BinarySocketEvents, 'onOpen' | 'onBytes'>,
): ShellLink {
  let socket: BinarySocket | null = null;
  let isOpen = false;
  let isOver = false;
  let failures = 0;
  let lostAtMs: number | null = null;
  let retry: Timer | null = null;
  let epoch = 0;

  const leave = (): void => {
    isOver = true;
    isOpen = false;
    retry?.cancel();
    socket?.close();
  };
  const finish = (state: ShellState): void => {
    leave();
    parts.onState(state);
  };

  /** @param error why there was no socket; null when there was one and it closed */
  const comeBack = async (error: unknown): Promise<void> => {
    socket = null;
    isOpen = false;
    lostAtMs ??= parts.clock.monotonicMs();
    const mine = epoch;
    const end = await endAfterLoss(parts, error, lostAtMs);
    if (mine !== epoch || isOver) return;
    if (end !== null) {
      finish(end);
      return;
    }
    parts.onState({ kind: 'reconnecting' });
    retry = parts.clock.after(fullJitterMs(failures, parts.random.unit(), BASE_MS, CAP_MS), () => void dial());
    failures += 1;
  };

  const opened = (): void => {
    isOpen = true;
    failures = 0;
    lostAtMs = null;
    parts.onState({ kind: 'open' });
    events.onOpen();
  };

  const dial = async (): Promise<void> => {
    epoch += 1;
    const mine = epoch;
    const isOurs = (): boolean => mine === epoch && !isOver;
    try {
      const dialled = await parts.dial({
        onOpen: () => {
          if (isOurs()) opened();
        },
        onBytes: (bytes) => {
          if (isOurs()) events.onBytes(bytes);
        },
        onClose: () => {
          if (isOurs()) void comeBack(null);
        },
      });
      if (isOurs()) socket = dialled;
      else dialled.close();
    } catch (error) {
      if (isOurs()) await comeBack(error);
    }
  };

  return {
    start: () => {
      parts.onState({ kind: 'connecting' });
      void dial();
    },
    send: (bytes) => {
      if (isOpen) socket?.send(bytes);
    },
    finish,
    leave,
    epoch: () => epoch,
  };
}
