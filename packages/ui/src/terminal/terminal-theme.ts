import type { ITheme } from '@xterm/xterm';

/** The terminal is dark in both schemes: programs choose colours for a dark ground. */
export const TERMINAL_THEME: ITheme = {
  background: '#0e161d',
  foreground: '#dfe6ec',
  cursor: '#e39a66',
  cursorAccent: '#0e161d',
  selectionBackground: '#31506b',
  black: '#1b2630',
  red: '#f0857a',
  green: '#72c995',
  yellow: '#e0b45c',
  blue: '#7fb8e6',
  magenta: '#c795db',
  cyan: '#66c7b0',
  white: '#cfd8df',
  brightBlack: '#71818f',
  brightRed: '#ff9d92',
  brightGreen: '#8ee0ae',
  brightYellow: '#f2cb7b',
  brightBlue: '#a3cff2',
  brightMagenta: '#dcb3ec',
  brightCyan: '#8adcc8',
  brightWhite: '#f4f7f9',
};

export const TERMINAL_FONT =
  "ui-monospace, 'JetBrains Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";
