import { CliError } from './cli-error.ts';
import { EXIT, exitForError } from './exit-codes.ts';
import { plainLine } from './plain-text.ts';

export interface ApiClient {
  readonly url: string;
  readonly token: string | null;
  get<T>(path: string, query?: Readonly<Record<string, string | number | undefined>>, signal?: AbortSignal): Promise<T>;
  getText(path: string): Promise<string>;
  /** A long answer as it comes; only its beginning has a time limit. */
  download(path: string): Promise<AsyncIterable<Uint8Array>>;
  post<T>(path: string, body: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  delete(path: string): Promise<void>;
}

const TIMEOUT_MS = 120_000;

async function failure(reply: Response, path: string): Promise<CliError> {
  const text = await reply.text();
  let body: { code?: unknown; detail?: unknown } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const code = typeof body.code === 'string' ? body.code : `HTTP_${reply.status}`;
  const detail =
    typeof body.detail === 'string' ? plainLine(body.detail) : `the controller answered ${reply.status} to ${path}`;
  return new CliError(exitForError({ code: code as never }, reply.status), code, detail);
}

/** REST calls with a bearer token; failures become CliError with one sentence. */
export function createApiClient(url: string, token: string | null): ApiClient {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    signal = AbortSignal.timeout(TIMEOUT_MS),
  ): Promise<Response> => {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== null) headers['authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let reply: Response;
    try {
      reply = await fetch(`${url}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new CliError(
        EXIT.unreachable,
        'UNREACHABLE',
        `${url} does not answer: check the address and that the controller runs.`,
        { cause: error },
      );
    }
    if (!reply.ok) throw await failure(reply, path);
    return reply;
  };
  return {
    url,
    token,
    get: async (path, query = {}, signal) => {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
      const suffix = search.size === 0 ? '' : `?${search.toString()}`;
      const timeout = AbortSignal.timeout(TIMEOUT_MS);
      const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
      return (await (await call('GET', path + suffix, undefined, ends)).json()) as never;
    },
    download: async (path) => {
      const begun = new AbortController();
      const timer = setTimeout(() => begun.abort(), TIMEOUT_MS);
      try {
        const { body } = await call('GET', path, undefined, begun.signal);
        if (body === null) throw new CliError(EXIT.failed, 'HTTP_EMPTY', `the controller sent nothing for ${path}`);
        return body;
      } finally {
        clearTimeout(timer);
      }
    },
    getText: async (path) => await (await call('GET', path)).text(),
    post: async (path, body) => (await (await call('POST', path, body)).json()) as never,
    put: async (path, body) => (await (await call('PUT', path, body)).json()) as never,
    delete: async (path) => {
      await call('DELETE', path);
    },
  };
}
