import type { KeyObject } from 'node:crypto';
import { fromBase64Url, literal, object, parseJson, text, type Parsed } from '@hauban/shared/protocol';
import type { KeyPair } from './key-pair.ts';

/**
 * Compact JWS, EdDSA only. `jose` is loaded at first use: the link process relays signed texts all day and never
 * checks one, and the library would cost it memory.
 */

/** Longest compact form that is looked at; the message tables have the same bound. */
const MAX_LENGTH = 400_000;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;

/** Keys by `kid`. A signature by any other key is refused. */
export type PinnedKeys = ReadonlyMap<string, KeyObject>;

export interface JwsKind {
  /** The only `typ` taken. */
  readonly typ: string;
}

/** `malformed`: it is no such JWS whatever the key; `signature`: header, key or signature is not the pinned one. */
export type JwsProblem = { readonly ok: false; readonly problem: 'malformed' | 'signature'; readonly why: string };
export type VerifiedJws = { readonly ok: true; readonly payload: unknown; readonly kid: string };

export async function signJws(
  payload: object,
  key: KeyPair,
  header: JwsKind & { readonly kid: string },
): Promise<string> {
  const { CompactSign } = await import('jose');
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'EdDSA', typ: header.typ, kid: header.kid })
    .sign(key.privateKey);
}

const problem = (kind: JwsProblem['problem'], why: string): JwsProblem => ({ ok: false, problem: kind, why });

function decodeJson(part: string): Parsed<unknown> {
  const bytes = Buffer.from(part, 'base64url');
  // Only the one canonical encoding: otherwise two texts would be one signed value.
  if (bytes.toString('base64url') !== part) return { ok: false, problem: 'not canonical base64url' };
  return parseJson((value) => value, bytes.toString('utf8'));
}

/** Payload of a JWS without any check of its signature: for sorting and for the checks that come before it (rule ORDER2). */
export function peekJws(
  compact: string,
): { readonly ok: true; readonly header: unknown; readonly payload: unknown } | JwsProblem {
  if (compact.length > MAX_LENGTH || !COMPACT.test(compact)) return problem('malformed', 'not a compact JWS');
  const [head = '', body = '', signature = ''] = compact.split('.');
  // Its last letter has four bits to spare: with others in them the same signature would have another hash.
  if (fromBase64Url(signature) === null) return problem('malformed', 'signature: not canonical base64url');
  const header = decodeJson(head);
  const payload = decodeJson(body);
  if (!header.ok) return problem('malformed', `header: ${header.problem}`);
  if (!payload.ok) return problem('malformed', `payload: ${payload.problem}`);
  return { ok: true, header: header.value, payload: payload.value };
}

/** Strict: exactly `alg: EdDSA`, the wanted `typ` and a pinned `kid` in the header, nothing else in it. Never throws for bad input. */
export async function verifyJws(compact: string, kind: JwsKind, keys: PinnedKeys): Promise<VerifiedJws | JwsProblem> {
  const peeked = peekJws(compact);
  if (!peeked.ok) return peeked;
  const header = headerOf(peeked.header, kind);
  if (!header.ok) return problem('signature', `header: ${header.problem}`);
  const { kid } = header.value;
  const key = keys.get(kid);
  if (key === undefined) return problem('signature', 'it is signed by a key that is not pinned here');
  const { compactVerify, errors } = await import('jose');
  try {
    await compactVerify(compact, key, { algorithms: ['EdDSA'] });
  } catch (error) {
    if (error instanceof errors.JOSEError) return problem('signature', 'the signature is wrong');
    throw error;
  }
  return { ok: true, payload: peeked.payload, kid };
}

function headerOf(value: unknown, kind: JwsKind): Parsed<{ readonly kid: string }> {
  const check = object({ alg: literal('EdDSA'), typ: literal(kind.typ), kid: text(64, { min: 1 }) });
  return parseJson(check, JSON.stringify(value));
}
