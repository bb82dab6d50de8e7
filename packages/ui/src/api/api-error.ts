import type { ErrorReply } from '@hauban/shared/api';
import { texts } from '../texts/index.ts';

/** A refusal or failure of the controller, or of the way to it (`NETWORK`, `BAD_REPLY`: made here). */
export class ApiError extends Error {
  readonly code: string;
  readonly detail: string;
  readonly isRetryable: boolean;
  readonly requestId: string | undefined;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, reply: ErrorReply, options?: { cause?: unknown }) {
    super(`${reply.code}: ${reply.detail}`, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = reply.code;
    this.detail = reply.detail;
    this.isRetryable = reply.retryable;
    this.requestId = reply.requestId;
  }
}

/** Nothing came back: no network, or the controller is not running. */
export function networkError(cause: unknown): ApiError {
  return new ApiError(0, { code: 'NETWORK', detail: texts.errors.network, retryable: true }, { cause });
}

function isErrorReply(body: unknown): body is ErrorReply {
  if (typeof body !== 'object' || body === null) return false;
  const reply = body as Partial<Record<keyof ErrorReply, unknown>>;
  return typeof reply.code === 'string' && typeof reply.detail === 'string';
}

/** What an answer with an error status means; a body that is not ours (a proxy's page) gets a sentence by status. */
export function errorFromReply(status: number, body: unknown): ApiError {
  if (isErrorReply(body)) return new ApiError(status, body);
  return new ApiError(status, { code: 'BAD_REPLY', detail: texts.errors.badReply(status), retryable: status >= 500 });
}

/** Any thrown value as an ApiError, for showing. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiError(0, { code: 'PAGE_FAULT', detail, retryable: false }, { cause: error });
}
