import type { Rollout, Share, Strategy } from './run-strategy.ts';

/** A share of `total` as a number of nodes, at least 1. */
function nodesOf(share: Share, total: number, round: (n: number) => number): number {
  const exact = typeof share === 'number' ? share : (Number.parseInt(share, 10) / 100) * total;
  return Math.max(1, round(exact));
}

const DEFAULT_WAVES: readonly Share[] = ['10%', '25%', '50%', '100%'];

/** Sizes of the waves after the canary; the last size is repeated until every node has one. */
function waveSizes(waves: readonly Share[], left: number, total: number): number[] {
  const sizes: number[] = [];
  let rest = left;
  for (let at = 0; rest > 0; at += 1) {
    const share = waves[Math.min(at, waves.length - 1)] ?? '100%';
    const size = Math.min(rest, nodesOf(share, total, Math.ceil));
    sizes.push(size);
    rest -= size;
  }
  return sizes;
}

/**
 * What a strategy means for so many nodes, with everything filled in that was left out. Shares are of all nodes of the run:
 * waves are rounded up, thresholds down, and neither is below 1.
 */
export function rolloutOf(strategy: Strategy, total: number): Rollout {
  const canary = Math.min(strategy.canary ?? (total > 1 ? 1 : 0), total);
  const waves = waveSizes(strategy.waves ?? DEFAULT_WAVES, total - canary, total);
  return {
    waves: canary > 0 ? [canary, ...waves] : waves,
    hasCanary: canary > 0,
    maxInFlight: strategy.maxInFlight ?? 500,
    pauseMs: (strategy.pauseSeconds ?? 10) * 1000,
    healthGate: strategy.healthGate ?? true,
    stopAfter: nodesOf(strategy.stopAfter ?? '5%', total, Math.floor),
    stopAfterInCanary: nodesOf(strategy.stopAfterInCanary ?? 1, canary, Math.floor),
    onFailure: strategy.onFailure ?? 'stop',
  };
}

/** One wave of everything, never stopped: for a sequence of steps that goes at once. */
export function rolloutAtOnce(total: number): Rollout {
  return {
    waves: [total],
    hasCanary: false,
    maxInFlight: total,
    pauseMs: 0,
    healthGate: false,
    stopAfter: total + 1,
    stopAfterInCanary: total + 1,
    onFailure: 'stop',
  };
}
