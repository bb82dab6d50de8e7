// `npm run lab -- up | down | status | enter <node>`: bundles test/lab/lab-cli.ts (Node 20 runs no TypeScript) and runs
// the bundle with the same arguments. The bundle keeps running after `up`, so it lies in the cache and not in a
// temporary folder.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

if (process.getuid?.() !== 0) {
  process.stderr.write('lab: nodes of the lab need root (namespaces, mounts). Run the same command as root.\n');
  process.exit(1);
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bundle = join(root, '.cache/lab/cli.mjs');

await build({
  entryPoints: [join(root, 'test/lab/lab-cli.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
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

const result = spawnSync(process.execPath, [bundle, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = result.status ?? 1;
