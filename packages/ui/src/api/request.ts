import { ApiError, errorFromReply, networkError } from './api-error.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type QueryValue = string | number | boolean | undefined;

export interface RequestOptions {
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** `text`: the body as it is (a recording). */
  readonly as?: 'json' | 'text';
}

/**
 * One call of the REST API. The path is built by the caller from constants and ids (encoded with `path`).
 * Throws ApiError. The type of the answer is the contract of `@hauban/shared/api`, which the controller checks its
 * answers against before it sends them.
 */
export type Request = <T>(method: Method, path: string, options?: RequestOptions) => Promise<T>;

/** Joins path segments, each encoded: an id from a link cannot climb to another route. */
export function path(...segments: readonly string[]): string {
  return `/api/${segments.map((segment) => encodeURIComponent(segment)).join('/')}`;
}

/** Query text of the values that are set; empty strings are left out. */
export function queryText(query: Readonly<Record<string, QueryValue>> = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

async function readBody(response: Response, as: 'json' | 'text'): Promise<unknown> {
  const text = await response.text();
  if (as === 'text' && response.ok) return text;
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export interface RequestParts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Called when the session is over, before the error is thrown. */
  readonly onSignedOut: () => void;
}

export function createRequest(parts: RequestParts): Request {
  return async <T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> => {
    const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } };
    if (options.body !== undefined) {
      init.headers = { ...init.headers, 'content-type': 'application/json' };
      init.body = JSON.stringify(options.body);
    }
    if (options.signal !== undefined) init.signal = options.signal;
    let response: Response;
    try {
      response = await parts.fetch(path + queryText(options.query), init);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw networkError(error);
    }
    const body = await readBody(response, options.as ?? 'json');
    if (response.ok && body !== undefined) return body as T;
    const fault = errorFromReply(response.status, body);
    if (fault.code === 'NOT_SIGNED_IN') parts.onSignedOut();
    throw fault;
  };
}

/** The calls as groups of them are written against; paths come from `path`. */
export interface Verbs {
  readonly get: <T>(url: string, query?: Readonly<Record<string, QueryValue>>) => Promise<T>;
  readonly post: <T>(url: string, body?: unknown) => Promise<T>;
  readonly put: <T>(url: string, body: unknown) => Promise<T>;
  readonly remove: <T>(url: string, query?: Readonly<Record<string, QueryValue>>) => Promise<T>;
}

/** True when asking again may help; a refusal stays a refusal. */
export function mayRetry(error: unknown): boolean {
  return error instanceof ApiError && error.isRetryable;
}
