import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fleetTable, runFleet } from './index.ts';

/** `npm run fleet -- 5000` is the same with more nodes and more kills. */
const NODES = 100;
const seed = Number(process.env['HAUBAN_FLEET_SEED'] ?? String(randomInt(1, 2 ** 31)));

it(`${NODES} nodes under kills of nodes, controller and database, and cut links: no effect twice, no outcome lost`, async () => {
  const lines: string[] = [];
  const report = await runFleet({
    home: fileURLToPath(new URL('../..', import.meta.url)),
    ...{ nodes: NODES, nodesPerHost: 50, seed, enrolled: NODES, idleMs: 1000, slowMs: 50, waits: 0.05 },
    blows: { controller: 1, database: 1, nodes: 1, links: 1 },
    print: (line) => void lines.push(`${(performance.now() / 1000).toFixed(1)} s ${line}`),
  }).catch((error: unknown) => {
    process.stderr.write(`fleet: seed ${seed}\n${lines.join('\n')}\n`);
    throw error;
  });
  process.stderr.write(`\n${fleetTable(report)}\n`);
  expect(report.problems, `seed ${seed}\n${lines.join('\n')}`).toEqual([]);
  const states = Object.fromEntries(report.runs.map(({ name, state }) => [name, state]));
  expect(states).toEqual({ measured: 'running', 'at once': 'running', waves: 'running', threshold: 'stopped' });
  expect(report.runs[0]?.outcomes).toEqual({ succeeded: NODES });
  // A node that is killed in the middle may fail, and is then as it was before; no other end is possible.
  for (const { outcomes } of report.runs.slice(1, 3)) {
    const { succeeded = 0, failed = 0, ...others } = outcomes;
    expect(others).toEqual({});
    expect(succeeded + failed).toBe(NODES);
  }
}, 300_000);
