import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { visibleLine } from '../../format/visible-text.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import { Mark, type Tone } from '../../parts/mark.tsx';
import { paths } from '../../paths.ts';
import type { ShellState } from '../../terminal/shell-state.ts';
import { TerminalView } from '../../terminal/terminal-view.tsx';
import { texts } from '../../texts/index.ts';
import { endText } from './end-text.ts';
import { KeyBar } from './key-bar.tsx';
import { useLiveShell, type LiveShellModel } from './use-live-shell.ts';

const t = texts.shell;
const TONES: Record<ShellState['kind'], Tone> = {
  connecting: 'busy',
  open: 'ok',
  reconnecting: 'warn',
  ended: 'idle',
  failed: 'bad',
};

function ShellNotice({
  state,
  nodeId,
  sessionId,
}: {
  readonly state: ShellState;
  readonly nodeId: string;
  readonly sessionId: string;
}) {
  if (state.kind === 'connecting' || state.kind === 'open') return null;
  const text =
    state.kind === 'reconnecting'
      ? t.reconnecting
      : state.kind === 'failed'
        ? t.failed(visibleLine(state.detail))
        : endText(state);
  return (
    <div className="hb-shell-notice" role="status" data-tone={TONES[state.kind]}>
      <span className="hb-grow">{text}</span>
      {state.kind === 'reconnecting' ? null : (
        <span className="hb-row">
          <Button component={Link} to={paths.recording(sessionId)} size="compact-sm" variant="default">
            {t.play}
          </Button>
          <Button component={Link} to={paths.shell(nodeId)} size="compact-sm">
            {t.again}
          </Button>
        </span>
      )}
    </div>
  );
}

async function copyText(text: string): Promise<void> {
  if (text === '') {
    notifications.show({ message: t.nothingSelected });
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
    notifications.show({ message: texts.words.copied, autoClose: 1500 });
  } catch (error) {
    if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    notifications.show({ message: texts.words.copyFailed });
  }
}

async function readClipboard(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch (error) {
    if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    notifications.show({ message: t.pasteRefused });
    return null;
  }
}

interface ShellBarProps {
  readonly nodeId: string;
  readonly host: string;
  readonly state: ShellState;
  readonly onCopy: () => void;
  readonly onPaste: () => void;
  readonly onEnd: () => void;
}

function ShellBar({ nodeId, host, state, onCopy, onPaste, onEnd }: ShellBarProps) {
  return (
    <div className="hb-shell-bar">
      <Link to={paths.node(nodeId)} className="hb-shell-host hb-foreign">
        {host}
      </Link>
      <Mark tone={TONES[state.kind]} word={t.states[state.kind]} />
      <span className="hb-recorded" title={t.recordedNotice}>
        <svg width="10" height="10" aria-hidden>
          <circle cx="5" cy="5" r="4" fill="currentColor" />
        </svg>
        {t.recorded}
      </span>
      <span className="hb-quiet hb-small hb-shell-help">{t.help}</span>
      <span className="hb-row hb-shell-buttons">
        <button type="button" onClick={onCopy}>
          {t.copy}
        </button>
        <button type="button" onClick={onPaste}>
          {t.paste}
        </button>
        {state.kind === 'open' ? (
          <button type="button" onClick={onEnd}>
            {t.end}
          </button>
        ) : null}
      </span>
    </div>
  );
}

/** The two questions that a shell asks: before it is ended, and before several lines are pasted. */
function ShellDialogs({
  shell,
  isEnding,
  onClose,
}: {
  readonly shell: LiveShellModel;
  readonly isEnding: boolean;
  readonly onClose: () => void;
}) {
  const pasted = shell.pendingPaste ?? '';
  return (
    <>
      <ConfirmDialog
        isOpen={isEnding}
        title={t.endTitle}
        verb={t.end}
        isDanger
        onConfirm={() => {
          onClose();
          shell.end();
        }}
        onClose={onClose}
      >
        <p>{t.endText}</p>
      </ConfirmDialog>
      <ConfirmDialog
        isOpen={shell.pendingPaste !== null}
        title={t.bigPaste(pasted.split('\n').length)}
        verb={t.pasteIt}
        onConfirm={() => shell.paste(pasted)}
        onClose={shell.dropPaste}
      >
        <pre className="hb-block hb-paste-preview">{pasted}</pre>
      </ConfirmDialog>
    </>
  );
}

export interface LiveShellProps {
  readonly nodeId: string;
  readonly host: string;
  readonly sessionId: string;
}

export default function LiveShell({ nodeId, host, sessionId }: LiveShellProps) {
  const shell = useLiveShell(sessionId);
  const [isEnding, setIsEnding] = useState(false);
  useEffect(() => {
    document.title = texts.app.title(t.title(host));
  }, [host]);
  const copy = (): void => void copyText(shell.selection());
  const paste = async (): Promise<void> => {
    const text = await readClipboard();
    if (text !== null && !shell.askPaste(text)) shell.paste(text);
  };
  return (
    <div className="hb-shell">
      <ShellBar
        nodeId={nodeId}
        host={host}
        state={shell.state}
        onCopy={copy}
        onPaste={() => void paste()}
        onEnd={() => setIsEnding(true)}
      />
      <ShellNotice state={shell.state} nodeId={nodeId} sessionId={sessionId} />
      <TerminalView
        onReady={shell.onReady}
        onType={shell.type}
        onResize={shell.resize}
        onCopy={copy}
        onPaste={shell.askPaste}
      />
      <KeyBar onKey={shell.type} />
      <ShellDialogs shell={shell} isEnding={isEnding} onClose={() => setIsEnding(false)} />
    </div>
  );
}
