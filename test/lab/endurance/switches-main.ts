import { parseArgs } from 'node:util';
import { createCheckpoint } from './checkpoint.ts';
import { addCounts, quantileMs, quantileOf, total, type LatencyBuckets } from './latency.ts';
import type { NodeFacts } from './order-runner.ts';
import { runSwitches, type SwitchBatch } from './switches.ts';

/** `npm run switches -- <number>`: `scripts/switches.mjs` bundles and runs this file. */

/** What has been done so far; kept after each batch, so that a run that is cut off goes on. */
interface Tally {
  readonly seed: number;
  readonly switches: number;
  done: number;
  elapsedMs: number;
  requests: number;
  failed: Readonly<Record<string, number>>;
  versions: Readonly<Record<string, number>>;
  still: LatencyBuckets;
  switching: LatencyBuckets;
  tookMs: number[];
  /** One list a run: a run has a node of its own. */
  readonly facts: NodeFacts[][];
}

const BATCH = 100;
const CLIENTS = 8;
const PERIOD_MS = 50;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const checkpoint = createCheckpoint<Tally>('switches');

function loadTally(switches: number, seed: number, isAnew: boolean): Tally {
  if (isAnew) checkpoint.forget();
  const kept = checkpoint.load((one) => one.switches === switches && one.seed === seed && one.done < switches);
  const none = { failed: {}, versions: {}, still: {}, switching: {}, tookMs: [], facts: [] };
  return kept ?? { seed, switches, done: 0, elapsedMs: 0, requests: 0, ...none };
}

function addBatch(tally: Tally, { switches, tookMs, load, facts, elapsedMs }: SwitchBatch): void {
  tally.done += switches;
  tally.elapsedMs += elapsedMs;
  tally.requests += load.requests;
  tally.failed = addCounts(tally.failed, load.failed);
  tally.versions = addCounts(tally.versions, load.versions);
  tally.still = addCounts(tally.still, load.latency['still'] ?? {});
  tally.switching = addCounts(tally.switching, load.latency['switching'] ?? {});
  tally.tookMs.push(...tookMs.map((ms) => Math.round(ms)));
  tally.facts.at(-1)?.push(facts);
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const latencyText = (buckets: LatencyBuckets): string =>
  `p50 ${ms(quantileMs(buckets, 0.5))}, p99 ${ms(quantileMs(buckets, 0.99))}, longest ${ms(quantileMs(buckets, 1))}`;

function growthText(facts: readonly NodeFacts[]): string {
  const [first, last] = [facts[0], facts.at(-1)];
  if (first === undefined || last === undefined) return '';
  return (Object.keys(first) as (keyof NodeFacts)[])
    .map((name) => `${name} ${first[name]} -> ${last[name]}`)
    .join(', ');
}

function printTally(tally: Tally): void {
  const failed = total(tally.failed);
  say(
    [
      `${tally.done} switches in ${Math.round(tally.elapsedMs / 1000)} s (${((tally.done * 1000) / tally.elapsedMs).toFixed(2)}/s): p50 ${ms(quantileOf(tally.tookMs, 0.5))}, p99 ${ms(quantileOf(tally.tookMs, 0.99))}, longest ${ms(Math.max(...tally.tookMs))}`,
      `${tally.requests} requests, ${failed} failed ${failed === 0 ? '' : JSON.stringify(tally.failed)}; answered by ${JSON.stringify(tally.versions)}`,
      `an answer while switching: ${latencyText(tally.switching)}`,
      `an answer while still:     ${latencyText(tally.still)}`,
      ...tally.facts.map((run, index) => `node of run ${index + 1}, first to last batch: ${growthText(run)}`),
    ].join('\n'),
  );
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string', default: '1' }, anew: { type: 'boolean', default: false } },
  });
  const [switches, seed] = [Number(positionals[0] ?? '1000'), Number(values.seed)];
  if (!Number.isSafeInteger(switches) || switches < 1 || !Number.isSafeInteger(seed)) {
    say('npm run switches -- <number> [--seed <number>] [--anew]');
    return 2;
  }
  const tally = loadTally(switches, seed, values.anew);
  if (tally.done > 0) say(`goes on after ${tally.done} switches`);
  tally.facts.push([]);
  const plan = { switches: switches - tally.done, seed: seed + tally.done, batch: BATCH };
  await runSwitches({ ...plan, clients: CLIENTS, periodMs: PERIOD_MS }, (batch) => {
    addBatch(tally, batch);
    checkpoint.save(tally);
    for (const failure of batch.load.lastFailures) say(`  ${failure}`);
    say(
      `${tally.done} of ${switches}: ${ms(quantileOf(batch.tookMs, 0.5))} a switch, ${tally.requests} requests, ${total(tally.failed)} failed`,
    );
  });
  printTally(tally);
  return total(tally.failed) === 0 ? 0 : 1;
}

process.exitCode = await main();
