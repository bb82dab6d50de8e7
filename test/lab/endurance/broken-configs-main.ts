import { parseArgs } from 'node:util';
import { runBrokenConfigs, type BrokenCase } from './broken-configs.ts';
import { total } from './latency.ts';

/** `npm run broken-configs -- <number>`: `scripts/broken-configs.mjs` bundles and runs this file. */

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const isWrong = ({ verdict, done, isOtherMaster }: BrokenCase): boolean =>
  isOtherMaster || (verdict.isBroken && done.outcome !== 'refused');

const describe = ({ name, files, verdict, done }: BrokenCase): string =>
  [
    name,
    `  there: ${verdict.passesTest ? 'passes the test, then ' : ''}${verdict.why.split('\n').join(' / ')}`,
    `  here: ${done.outcome} ${done.code ?? ''} ${done.detail}`,
    ...files.map(([path, content]) => `  ${path}: ${JSON.stringify(content).slice(0, 2000)}`),
  ].join('\n');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string', default: '1' }, all: { type: 'boolean', default: false } },
  });
  const [broken, seed] = [Number(positionals[0] ?? '1000'), Number(values.seed)];
  if (!Number.isSafeInteger(broken) || broken < 1 || !Number.isSafeInteger(seed)) {
    say('npm run broken-configs -- <number> [--seed <number>] [--all]');
    return 2;
  }
  const cases: BrokenCase[] = [];
  const startedMs = performance.now();
  const load = await runBrokenConfigs({ broken, seed }, (found) => {
    cases.push(found);
    if (values.all || isWrong(found)) say(describe(found));
    if (cases.length % 50 === 0) say(`${cases.length} candidates, ${cases.filter(isWrong).length} wrong`);
  });
  const known = cases.filter(({ verdict }) => verdict.isBroken);
  const wrong = cases.filter(isWrong);
  const placed = known.filter(({ done }) => /\/\S+ line \d+/.test(done.detail));
  const careful = cases.filter(({ verdict, done }) => !verdict.isBroken && done.outcome === 'refused');
  for (const found of careful) say(`refused, and Apache would have gone on: ${describe(found)}`);
  say(
    [
      `${known.length} broken candidates in ${Math.round((performance.now() - startedMs) / 1000)} s: ${known.length - wrong.length} refused, ${placed.length} of them with file and line; ${wrong.length} wrong`,
      `${known.filter(({ verdict }) => verdict.passesTest).length} of them pass Apache's own test`,
      `${cases.length - known.length} candidates were good, ${careful.length} of those were refused`,
      `${load.requests} requests to the neighbours, ${total(load.failed)} failed, ${load.retried} sent again on a new connection; longest time without an answer ${Math.round(load.longestGapMs)} ms`,
      ...load.lastFailures,
    ].join('\n'),
  );
  return wrong.length === 0 && total(load.failed) === 0 ? 0 : 1;
}

process.exitCode = await main();
