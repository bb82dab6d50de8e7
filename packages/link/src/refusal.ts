import type { ErrorCode } from '@hauban/shared/errors';
import type { KnownCloseCode } from '@hauban/shared/protocol';

/** An expected refusal on the link: close with `close`; `why` is for our own log, never for the other side. */
export interface Refusal {
  readonly ok: false;
  readonly close: KnownCloseCode;
  readonly code: ErrorCode;
  readonly why: string;
}

export const refuse = (close: KnownCloseCode, code: ErrorCode, why: string): Refusal => ({
  ok: false,
  close,
  code,
  why,
});
