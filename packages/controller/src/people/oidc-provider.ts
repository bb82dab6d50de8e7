/** One identity provider: its own page to send a browser to, and what it says when the browser comes back. */
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import * as client from 'openid-client';
import type { AttemptSecrets } from './oidc-attempt.ts';
import type { SignedClaims } from './oidc-claims.ts';
import { isSafeTransport, type ProviderSettings } from './oidc-settings.ts';

export interface OidcProvider {
  readonly settings: ProviderSettings;
  /** The provider's page; SIGN_ON_DOWN when it does not answer. */
  begin(secrets: AttemptSecrets): Promise<URL>;
  /** Takes the code to the provider and checks what it gives; SIGN_ON_REFUSED or SIGN_ON_DOWN. */
  finish(query: string, secrets: AttemptSecrets): Promise<SignedClaims>;
}

export interface OidcProviderParts {
  readonly settings: ProviderSettings;
  readonly publicUrl: URL;
  readonly clock: Clock;
  /** Why something was refused or did not work: codes, nothing that is secret. */
  readonly onFault: (fault: { readonly provider: string; readonly code: string; readonly says: string }) => void;
}

const WITHIN_S = 8;
/** Addresses and keys of a provider are asked for anew after this time. */
const REMEMBER_MS = 3_600_000;
const ANSWER_MOST_BYTES = 1024 * 1024;
/** Only what needs the provider's private key. */
const ALGORITHMS: ReadonlySet<string> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]);
const SUBJECT_MOST = 255;

class UnsafeAddress extends Error {}

async function limited(response: Response): Promise<Response> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.byteLength;
    if (size > ANSWER_MOST_BYTES) throw new UnsafeAddress('the answer is larger than 1 MiB');
    parts.push(part);
  }
  const { status, headers } = response;
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  return new Response(hasBody ? Buffer.concat(parts) : null, { status, headers });
}

/** Every request to a provider: never in the clear, no redirect followed, no endless answer. */
const ask: client.CustomFetch = async (url, options) => {
  if (!isSafeTransport(new URL(url))) throw new UnsafeAddress('an address of the provider is neither https nor here');
  const response = await fetch(url, { ...options, redirect: 'manual' } as RequestInit);
  return limited(response);
};

/** The provider has to call itself exactly what the operator calls it: identities are kept under that name. */
const isIssuer = (found: string, wanted: string): boolean => found === wanted;

/** What it says it signs with, without `none` and without secrets that are shared (RFC 8725, 3.2). */
const signingAlgorithms = (said: readonly string[] | undefined): string[] =>
  (said ?? ['RS256']).filter((name) => ALGORITHMS.has(name));

function clientAuth(metadata: client.ServerMetadata, secret: string): client.ClientAuth {
  const said = metadata.token_endpoint_auth_methods_supported;
  const isBasic = said === undefined || said.includes('client_secret_basic');
  return isBasic ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

async function discover(settings: ProviderSettings): Promise<client.Configuration> {
  const issuer = new URL(settings.issuer);
  const isNear = issuer.protocol === 'http:';
  const found = await client.discovery(issuer, settings.clientId, undefined, client.None(), {
    [client.customFetch]: ask,
    timeout: WITHIN_S,
    execute: isNear ? [client.allowInsecureRequests] : [],
  });
  const metadata: client.ServerMetadata = found.serverMetadata();
  if (!isIssuer(metadata.issuer, settings.issuer))
    throw new UnsafeAddress(`it calls itself ${metadata.issuer.slice(0, 200)}`);
  const strict = {
    ...metadata,
    id_token_signing_alg_values_supported: signingAlgorithms(metadata.id_token_signing_alg_values_supported),
  };
  const config = new client.Configuration(
    strict,
    settings.clientId,
    undefined,
    clientAuth(metadata, settings.clientSecret),
  );
  config[client.customFetch] = ask;
  config.timeout = WITHIN_S;
  if (isNear) client.allowInsecureRequests(config);
  // The signature is looked at although the token came over TLS: whoever stands in between is not believed.
  client.enableNonRepudiationChecks(config);
  return config;
}

function readClaims(claims: client.IDToken | undefined): SignedClaims {
  if (claims === undefined || claims.sub === '' || claims.sub.length > SUBJECT_MOST)
    throw new HaubanError('SIGN_ON_REFUSED', 'The provider did not say who you are.');
  const said = claims['amr'];
  const methods = Array.isArray(said) ? said.filter((each) => typeof each === 'string').slice(0, 10) : [];
  return { issuer: claims.iss, subject: claims.sub, methods, all: claims };
}

/** A fault that says "not now" and not "no": the network, a time-out, a server's own failure. */
function isDown(error: unknown): boolean {
  if (error instanceof client.ClientError)
    return ['OAUTH_TIMEOUT', 'OAUTH_ABORT'].includes(error.code ?? '') || isDownCause(error.cause);
  return isDownCause(error);
}
const isDownCause = (cause: unknown): boolean =>
  (cause instanceof Response && cause.status >= 500) ||
  (cause instanceof TypeError && cause.cause instanceof Error) ||
  (cause instanceof DOMException && cause.name === 'TimeoutError');

const codeOf = (error: unknown): string => {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
};

export function createOidcProvider({ settings, publicUrl, clock, onFault }: OidcProviderParts): OidcProvider {
  const redirectUri = new URL(`/sign-on/${settings.id}`, publicUrl);
  let known: { readonly config: client.Configuration; readonly untilMs: number } | null = null;

  const down = (error: unknown): HaubanError => {
    onFault({ provider: settings.id, code: codeOf(error), says: error instanceof Error ? error.message : '' });
    return new HaubanError(
      'SIGN_ON_DOWN',
      `${settings.name} does not answer as it should; sign in another way, or try again later.`,
      { cause: error },
    );
  };
  const refused = (error: unknown): HaubanError => {
    onFault({ provider: settings.id, code: codeOf(error), says: error instanceof Error ? error.message : '' });
    const isTheirNo = error instanceof client.AuthorizationResponseError;
    const says = isTheirNo
      ? `${settings.name} did not let you sign in.`
      : `What came back from ${settings.name} is not good; begin again at the sign-in page.`;
    return new HaubanError('SIGN_ON_REFUSED', says, { cause: error });
  };
  const configuration = async (): Promise<client.Configuration> => {
    if (known !== null && known.untilMs > clock.monotonicMs()) return known.config;
    try {
      const config = await discover(settings);
      known = { config, untilMs: clock.monotonicMs() + REMEMBER_MS };
      return config;
    } catch (error) {
      throw down(error);
    }
  };

  return {
    settings,
    begin: async ({ state, nonce, verifier }) => {
      const config = await configuration();
      const page = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri.href,
        scope: settings.scopes.join(' '),
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      if (!isSafeTransport(page)) throw down(new UnsafeAddress('its page is neither https nor here'));
      return page;
    },
    finish: async (query, { state, nonce, verifier }) => {
      const config = await configuration();
      const back = new URL(redirectUri);
      back.search = query;
      try {
        const tokens = await client.authorizationCodeGrant(config, back, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        return readClaims(tokens.claims());
      } catch (error) {
        if (error instanceof HaubanError) throw error;
        throw isDown(error) ? down(error) : refused(error);
      }
    },
  };
}
