/** Program of `npm run fleet`: so many nodes as its argument says; seed, kills and runs by the environment. */
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fleetTable, runFleet, type RunName } from './index.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const RUNS: readonly RunName[] = ['measured', 'at once', 'waves', 'threshold'];
/** An enrolment is a handshake and a commit; 1,000 of them take 45 s when the machine has nothing else to do. */
const MOST_ENROLLED = 1_000;
const numberOf = (name: string, usual: number): number => Number(process.env[name] ?? usual);

async function main(home: string, size: string): Promise<number> {
  const nodes = Number(size);
  if (!Number.isInteger(nodes) || nodes < 10 || nodes > 10_000) {
    say(`fleet: "${size}" is no number of nodes from 10 to 10000; for example: npm run fleet -- 5000`);
    return 2;
  }
  const kills = numberOf('HAUBAN_FLEET_KILLS', 2);
  const seed = numberOf('HAUBAN_FLEET_SEED', randomInt(1, 2 ** 31));
  const wanted = process.env['HAUBAN_FLEET_RUNS']?.split(',') ?? RUNS;
  const startedMs = performance.now();
  say(`fleet: ${nodes} nodes, seed ${seed}, ${kills} kills of each part in each run`);
  const report = await runFleet({
    ...{
      home,
      nodes,
      seed,
      enrolled: numberOf('HAUBAN_FLEET_ENROLLED', MOST_ENROLLED),
      idleMs: 15_000,
      slowMs: 100,
      waits: 1,
    },
    nodesPerHost: Math.min(500, Math.ceil(nodes / 4)),
    blows: { controller: kills, database: kills, nodes: kills * 2, links: kills },
    runs: RUNS.filter((name) => wanted.includes(name)),
    print: (line) => say(`fleet: ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${line}`),
  });
  const folder = join(home, 'test-results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'fleet.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`${fleetTable(report)}\n`);
  for (const { rule, says } of report.problems.slice(0, 50)) say(`PROBLEM ${rule}: ${says}`);
  return report.problems.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv[2] ?? '', process.argv[3] ?? '');
