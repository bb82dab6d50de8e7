import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanStaleLab } from './clean-stale-lab.ts';
import { createDisposableNode } from './disposable-node.ts';
import { labCacheFolder } from './lab-folders.ts';
import { labRunFolder, startTicksOf } from './lab-owner.ts';
import { mountsBelow } from './mount-table.ts';
import { descendantsOf, programNameOf } from './process-tree.ts';
import { startProgram, waitUntil, type RunningProgram } from './program.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();

describe.skipIf(!lab.ok)('what a crashed run leaves', () => {
  const bundle = join(labCacheFolder(), `crashing-owner-${process.pid}.mjs`);
  beforeAll(async () => {
    const source = fileURLToPath(new URL('./crashing-owner.ts', import.meta.url));
    await build({
      entryPoints: [source],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
    });
  });
  let crashing: RunningProgram | null = null;
  afterAll(async () => {
    await crashing?.stop('SIGKILL');
    rmSync(bundle, { force: true });
  });

  it('dies with it, and is removed by the next run, which keeps its own nodes', async () => {
    const own = await createDisposableNode({ name: 'alive' });
    crashing = await startProgram(process.execPath, [bundle]);
    await crashing.waitForOutput('standing', 120_000);
    const owner = `${crashing.pid}-${startTicksOf(crashing.pid)}`;
    const below = descendantsOf(crashing.pid);
    expect(below.map(programNameOf)).toContain('systemd');
    expect(mountsBelow(join(labRunFolder, owner))).not.toHaveLength(0);
    expect(readdirSync('/run/netns').filter((name) => name.includes(owner))).toHaveLength(4);
    await crashing.stop('SIGKILL');

    // Without any cleaning: the nodes' processes end with their owner. The sleeper that changed its ids does not.
    const nodes = below.filter((pid) => ['systemd', 'tini', 'apache2', 'cat'].includes(programNameOf(pid) ?? ''));
    await waitUntil('the end of the nodes', () => nodes.every((pid) => startTicksOf(pid) === null));

    // Another run on this machine may be cleaning at the same time, so only what is left afterwards counts.
    await cleanStaleLab();
    expect(below.filter((pid) => startTicksOf(pid) !== null)).toEqual([]);
    expect(existsSync(join(labRunFolder, owner))).toBe(false);
    expect(readdirSync('/run/netns').filter((name) => name.includes(owner))).toEqual([]);
    expect(mountsBelow(join(labRunFolder, owner))).toEqual([]);
    await own.mustRun('/usr/bin/true');
    await own.destroy();
  });
});
