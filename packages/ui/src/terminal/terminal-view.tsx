import { useMantineStyleNonce } from '@mantine/core';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { useEffect, useRef } from 'react';
import { formatBytes } from '../format/units.ts';
import { texts } from '../texts/index.ts';
import { allowSpanStyles, createPolicyDocument } from './policy-document.ts';
import { TERMINAL_FONT, TERMINAL_THEME } from './terminal-theme.ts';
import { isTyped, swallowQuestions } from './swallow-answers.ts';

/** The screen, as the page around it uses it. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly write: (data: Uint8Array, missed: number, shown: () => void) => void;
  readonly focus: () => void;
  readonly selection: () => string;
  /** Pastes as if from the keyboard (bracketed when the program asked for it). */
  readonly paste: (text: string) => void;
  readonly isPasteBracketed: () => boolean;
  readonly setReadOnly: () => void;
}

export interface TerminalViewProps {
  readonly onReady: (screen: Screen) => () => void;
  /** What the person typed or pasted. */
  readonly onType: (text: string) => void;
  readonly onResize: (columns: number, rows: number) => void;
  readonly onCopy: () => void;
  /** True: the paste was taken over (it will be asked about first). */
  readonly onPaste: (text: string) => boolean;
}

const SCROLLBACK_LINES = 10_000;
/** CAN ends a sequence that the gap cut in two; then plain colours. */
const AFTER_GAP = '\u0018\u001B[0m';

function createScreen(terminal: Terminal): Screen {
  return {
    get columns() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
    write: (data, missed, shown) => {
      if (missed > 0) terminal.write(`${AFTER_GAP}\r\n${texts.shell.lost(formatBytes(missed))}\r\n`);
      terminal.write(data, shown);
    },
    focus: () => terminal.focus(),
    selection: () => terminal.getSelection(),
    paste: (text) => terminal.paste(text),
    isPasteBracketed: () => terminal.modes.bracketedPasteMode,
    setReadOnly: () => {
      terminal.options.disableStdin = true;
      terminal.options.cursorBlink = false;
    },
  };
}

/** Ctrl-Shift-C copies; Ctrl-Shift-V is left to the browser, whose paste event the terminal takes. */
function isOurKey(event: KeyboardEvent, onCopy: () => void): boolean {
  if (!event.ctrlKey || !event.shiftKey) return false;
  if (event.code === 'KeyC') {
    if (event.type === 'keydown') onCopy();
    event.preventDefault();
    return true;
  }
  return event.code === 'KeyV';
}

/** xterm.js in a box that it fills. All handlers are read at the time of the event: they may change. */
export function TerminalView(props: TerminalViewProps) {
  const place = useRef<HTMLDivElement | null>(null);
  const styleNonce = useMantineStyleNonce()?.() ?? '';
  const handlers = useRef(props);
  useEffect(() => {
    handlers.current = props;
  });
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    allowSpanStyles();
    const terminal = new Terminal({
      theme: TERMINAL_THEME,
      fontFamily: TERMINAL_FONT,
      fontSize: 14,
      scrollback: SCROLLBACK_LINES,
      cursorBlink: true,
      allowProposedApi: false,
      screenReaderMode: false,
      documentOverride: createPolicyDocument(document, styleNonce),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    fit.fit();
    swallowQuestions(terminal.parser);
    terminal.onData((data) => {
      if (isTyped(data)) handlers.current.onType(data);
    });
    terminal.onResize(({ cols, rows }) => handlers.current.onResize(cols, rows));
    terminal.attachCustomKeyEventHandler((event) => !isOurKey(event, () => handlers.current.onCopy()));
    const onPaste = (event: ClipboardEvent): void => {
      if (!handlers.current.onPaste(event.clipboardData?.getData('text/plain') ?? '')) return;
      event.preventDefault();
      event.stopPropagation();
    };
    element.addEventListener('paste', onPaste, { capture: true });
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(element);
    const onGone = handlers.current.onReady(createScreen(terminal));
    terminal.focus();
    return () => {
      onGone();
      observer.disconnect();
      element.removeEventListener('paste', onPaste, { capture: true });
      terminal.dispose();
    };
  }, [styleNonce]);
  return <div ref={place} className="hb-terminal" role="group" aria-label={texts.shell.terminal} />;
}
