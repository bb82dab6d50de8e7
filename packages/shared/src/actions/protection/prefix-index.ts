import { bitsOf, type Prefix } from '../address.ts';

/** Prefixes of which one can ask quickly which lie around or in another one. Ten thousands of them fit. */
export interface PrefixIndex {
  /** The widest one that holds this one and is not the same; null: none. */
  around(prefix: Prefix): Prefix | null;
  /** Those that lie in this one and are not the same. */
  inside(prefix: Prefix): readonly Prefix[];
}

const cut = ({ family, bits }: Prefix, length: number): bigint => {
  const shift = BigInt(bitsOf(family) - length);
  return (bits >> shift) << shift;
};

/** The first place whose bits are not below these. */
function firstFrom(sorted: readonly Prefix[], bits: bigint): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.bits ?? 0n) < bits) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function createPrefixIndex(prefixes: readonly Prefix[]): PrefixIndex {
  const sorted = { 4: [] as Prefix[], 6: [] as Prefix[] };
  const byLength = { 4: new Map<number, Map<bigint, Prefix>>(), 6: new Map<number, Map<bigint, Prefix>>() };
  for (const prefix of prefixes) {
    sorted[prefix.family].push(prefix);
    const lengths = byLength[prefix.family];
    const known = lengths.get(prefix.length) ?? new Map<bigint, Prefix>();
    lengths.set(prefix.length, known.set(prefix.bits, prefix));
  }
  for (const family of [4, 6] as const)
    sorted[family].sort((a, b) => (a.bits === b.bits ? a.length - b.length : a.bits < b.bits ? -1 : 1));
  return {
    around(prefix) {
      const lengths = byLength[prefix.family];
      for (const length of [...lengths.keys()].toSorted((a, b) => a - b)) {
        if (length >= prefix.length) return null;
        const found = lengths.get(length)?.get(cut(prefix, length));
        if (found !== undefined) return found;
      }
      return null;
    },
    inside(prefix) {
      const own = sorted[prefix.family];
      const end = prefix.bits + (1n << BigInt(bitsOf(prefix.family) - prefix.length));
      const found: Prefix[] = [];
      for (let at = firstFrom(own, prefix.bits); at < own.length; at += 1) {
        const candidate = own[at];
        if (candidate === undefined || candidate.bits >= end) break;
        if (candidate.length > prefix.length) found.push(candidate);
      }
      return found;
    },
  };
}
