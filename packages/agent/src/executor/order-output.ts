import { createHash } from 'node:crypto';
import type { FromExecutor } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';

/** What the programs of an order print: a little of it at once for the eye (rule ORDER15), the end of it for the receipt. */
export interface OrderOutput {
  /** Never waits: what does not fit is left out. */
  add(text: string): void;
  /** Nothing more is told. */
  end(): void;
  /** For the receipt's data; null when nothing was printed. */
  readonly final: FinalOutput | null;
}

export interface FinalOutput {
  /** The last of it, made fit to be shown. */
  readonly text: string;
  /** SHA-256, hex, of all of it as it was printed. */
  readonly sha256: string;
  readonly characters: number;
  readonly isCut: boolean;
}

/** At most one message in this time, of at most so many characters, and at most so many for an order. */
const EVERY_MS = 200;
const MESSAGE_BYTES = 4096;
const ORDER_BYTES = 256 * 1024;
const FINAL_CHARACTERS = 32 * 1024;

/** CSI, OSC and other escape sequences of terminals (ECMA-48), whole or cut off at the end. */
// eslint-disable-next-line no-control-regex -- escape sequences are what is removed here
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*(?:[@-~]|$)|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[ -/]*[0-~]|$)/g;
/** Everything else that moves a cursor, turns the reading direction or has no shape. */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- control characters are what is removed here
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text that can be shown in a page or a terminal without doing anything there. */
export const printable = (text: string): string =>
  text.replaceAll(ESCAPES, '').replaceAll('\r\n', '\n').replaceAll('\r', '\n').replaceAll(UNPRINTABLE, '\ufffd');

/** The last of a text, in at most so many bytes of UTF-8. */
function lastBytes(text: string, most: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= most) return text;
  // A character that the cut went through becomes U+FFFD, which may take more bytes than what was cut.
  return bytes.subarray(bytes.length - most + 12).toString('utf8');
}

export function createOrderOutput(order: string, clock: Clock, send: (message: FromExecutor) => void): OrderOutput {
  const hash = createHash('sha256');
  let characters = 0;
  let last = '';
  let pending = '';
  let sentBytes = 0;
  let timer: Timer | null = null;
  let isEnded = false;

  const flush = (): void => {
    timer = null;
    const text = lastBytes(printable(pending), Math.min(MESSAGE_BYTES, ORDER_BYTES - sentBytes));
    pending = '';
    if (text === '' || isEnded) return;
    sentBytes += Buffer.byteLength(text);
    send({ t: 'output', order, text });
  };

  return {
    add: (text) => {
      if (text === '') return;
      hash.update(text);
      characters += text.length;
      last = (last + text).slice(-FINAL_CHARACTERS);
      if (isEnded || sentBytes >= ORDER_BYTES - 64) return;
      pending = (pending + text).slice(-MESSAGE_BYTES);
      timer ??= clock.after(EVERY_MS, flush);
    },
    end: () => {
      timer?.cancel();
      if (pending !== '') flush();
      isEnded = true;
    },
    get final() {
      if (characters === 0) return null;
      const isCut = characters > last.length;
      return { text: printable(last), sha256: hash.copy().digest('hex'), characters, isCut };
    },
  };
}
