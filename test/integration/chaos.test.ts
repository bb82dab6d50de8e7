import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApache } from '../lab/apache.ts';
import { createDisposableNode, type DisposableNode } from '../lab/disposable-node.ts';
import { findRepositoryFolder } from '../lab/lab-folders.ts';
import { labRequirements } from '../lab/requirements.ts';
import { chaosProblems, chaosTable, REPORT_MARK, type ChaosReport } from './chaos/chaos-report.ts';

/**
 * kill -9 of each part, at random moments, in the middle of an action and of a shell. In a node of the lab, where users,
 * the firewall and Apache may change; `HAUBAN_CHAOS_KILLS` sets the kills of each part (4), `HAUBAN_CHAOS_SEED` the seed.
 */
const lab = labRequirements();
const home = findRepositoryFolder();
const kills = Number(process.env['HAUBAN_CHAOS_KILLS'] ?? '4');
const seed = Number(process.env['HAUBAN_CHAOS_SEED'] ?? String(randomInt(1, 2 ** 31)));
/** A kill costs about five seconds: until all is settled, and until everything is up again. */
const deadlineMs = 120_000 + kills * 4 * 12_000;

/** The product's own packages are bundled from source, so that the driver needs no loader; the rest is found as usual. */
async function bundleDriver(folder: string): Promise<string> {
  const outfile = join(folder, 'chaos-driver.mjs');
  await build({
    entryPoints: [join(home, 'test/integration/chaos/chaos-driver.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    plugins: [
      {
        name: 'keep-npm-packages-outside',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path.startsWith('@hauban/') ? null : { path, external: true },
          ),
      },
    ],
    logLevel: 'warning',
  });
  return outfile;
}

describe.skipIf(!lab.ok)('kill -9 (needs root and the lab)', () => {
  let node: DisposableNode;
  let folder = '';

  beforeAll(async () => {
    mkdirSync(join(home, '.cache'), { recursive: true });
    // In the repository: the node has its own /tmp, and the bundle finds packages from there.
    folder = mkdtempSync(join(home, '.cache/chaos-'));
    node = await createDisposableNode({
      name: 'chaos',
      phpRoots: ['8.4', '7.4'],
      // The repository may lie on a mount of its own or below /tmp, which are not in the node.
      binds: [{ hostPath: home, nodePath: home }],
    });
    await startApache(node);
  }, 900_000);
  afterAll(async () => {
    await node.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    `of link, executor, controller and PostgreSQL, ${kills} times each: no effect twice, no outcome lost`,
    async () => {
      process.stderr.write(`chaos: seed ${seed}\n`);
      const driver = await bundleDriver(folder);
      await node.mustRun('/usr/bin/mkdir', ['--mode=755', '/srv/chaos']);
      const running = await node.spawn(process.execPath, [driver, home, '/srv/chaos', String(seed), String(kills)], {
        timeoutMs: deadlineMs,
      });
      running.child.stderr?.pipe(process.stderr, { end: false });
      const { code, stdout, stderr, timedOut } = await running.exited;
      const line = stdout.split('\n').find((text) => text.startsWith(REPORT_MARK));
      expect(timedOut, 'the driver took too long').toBe(false);
      expect(code, stderr.slice(-3_000)).toBe(0);
      const report = JSON.parse(line?.slice(REPORT_MARK.length) ?? 'null') as ChaosReport;
      process.stderr.write(`\n${chaosTable(report)}\n`);
      expect(chaosProblems(report)).toEqual([]);
      expect(report.cases).toHaveLength(kills * 4);
      // Every order has an outcome; without an undo that failed, none is unknown.
      const outcomes = new Set(report.cases.map(({ outcome }) => outcome));
      for (const outcome of outcomes)
        expect(['succeeded', 'unchanged', 'failed', 'refused', 'expired']).toContain(outcome);
    },
    deadlineMs + 30_000,
  );
});
