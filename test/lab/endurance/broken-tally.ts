import { BROKEN, CONTROL, type BrokenCase } from './broken-configs.ts';
import { addCounts, quantileMs, total, type LatencyBuckets } from './latency.ts';
import type { LoadReport } from './site-load.ts';

/** What the broken configurations have shown so far. */
export interface BrokenTally {
  readonly seed: number;
  readonly wanted: number;
  candidates: number;
  /** By server; what the oracle calls broken. */
  broken: Readonly<Record<string, number>>;
  /** Of those. */
  refused: number;
  passTheTest: number;
  placed: number;
  wrong: number;
  /** Good ones that were not taken. */
  careful: number;
  elapsedMs: number;
  requests: number;
  retried: number;
  failed: Readonly<Record<string, number>>;
  /** By phase: from one right answer of a site to its next. */
  gaps: Readonly<Record<string, LatencyBuckets>>;
}

export const emptyTally = (wanted: number, seed: number): BrokenTally => ({
  ...{ seed, wanted, candidates: 0, broken: {}, refused: 0, passTheTest: 0, placed: 0, wrong: 0, careful: 0 },
  ...{ elapsedMs: 0, requests: 0, retried: 0, failed: {}, gaps: {} },
});

/** Refused before anything was touched, or tried and taken back. */
const isKeptOut = ({ done }: BrokenCase): boolean => done.outcome === 'refused' || done.outcome === 'failed';

export const isWrong = (found: BrokenCase): boolean =>
  found.isOtherMaster || (found.verdict.isBroken && !isKeptOut(found));

export function addCase(tally: BrokenTally, found: BrokenCase, load: LoadReport, tookMs: number): void {
  const { verdict, done, server } = found;
  tally.candidates += 1;
  tally.elapsedMs += tookMs;
  tally.wrong += isWrong(found) ? 1 : 0;
  if (verdict.isBroken) {
    tally.broken = addCounts(tally.broken, { [server]: 1 });
    tally.refused += isKeptOut(found) ? 1 : 0;
    tally.passTheTest += verdict.passesTest ? 1 : 0;
    tally.placed += /\/\S+(?: line |:)\d+/.test(done.detail) ? 1 : 0;
  } else if (isKeptOut(found)) tally.careful += 1;
  tally.requests += load.requests;
  tally.retried += load.retried;
  tally.failed = addCounts(tally.failed, load.failed);
  const phases = [...new Set([...Object.keys(tally.gaps), ...Object.keys(load.gaps)])];
  tally.gaps = Object.fromEntries(
    phases.map((phase) => [phase, addCounts(tally.gaps[phase] ?? {}, load.gaps[phase] ?? {})]),
  );
}

const longestGapMs = ({ gaps }: Pick<BrokenTally, 'gaps'>, phase: string): number => quantileMs(gaps[phase] ?? {}, 1);

function gapText(tally: BrokenTally, phase: string): string {
  const buckets = tally.gaps[phase] ?? {};
  const [p50, p999] = [quantileMs(buckets, 0.5), quantileMs(buckets, 0.999)];
  return `p50 ${Math.round(p50)} ms, p99.9 ${Math.round(p999)} ms, longest ${Math.round(longestGapMs(tally, phase))} ms of ${total(buckets)}`;
}

export function tallyText(tally: BrokenTally): string {
  const count = total(tally.broken);
  const servers = Object.entries(tally.broken).map(([server, some]) => `${server} ${some}`);
  return [
    `${count} broken candidates (${servers.toSorted((a, b) => a.localeCompare(b)).join(', ')}) in ${Math.round(tally.elapsedMs / 1000)} s: ${tally.refused} kept out, ${tally.placed} of them with file and line; ${tally.wrong} wrong`,
    `${tally.passTheTest} of them pass the server's own test; ${tally.candidates - count} candidates were good, ${tally.careful} of those were not taken`,
    `${tally.requests} requests to the neighbours, ${total(tally.failed)} failed, ${tally.retried} sent again on a new connection`,
    `time between two answers of a site, with a broken one there: ${gapText(tally, BROKEN)}`,
    `time between two answers of a site, control without any:     ${gapText(tally, CONTROL)}`,
  ].join('\n');
}
