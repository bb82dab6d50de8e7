/**
 * Links that have not proven anything yet. Each costs a socket and, after its hello, two key operations; so their
 * number is bounded, in all and per address, and each has a deadline elsewhere (rule TRANS4).
 */
export interface HalfOpenLinks {
  /** Takes a place; null when there is none. The place is given back once, by `release`. */
  take(address: string): { release(): void } | null;
  readonly size: number;
}

export interface HalfOpenLimits {
  readonly total: number;
  /** Generous: a whole data centre may come from one address after the controller was away. */
  readonly perAddress: number;
}

export const HALF_OPEN_LIMITS: HalfOpenLimits = { total: 2000, perAddress: 500 };

export function createHalfOpenLinks(limits: HalfOpenLimits): HalfOpenLinks {
  const byAddress = new Map<string, number>();
  let total = 0;
  return {
    take: (address) => {
      const here = byAddress.get(address) ?? 0;
      if (total >= limits.total || here >= limits.perAddress) return null;
      byAddress.set(address, here + 1);
      total += 1;
      let isHeld = true;
      return {
        release: () => {
          if (!isHeld) return;
          isHeld = false;
          total -= 1;
          const left = (byAddress.get(address) ?? 1) - 1;
          if (left === 0) byAddress.delete(address);
          else byAddress.set(address, left);
        },
      };
    },
    get size() {
      return total;
    },
  };
}
