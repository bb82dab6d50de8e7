import { ERROR_CODES, type ErrorCode, type ErrorInfo } from './codes.ts';

/** A failure outside our control, with a stable code and one sentence of detail for a person. */
export class HaubanError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = 'HaubanError';
    this.code = code;
    this.detail = detail;
  }

  get info(): ErrorInfo {
    return ERROR_CODES[this.code];
  }
}

/** The same failure as it travels over the link and in a REST body. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryable: boolean;
  readonly requestId?: string;
}

/** What may be shown to the person who asked: an unsafe detail is replaced by the title. */
export function toErrorBody(error: unknown, requestId?: string): ErrorBody {
  const known =
    error instanceof HaubanError ? error : new HaubanError('INTERNAL', 'unexpected fault', { cause: error });
  const detail = known.info.isSafe ? known.detail : known.info.title;
  return {
    code: known.code,
    detail,
    retryable: known.info.retryable,
    ...(requestId === undefined ? {} : { requestId }),
  };
}
