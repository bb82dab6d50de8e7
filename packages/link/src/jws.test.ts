import { describe, expect, it } from 'vitest';
import { peekJws, signJws, verifyJws } from './jws.ts';
import { createKeyPair, keyPairToJwk, parseKeyPair, publicKeyFrom } from './key-pair.ts';
import { createEphemeralKey } from './link-keys.ts';

const key = createKeyPair();
const pinned = new Map([['k1', key.publicKey]]);
const TYP = 'hauban-test+jws';
const base64Url = (text: string): string => Buffer.from(text).toString('base64url');
const whyOf = (compact: string): string => {
  const peeked = peekJws(compact);
  return peeked.ok ? 'taken' : `${peeked.problem} ${peeked.why}`;
};

describe('a JWS', () => {
  it('is refused before it is parsed when it is too long', async () => {
    const long = await signJws({ text: 'x'.repeat(300_000) }, key, { typ: TYP, kid: 'k1' });
    expect(whyOf(long)).toBe('malformed not a compact JWS');
  });

  it.each(['', 'a.b', 'a.b.c.d', 'a.b.c\n', ' a.b.c', 'a..c', '{"alg":"none"}'])(
    'is refused when it is no compact one: %j',
    (text) => {
      expect(whyOf(text)).toBe('malformed not a compact JWS');
    },
  );

  it('is refused with a header or payload that is no JSON, or in a second encoding of the same bytes', async () => {
    const [head = '', body = '', signature = ''] = (await signJws({ a: 1 }, key, { typ: TYP, kid: 'k1' })).split('.');
    expect(whyOf(`${base64Url('{')}.${body}.${signature}`)).toMatch(/^malformed header: not JSON/);
    expect(whyOf(`${head}.${base64Url('{')}.${signature}`)).toMatch(/^malformed payload: not JSON/);
    // `{}` has four bits to spare: `e30` and `e31` are the same bytes.
    expect(whyOf(`${head}.e30.${signature}`)).toBe('taken');
    expect(whyOf(`${head}.e31.${signature}`)).toBe('malformed payload: not canonical base64url');
    expect(whyOf(`e31.${body}.${signature}`)).toBe('malformed header: not canonical base64url');
  });

  it('that is malformed is refused by the verification with the same words', async () => {
    expect(await verifyJws('a.b', { typ: TYP }, pinned)).toEqual(peekJws('a.b'));
  });

  it.each([
    ['another algorithm', { alg: 'none', typ: TYP, kid: 'k1' }],
    ['another kind', { alg: 'EdDSA', typ: 'JWT', kid: 'k1' }],
    ['a field more', { alg: 'EdDSA', typ: TYP, kid: 'k1', jwk: {} }],
    ['no name of a key', { alg: 'EdDSA', typ: TYP, kid: '' }],
    ['the name of a key that is not pinned', { alg: 'EdDSA', typ: TYP, kid: 'k2' }],
  ])('is refused with %s in its header', async (_, header) => {
    const [, body = '', signature = ''] = (await signJws({ a: 1 }, key, { typ: TYP, kid: 'k1' })).split('.');
    const verified = await verifyJws(`${base64Url(JSON.stringify(header))}.${body}.${signature}`, { typ: TYP }, pinned);
    expect(verified).toMatchObject({ ok: false, problem: 'signature' });
  });
});

describe('a key from a text', () => {
  const jwk = (change: Record<string, unknown>): string =>
    JSON.stringify({ ...(JSON.parse(keyPairToJwk(key)) as object), ...change });
  const problemOf = (source: string): string => {
    const parsed = parseKeyPair(source);
    return parsed.ok ? 'taken' : parsed.problem;
  };
  // 43 letters whose last has bits to spare: no 32 bytes in canonical form.
  const notCanonical = `${'A'.repeat(42)}B`;

  it('is refused when a half of it is no 32 bytes in canonical form', () => {
    expect(problemOf(keyPairToJwk(key))).toBe('taken');
    expect(problemOf(jwk({ d: notCanonical }))).toBe('its numbers are not 32 bytes each');
    expect(problemOf(jwk({ x: notCanonical }))).toBe('its numbers are not 32 bytes each');
    expect(publicKeyFrom(notCanonical)).toBeNull();
  });

  it('is refused when its halves are of two keys', () => {
    expect(problemOf(jwk({ x: createKeyPair().publicText }))).toBe(
      'its public half does not belong to its private half',
    );
  });

  it('agrees only once, and with no key that is damaged or of small order', () => {
    const mine = createEphemeralKey();
    const theirs = createEphemeralKey();
    expect(mine.agree(theirs.publicText)).toHaveLength(32);
    expect(mine.agree(theirs.publicText)).toBeNull();
    expect(createEphemeralKey().agree(notCanonical)).toBeNull();
    expect(createEphemeralKey().agree('A'.repeat(43))).toBeNull();
  });
});
