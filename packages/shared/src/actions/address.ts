/**
 * Addresses and prefixes as numbers. nft reads `010.1.1.1` as 8.1.1.1, `0` as 0.0.0.0 and `localhost` through the
 * resolver, so nothing reaches it but the canonical text made here (RFC 5952 for IPv6).
 */
export interface Prefix {
  readonly family: 4 | 6;
  /** 32 or 128 bits, host bits zero. */
  readonly bits: bigint;
  /** 0 to 32 or 128; the full length is a single address. */
  readonly length: number;
}

export const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);
export const isSingle = (prefix: Prefix): boolean => prefix.length === bitsOf(prefix.family);

function parseIpv4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let bits = 0n;
  for (const part of parts) {
    // No leading zero: some readers take it for octal.
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

/** Groups of one side of `::`; a dotted quad counts as two and may only be last. */
function parseGroups(text: string, mayEndInIpv4: boolean): bigint[] | null {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const quad = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : null;
      if (quad === null) return null;
      groups.push(quad >> 16n, quad & 0xffffn);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

function parseIpv6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2 || text.length > 45) return null;
  const [left = '', right] = halves;
  const head = parseGroups(left, right === undefined);
  const tail = right === undefined ? [] : parseGroups(right, true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: Math.max(0, missing) }, () => 0n), ...tail];
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n);
}

const MAPPED = 0xffffn;

/** An address or `address/length` with host bits zero; IPv4-mapped IPv6 becomes IPv4. Null for anything else. */
export function parsePrefix(text: string): Prefix | null {
  const [address = '', lengthText, ...rest] = text.split('/');
  if (rest.length > 0) return null;
  const family = address.includes(':') ? 6 : 4;
  const bits = family === 4 ? parseIpv4(address) : parseIpv6(address);
  if (bits === null) return null;
  if (lengthText !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(lengthText)) return null;
  const length = lengthText === undefined ? bitsOf(family) : Number(lengthText);
  if (length > bitsOf(family) || (bits & hostMask(family, length)) !== 0n) return null;
  if (family === 6 && length >= 96 && bits >> 32n === MAPPED)
    return { family: 4, bits: bits & 0xffff_ffffn, length: length - 96 };
  return { family, bits, length };
}

const hostMask = (family: 4 | 6, length: number): bigint => (1n << BigInt(bitsOf(family) - length)) - 1n;

function formatIpv6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((bits >> BigInt(112 - index * 16)) & 0xffffn));
  // The first of the longest runs of two or more zero groups is written `::`.
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (bestStart === -1) return hex(groups);
  return `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}

/** Canonical text of the address part. */
export function formatAddress(prefix: Prefix): string {
  if (prefix.family === 6) return formatIpv6(prefix.bits);
  return [24n, 16n, 8n, 0n].map((shift) => String((prefix.bits >> shift) & 0xffn)).join('.');
}

/** Canonical text; a single address is written without its length. */
export const formatPrefix = (prefix: Prefix): string =>
  isSingle(prefix) ? formatAddress(prefix) : `${formatAddress(prefix)}/${prefix.length}`;

/** Every address of `inner` lies in `outer`. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  const shift = BigInt(bitsOf(outer.family) - outer.length);
  return outer.bits >> shift === inner.bits >> shift;
}

/** Prefixes overlap only when one contains the other. */
export const overlapsPrefix = (a: Prefix, b: Prefix): boolean => containsPrefix(a, b) || containsPrefix(b, a);

const SPECIAL: readonly (readonly [text: string, what: string])[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1', 'loopback'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
];
const SPECIAL_PREFIXES = SPECIAL.flatMap(([text, what]) => {
  const prefix = parsePrefix(text);
  return prefix === null ? [] : [{ prefix, what }];
});

/** What kind of special range it touches (`loopback`, `multicast` ...), or null for ordinary unicast. */
export const specialRange = (prefix: Prefix): string | null =>
  SPECIAL_PREFIXES.find((special) => overlapsPrefix(special.prefix, prefix))?.what ?? null;
