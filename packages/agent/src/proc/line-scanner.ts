import type { ProcFile } from './proc-files.ts';

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
const POINT = 46;

/**
 * Walks over the bytes of a file without making strings. Positions are byte offsets; a scanner is reused tick after tick.
 */
export interface LineScanner {
  /** Stands at the beginning of the file's last read content; false when there is none. */
  start(file: ProcFile): boolean;
  /** Offset of the next byte to be read. */
  readonly at: number;
  /** Offset of the end of the content. */
  readonly end: number;
  /** True when nothing is left of the line but blanks. */
  isLineEnd(): boolean;
  /** Skips blanks and reads decimal digits; NaN when there are none. Above 2^53 the last digits are rounded. */
  number(): number;
  /** The same with a decimal fraction (loadavg, uptime). */
  decimal(): number;
  /** Skips blanks and then one word. */
  skipWord(): void;
  /** Skips blanks. */
  skipBlanks(): void;
  /** Goes to the next line; false at the end. */
  nextLine(): boolean;
  /** True, and moves behind it, when these bytes come next. */
  take(bytes: Uint8Array): boolean;
  /** The bytes up to the next blank, colon or line end, as text. Moves behind them. */
  word(): string;
}

/** Makes a scanner; it stands nowhere until `start`. */
export function createLineScanner(): LineScanner {
  let bytes: Buffer = Buffer.alloc(0);
  let end = 0;
  let at = 0;

  const skipBlanks = (): void => {
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at += 1;
  };

  const number = (): number => {
    skipBlanks();
    const from = at;
    let value = 0;
    for (; at < end; at += 1) {
      const digit = (bytes[at] ?? 0) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return at === from ? Number.NaN : value;
  };

  return {
    get at() {
      return at;
    },
    get end() {
      return end;
    },
    start: (file) => {
      end = Math.max(0, file.read());
      bytes = file.bytes;
      at = 0;
      return end > 0;
    },
    isLineEnd: () => {
      skipBlanks();
      return at >= end || bytes[at] === NEWLINE;
    },
    number,
    decimal: () => {
      const whole = number();
      if (bytes[at] !== POINT || at >= end) return whole;
      at += 1;
      const from = at;
      const fraction = number();
      return whole + fraction / 10 ** (at - from);
    },
    skipWord: () => {
      skipBlanks();
      while (at < end && (bytes[at] ?? 0) > SPACE) at += 1;
    },
    skipBlanks,
    nextLine: () => {
      const newline = at >= end ? -1 : bytes.indexOf(NEWLINE, at);
      at = newline < 0 || newline >= end ? end : newline + 1;
      return at < end;
    },
    take: (wanted) => {
      if (at + wanted.length > end) return false;
      for (let i = 0; i < wanted.length; i += 1) if (bytes[at + i] !== wanted[i]) return false;
      at += wanted.length;
      return true;
    },
    word: () => {
      skipBlanks();
      const from = at;
      while (at < end && (bytes[at] ?? 0) > SPACE && bytes[at] !== 58) at += 1;
      return bytes.toString('latin1', from, at);
    },
  };
}
