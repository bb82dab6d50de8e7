// Bundles a TypeScript program of the lab (Node 20 runs no TypeScript) into the cache and runs it with the same arguments.
// The bundle lies in the cache and not in a temporary folder, because such a program may keep running.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** `entry` below test/lab; gives the exit status. */
export async function runLabProgram(entry, outName, args) {
  if (process.getuid?.() !== 0) {
    process.stderr.write('lab: nodes of the lab need root (namespaces, mounts). Run the same command as root.\n');
    return 1;
  }
  const bundle = join(root, '.cache/lab-programs', outName);
  await build({
    entryPoints: [join(root, 'test/lab', entry)],
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
  return spawnSync(process.execPath, [bundle, ...args], { stdio: 'inherit' }).status ?? 1;
}
