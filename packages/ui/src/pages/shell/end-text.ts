import { visibleLine } from '../../format/visible-text.ts';
import type { ShellState } from '../../terminal/shell-state.ts';
import { texts } from '../../texts/index.ts';

const t = texts.shell;

/** How it ended, as a sentence. */
export function endText(state: Extract<ShellState, { kind: 'ended' }>): string {
  const { exit, detail } = state;
  if (exit === null) return detail === '' ? t.ended : t.endedReason(visibleLine(detail));
  if (exit.ending !== 'exited') return t.endedReason(visibleLine(exit.detail));
  if (exit.signal !== null) return t.endedSignal(String(exit.signal));
  return exit.status === null ? t.ended : t.endedCode(exit.status);
}
