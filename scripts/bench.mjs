// `npm run bench`: builds, then measures against floors in the same run. `npm run bench -- link order` runs some.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (built.status !== 0) process.exit(1);
const outfile = join(root, '.cache/bench/main.mjs');
await build({
  entryPoints: [join(root, 'test/bench/main.ts')],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['source'],
  packages: 'external',
  alias: { '@hauban/link': join(root, 'packages/link/src/index.ts') },
  plugins: [
    {
      // Our own packages are bundled from source; others are loaded as they are installed.
      name: 'own-sources',
      setup: ({ onResolve }) => {
        onResolve({ filter: /^@hauban\/shared\// }, ({ path }) => ({
          path: join(root, 'packages/shared/src', path.split('/')[2], 'index.ts'),
        }));
      },
    },
  ],
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, ['--expose-gc', outfile, ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exit(run.status ?? 1);
