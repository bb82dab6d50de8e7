// `npm run fleet -- 5000`: builds, then so many simulated nodes under kills (test/fleet). What came of it is printed and
// kept in test-results/fleet.json. HAUBAN_FLEET_KILLS: kills of each part in each run; HAUBAN_FLEET_SEED: the seed;
// HAUBAN_FLEET_RUNS: only these of `measured,at once,waves,threshold`; HAUBAN_FLEET_ENROLLED: nodes that enrol over a link.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (built.status !== 0) process.exit(1);

const outfile = join(root, '.cache/fleet/main.mjs');
await build({
  entryPoints: [join(root, 'test/fleet/main.ts')],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['source'],
  // The product's packages are bundled from source; everything else is found in node_modules as usual.
  plugins: [
    {
      name: 'keep-npm-packages-outside',
      setup({ onResolve }) {
        onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
          kind === 'entry-point' || path.startsWith('@hauban/') ? null : { path, external: true },
        );
      },
    },
  ],
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, [outfile, root, ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exit(run.status ?? 1);
