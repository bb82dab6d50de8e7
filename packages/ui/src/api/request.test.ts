import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { socketUrl } from './dial.ts';
import { createRequest, mayRetry, path, queryText } from './request.ts';

function setUp(answer: () => Response | Promise<Response>) {
  const calls: { url: string; init: RequestInit }[] = [];
  let signedOut = 0;
  const request = createRequest({
    fetch: async (url, init) => {
      calls.push({ url, init });
      return answer();
    },
    onSignedOut: () => (signedOut += 1),
  });
  return { request, calls, signedOut: () => signedOut };
}

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });
const failure = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await promise.then(
    () => null,
    (problem: unknown) => problem,
  );
  if (error instanceof ApiError) return error;
  throw new Error('no ApiError');
};

describe('a request', () => {
  it('sends JSON to our own origin with the session', async () => {
    const { request, calls } = setUp(() => json(200, { ok: 1 }));
    expect(await request('POST', '/api/runs', { body: { a: 1 } })).toEqual({ ok: 1 });
    expect(calls[0]).toMatchObject({
      url: '/api/runs',
      init: {
        method: 'POST',
        credentials: 'same-origin',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json' },
      },
    });
  });

  it('takes an empty answer as done', async () => {
    const { request } = setUp(() => new Response(null, { status: 204 }));
    expect(await request('DELETE', '/api/tokens/x')).toEqual({});
  });

  it('gives the sentence, the code and the request of a refusal', async () => {
    const { request } = setUp(() =>
      json(409, { code: 'PLAN_CHANGED', detail: 'The plan differs.', retryable: false, requestId: 'r1' }),
    );
    expect(await failure(request('POST', '/api/runs'))).toMatchObject({
      status: 409,
      code: 'PLAN_CHANGED',
      detail: 'The plan differs.',
      isRetryable: false,
      requestId: 'r1',
    });
  });

  it('says so when the session is over', async () => {
    const { request, signedOut } = setUp(() =>
      json(401, { code: 'NOT_SIGNED_IN', detail: 'Sign in first.', retryable: false }),
    );
    await failure(request('GET', '/api/me'));
    expect(signedOut()).toBe(1);
  });

  it('does not take a wrong password for the end of a session', async () => {
    const { request, signedOut } = setUp(() => json(401, { code: 'SIGN_IN_REFUSED', detail: 'No.', retryable: false }));
    await failure(request('POST', '/api/sign-in'));
    expect(signedOut()).toBe(0);
  });

  it('makes a sentence of a page that a proxy sent', async () => {
    const { request } = setUp(() => new Response('<h1>Bad gateway</h1>', { status: 502 }));
    const error = await failure(request('GET', '/api/nodes'));
    expect(error).toMatchObject({ code: 'BAD_REPLY', isRetryable: true });
    expect(error.detail).toContain('502');
  });

  it('does not take a page with status 200 for an answer', async () => {
    const { request } = setUp(() => new Response('<html>', { status: 200 }));
    expect((await failure(request('GET', '/api/nodes'))).code).toBe('BAD_REPLY');
  });

  it('makes a sentence of no network', async () => {
    const { request } = setUp(() => Promise.reject(new TypeError('Failed to fetch')));
    const error = await failure(request('GET', '/api/nodes'));
    expect(error.code).toBe('NETWORK');
    expect(mayRetry(error)).toBe(true);
  });

  it('gives a recording as it is', async () => {
    const { request } = setUp(() => new Response('{"version":3}\n[0,"o","x"]\n'));
    expect(await request<string>('GET', '/api/recordings/x/cast', { as: 'text' })).toBe('{"version":3}\n[0,"o","x"]\n');
  });
});

describe('an address', () => {
  it('cannot be left by an id', () => {
    expect(path('nodes', '../audit?x=1#y')).toBe('/api/nodes/..%2Faudit%3Fx%3D1%23y');
  });

  it('has only the values that are set', () => {
    expect(queryText({ search: 'a b&c', role: undefined, state: '', limit: 0 })).toBe('?search=a+b%26c&limit=0');
    expect(queryText({})).toBe('');
  });

  it('of a socket is our own, and carries the ticket', () => {
    expect(socketUrl('https://hauban.example', '/api/live', 'a+b')).toBe('wss://hauban.example/api/live?ticket=a%2Bb');
    expect(socketUrl('http://localhost:8080', '/api/live', 't')).toBe('ws://localhost:8080/api/live?ticket=t');
  });
});
