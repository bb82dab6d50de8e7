import { parseArgs } from 'node:util';
import { runBrokenConfigs, type BrokenCase } from './broken-configs.ts';
import { addCase, emptyTally, isWrong, tallyText, type BrokenTally } from './broken-tally.ts';
import { createCheckpoint } from './checkpoint.ts';
import { total } from './latency.ts';

/** `npm run broken-configs -- <number>`: `scripts/broken-configs.mjs` bundles and runs this file. */

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const describe = ({ name, files, verdict, done, isOtherMaster }: BrokenCase): string =>
  [
    name,
    `  there: ${verdict.passesTest ? 'passes the test, then ' : ''}${verdict.why.split('\n').join(' / ')}`,
    `  here: ${done.outcome} ${done.code ?? ''} ${done.detail}${isOtherMaster ? '; another process serves' : ''}`,
    ...files.map(([path, content]) => `  ${path}: ${JSON.stringify(content).slice(0, 2000)}`),
  ].join('\n');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      all: { type: 'boolean', default: false },
      anew: { type: 'boolean', default: false },
    },
  });
  const [broken, seed] = [Number(positionals[0] ?? '1000'), Number(values.seed)];
  if (!Number.isSafeInteger(broken) || broken < 1 || !Number.isSafeInteger(seed)) {
    say('npm run broken-configs -- <number> [--seed <number>] [--all] [--anew]');
    return 2;
  }
  const checkpoint = createCheckpoint<BrokenTally>('broken-configs');
  if (values.anew) checkpoint.forget();
  const isSame = (kept: BrokenTally): boolean =>
    kept.wanted === broken && kept.seed === seed && total(kept.broken) < broken;
  const tally = checkpoint.load(isSame) ?? emptyTally(broken, seed);
  if (tally.candidates > 0) say(`goes on after ${total(tally.broken)} broken candidates`);
  let lastMs = performance.now();
  const plan = { broken: broken - total(tally.broken), seed: seed + tally.candidates };
  await runBrokenConfigs(plan, (found, load) => {
    addCase(tally, found, load, performance.now() - lastMs);
    lastMs = performance.now();
    checkpoint.save(tally);
    if (values.all || isWrong(found)) say(describe(found));
    for (const failure of load.lastFailures) say(`  ${found.name}: ${failure}`);
    if (tally.candidates % 50 === 0) say(tallyText(tally));
  });
  say(tallyText(tally));
  return tally.wrong === 0 && total(tally.failed) === 0 ? 0 : 1;
}

process.exitCode = await main();
