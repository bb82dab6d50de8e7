import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { HaubanError } from '@hauban/shared/errors';

/** Passkeys (WebAuthn): discoverable, with user verification. The name of the site is the host of the public address. */
export interface PasskeySite {
  readonly rpId: string;
  readonly origins: readonly string[];
}

export interface StoredPasskey {
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
}

/** Browsers give passkeys to https and to localhost; an IP address is no site name. */
export function passkeySite(publicUrl: URL, origins: ReadonlySet<string>): PasskeySite | null {
  const host = publicUrl.hostname;
  const isAddress = /^[\d.]+$/.test(host) || host.startsWith('[');
  const isTrusted = publicUrl.protocol === 'https:' || host === 'localhost';
  return isTrusted && !isAddress ? { rpId: host, origins: [...origins] } : null;
}

export async function creationOptions(
  site: PasskeySite,
  person: { readonly id: string; readonly name: string },
  /** Passkeys that the person has already: the device that holds one makes no second. */
  known: readonly string[] = [],
): Promise<{ readonly challenge: string; readonly options: object }> {
  const options = await generateRegistrationOptions({
    rpName: 'Hauban',
    rpID: site.rpId,
    userID: new Uint8Array(Buffer.from(person.id.replaceAll('-', ''), 'hex')),
    userName: person.name,
    userDisplayName: person.name,
    attestationType: 'none',
    excludeCredentials: known.map((id) => ({ id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
  return { challenge: options.challenge, options };
}

export async function requestOptions(
  site: PasskeySite,
): Promise<{ readonly challenge: string; readonly options: object }> {
  const options = await generateAuthenticationOptions({
    rpID: site.rpId,
    userVerification: 'required',
    allowCredentials: [],
  });
  return { challenge: options.challenge, options };
}

/** The challenge that the browser says it signed; null when it is no such answer. Proven by the verification only. */
export function claimedChallenge(answer: unknown): string | null {
  const data = (answer as { response?: { clientDataJSON?: unknown } } | null)?.response?.clientDataJSON;
  if (typeof data !== 'string' || data.length > 10_000) return null;
  try {
    const parsed = JSON.parse(Buffer.from(data, 'base64url').toString('utf8')) as { challenge?: unknown } | null;
    return typeof parsed?.challenge === 'string' ? parsed.challenge : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export function claimedPasskeyId(answer: unknown): string | null {
  const id = (answer as { id?: unknown } | null)?.id;
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,1400}$/.test(id) ? id : null;
}

const wrong = (code: 'SETUP_TOKEN_REFUSED' | 'SIGN_IN_REFUSED', cause: unknown): HaubanError =>
  new HaubanError(code, 'The passkey could not be verified; try again with the same device.', { cause });

/** The library throws for every answer that does not fit; each is a refusal, none is a fault of ours. */
export async function verifyCreation(site: PasskeySite, answer: unknown, challenge: string): Promise<StoredPasskey> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: answer as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: [...site.origins],
      expectedRPID: site.rpId,
      requireUserVerification: true,
    });
    if (!verified) throw new TypeError('not verified');
    const { id, publicKey, counter, transports } = registrationInfo.credential;
    return { id, publicKey, counter, transports: transports ?? [] };
  } catch (error) {
    throw wrong('SETUP_TOKEN_REFUSED', error);
  }
}

/** The new counter of the authenticator. */
export async function verifySignIn(
  site: PasskeySite,
  answer: unknown,
  proof: { readonly challenge: string; readonly passkey: StoredPasskey },
): Promise<number> {
  const { id, publicKey, counter, transports } = proof.passkey;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: answer as AuthenticationResponseJSON,
      expectedChallenge: proof.challenge,
      expectedOrigin: [...site.origins],
      expectedRPID: site.rpId,
      credential: { id, publicKey: new Uint8Array(publicKey), counter, transports: [...transports] },
      requireUserVerification: true,
    });
    if (!verified) throw new TypeError('not verified');
    return authenticationInfo.newCounter;
  } catch (error) {
    throw wrong('SIGN_IN_REFUSED', error);
  }
}
