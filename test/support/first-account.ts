import type { RunDetail, RunRequest, RunTarget, TokenCreated } from '@hauban/shared/api';
import type { StandaloneStack } from './standalone-stack.ts';

export const FIRST_ACCOUNT = { name: 'founder', password: 'correct horse battery staple' } as const;

/** An answer that is no success: the status and the body's `code` and `detail`. */
export class RestRefusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(what: string, status: number, body: string) {
    super(`${what}: ${status} ${body}`);
    this.status = status;
    this.code = codeOf(body);
  }
}

function codeOf(body: string): string {
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    return typeof code === 'string' ? code : '';
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
}

/** REST as a program speaks it: bearer token, JSON both ways; a refusal is thrown as RestRefusal. */
export interface RestClient {
  readonly url: string;
  readonly token: string;
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  text(path: string): Promise<string>;
}

interface RawRequest {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

async function request(url: string, method: string, path: string, options: RawRequest = {}): Promise<Response> {
  const { body, timeoutMs = 60_000 } = options;
  return await fetch(url + path, {
    method,
    headers: {
      origin: url,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
}

async function expectOk(what: string, reply: Response): Promise<Response> {
  if (reply.ok) return reply;
  throw new RestRefusal(what, reply.status, await reply.text());
}

export function createRestClient(url: string, token: string, timeoutMs = 60_000): RestClient {
  const call = async (method: string, path: string, body?: unknown): Promise<Response> =>
    await expectOk(
      `${method} ${path}`,
      await request(url, method, path, { headers: { authorization: `Bearer ${token}` }, body, timeoutMs }),
    );
  return {
    url,
    token,
    call: async (method, path, body) => (await (await call(method, path, body)).json()) as never,
    text: async (path) => await (await call('GET', path)).text(),
  };
}

/** Uses the one-time link as the page does. */
export async function spendSetupLink(stack: Pick<StandaloneStack, 'url' | 'setupUrl'>): Promise<void> {
  const token = new URL(stack.setupUrl ?? 'http://none').searchParams.get('token') ?? '';
  await expectOk('set-up', await request(stack.url, 'POST', '/api/setup', { body: { token, ...FIRST_ACCOUNT } }));
}

/** Signs the first account in by its password and makes an API token. */
export async function signInFirstAccount(url: string): Promise<RestClient> {
  const signIn = await expectOk('sign-in', await request(url, 'POST', '/api/sign-in', { body: FIRST_ACCOUNT }));
  const cookie = signIn.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const made = await expectOk(
    'token',
    await request(url, 'POST', '/api/tokens', { headers: { cookie }, body: { name: 'tests', expiresInDays: 1 } }),
  );
  return createRestClient(url, ((await made.json()) as TokenCreated).secret);
}

/** Makes the first account by the one-time link, as the page does, and an API token for it. */
export async function makeFirstAccount(stack: Pick<StandaloneStack, 'url' | 'setupUrl'>): Promise<RestClient> {
  await spendSetupLink(stack);
  return await signInFirstAccount(stack.url);
}

/** Waits until every target of a run has an outcome. */
async function waitForRun(client: RestClient, runId: string): Promise<RunDetail> {
  for (;;) {
    const run = await client.call<RunDetail>('GET', `/api/runs/${runId}?waitMs=20000`);
    if (run.finishedAt !== null) return run;
  }
}

/** Runs an action on one node to its outcome, as a hoster's own program does. */
export async function runOnNode(
  client: RestClient,
  nodeId: string,
  action: string,
  args: Record<string, unknown> = {},
  more: Partial<Pick<RunRequest, 'mode' | 'planHash' | 'startWithinMs'>> = {},
): Promise<RunTarget> {
  const { id } = await client.call<{ id: string }>('POST', '/api/runs', {
    action,
    args,
    nodes: [nodeId],
    mode: 'apply',
    ...more,
  });
  const [target] = (await waitForRun(client, id)).targets;
  if (target === undefined) throw new Error(`run ${id} of ${action} has no target`);
  return target;
}
