import { generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** What the provider says about somebody, beside `sub`. */
export type AccountClaims = Readonly<Record<string, unknown>>;

/** Changes the ID token on its way out, as a thief of the provider's answers or of its key would. */
type Tamper = (token: string) => string;

/** A real identity provider (OpenID Connect) in this process, on loopback. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Public key, as a thief of nothing can read it. */
  readonly publicKey: JsonWebKey;
  /** Everybody who is named here may sign in, with any password. */
  readonly accounts: Map<string, AccountClaims>;
  /** How often a code was brought to it. */
  tokenRequests(): number;
  tamper(change: Tamper | null): void;
  /** A token of these claims, signed with the provider's own key. */
  signed(claims: object): string;
  /** A person with a browser of their own signs in and agrees; the address that the browser is sent back to. */
  signIn(url: string, account: string): Promise<URL>;
  stop(): Promise<void>;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Claims of a token that nobody checked. */
export const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;

function rewriteBody(response: ServerResponse, change: Tamper): void {
  const end = response.end.bind(response) as (chunk: Buffer) => ServerResponse;
  response.end = ((chunk: string | Buffer) => {
    const body = JSON.parse(String(chunk)) as { id_token?: string };
    if (body.id_token !== undefined) body.id_token = change(body.id_token);
    const bytes = Buffer.from(JSON.stringify(body));
    response.setHeader('content-length', bytes.length);
    return end(bytes);
  }) as ServerResponse['end'];
}

interface Form {
  readonly action: string;
  readonly prompt: string;
}

function readForm(page: string): Form {
  const action = /<form[^>]+action="([^"]+)"/.exec(page)?.[1];
  const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
  if (action === undefined || prompt === undefined) throw new Error(`no form of the provider: ${page.slice(0, 400)}`);
  return { action, prompt };
}

/** A browser as far as forms and redirects go, with cookies of its own. */
async function walk(start: string, issuer: string, account: string): Promise<URL> {
  const cookies = new Map<string, string>();
  const ask = async (url: URL, body?: URLSearchParams): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const init = { redirect: 'manual', headers: { cookie }, ...(body === undefined ? {} : { method: 'POST', body }) };
    const reply = await fetch(url, init as RequestInit);
    for (const line of reply.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s);
      cookies.set(name, value);
    }
    return reply;
  };
  let at = new URL(start);
  let reply = await ask(at);
  for (let step = 0; step < 12; step += 1) {
    const location = reply.headers.get('location');
    if (location !== null) {
      at = new URL(location, at);
      if (at.origin !== issuer) return at;
      reply = await ask(at);
      continue;
    }
    const { action, prompt } = readForm(await reply.text());
    at = new URL(action, at);
    reply = await ask(at, new URLSearchParams({ prompt, login: account, password: 'x' }));
  }
  throw new Error('the provider sends the browser in circles');
}

function configuration(idp: { redirectUri: string; key: KeyObject; accounts: Map<string, AccountClaims> }): object {
  return {
    clients: [
      {
        client_id: 'hauban',
        client_secret: 'a secret of the client, long enough',
        redirect_uris: [idp.redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: [{ ...idp.key.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups', 'email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['of this test only'] },
    pkce: { required: () => true },
    findAccount: (_context: unknown, id: string) => {
      const claims = idp.accounts.get(id);
      return claims === undefined ? undefined : { accountId: id, claims: () => ({ sub: id, ...claims }) };
    },
  };
}

/** @param redirectUri where its one client may send people back to */
export async function startIdentityProvider(redirectUri: string, port = 0): Promise<IdentityProvider> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const accounts = new Map<string, AccountClaims>();
  let change: Tamper | null = null;
  let asked = 0;
  let answer: ReturnType<Provider['callback']> = () => undefined;
  const server: Server = createServer((request, response) => {
    if (request.url === '/token') {
      asked += 1;
      if (change !== null) rewriteBody(response, change);
    }
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answer = new Provider(issuer, configuration({ redirectUri, key: privateKey, accounts })).callback();
  return {
    issuer,
    clientId: 'hauban',
    clientSecret: 'a secret of the client, long enough',
    publicKey: publicKey.export({ format: 'jwk' }),
    accounts,
    tokenRequests: () => asked,
    tamper: (next) => void (change = next),
    signed: (claims) => {
      const text = `${encode({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${encode(claims)}`;
      return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
    },
    signIn: (url, account) => walk(url, issuer, account),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
