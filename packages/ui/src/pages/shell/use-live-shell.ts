import { useCallback, useMemo, useRef, useState } from 'react';
import { ApiError, toApiError } from '../../api/api-error.ts';
import { path } from '../../api/request.ts';
import { useServices } from '../../api/services.ts';
import { browserClock, browserRandom } from '../../platform/browser-clock.ts';
import { dialBinary } from '../../terminal/dial-binary.ts';
import { createShellConnection, type ShellConnection } from '../../terminal/shell-connection.ts';
import type { ShellState } from '../../terminal/shell-state.ts';
import type { Screen } from '../../terminal/terminal-view.tsx';

/** Several lines at once run at once, unless the program takes pastes as one piece (bracketed paste). */
const isManyLines = (text: string): boolean => /[\r\n]./s.test(text.trimEnd());

/** A status that will not change by waiting. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && !error.isRetryable && error.code !== 'NETWORK';

/** One shell session wired to a screen. */
export function useLiveShell(sessionId: string) {
  const { api } = useServices();
  const [state, setState] = useState<ShellState>({ kind: 'connecting' });
  const [pendingPaste, setPendingPaste] = useState<string | null>(null);
  const screen = useRef<Screen | null>(null);
  const connection = useRef<ShellConnection | null>(null);

  const onReady = useCallback(
    (ready: Screen): (() => void) => {
      const made = createShellConnection({
        dial: (events) =>
          dialBinary(path('shells', sessionId, 'socket'), async () => (await api.socketTicket()).ticket, events),
        askFate: async () => {
          const row = await api.session(sessionId);
          const isOver = row.state === 'ended' || row.state === 'refused';
          return isOver ? { kind: 'over', detail: row.detail } : { kind: 'alive' };
        },
        mayReturn: (error) => !isFinal(error),
        detailOf: (error) => toApiError(error).detail,
        clock: browserClock,
        random: browserRandom,
        onOutput: ready.write,
        onState: (next) => {
          setState(next);
          if (next.kind === 'ended' || next.kind === 'failed') ready.setReadOnly();
        },
      });
      screen.current = ready;
      connection.current = made;
      made.start(ready.columns, ready.rows);
      return () => {
        made.leave();
        connection.current = null;
        screen.current = null;
      };
    },
    [api, sessionId],
  );

  const actions = useMemo(
    () => ({
      type: (text: string) => connection.current?.type(text),
      resize: (columns: number, rows: number) => connection.current?.resize(columns, rows),
      end: () => connection.current?.end(),
      selection: () => screen.current?.selection() ?? '',
      paste: (text: string) => {
        setPendingPaste(null);
        screen.current?.paste(text);
        screen.current?.focus();
      },
      askPaste: (text: string): boolean => {
        if (screen.current?.isPasteBracketed() !== false || !isManyLines(text)) return false;
        setPendingPaste(text);
        return true;
      },
      dropPaste: () => setPendingPaste(null),
    }),
    [],
  );
  return { state, pendingPaste, onReady, ...actions };
}

export type LiveShellModel = ReturnType<typeof useLiveShell>;
