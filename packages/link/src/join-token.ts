import { UUID_PATTERN, type Parsed } from '@hauban/shared/protocol';

/** A join token (rule ENROL1): `hbj1.<token id>.<secret>.<thumbprint>`. */
export interface JoinToken {
  readonly tokenId: string;
  /** 32 random bytes, base64url. The controller stores only the SHA-256 of it. */
  readonly secret: string;
  /** base64url SHA-256 of the controller's public link key. */
  readonly thumbprint: string;
}

const UUID = new RegExp(UUID_PATTERN);
const BYTES_32 = /^[A-Za-z0-9_-]{43}$/;

export const formatJoinToken = (token: JoinToken): string =>
  `hbj1.${token.tokenId}.${token.secret}.${token.thumbprint}`;

/** The problem never quotes the text: it may hold a secret. */
export function parseJoinToken(source: string): Parsed<JoinToken> {
  const [kind, tokenId, secret, thumbprint, ...rest] = source.trim().split('.');
  if (kind !== 'hbj1' || tokenId === undefined || secret === undefined || thumbprint === undefined || rest.length > 0)
    return { ok: false, problem: 'the join token must have the form hbj1.<id>.<secret>.<thumbprint>: copy it whole' };
  if (!UUID.test(tokenId) || !BYTES_32.test(secret) || !BYTES_32.test(thumbprint))
    return { ok: false, problem: 'a part of the join token is damaged or missing: copy it whole' };
  return { ok: true, value: { tokenId, secret, thumbprint } };
}
