import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { switchedPrograms } from '../mutation/switched-programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Bundles a TypeScript program of the tests from source, so that it can run as a process of its own without a build
 * before. It lies below the repository, where node_modules is found.
 * @param entry path below `test/`; @returns path of the program
 */
export async function bundleProgram(entry: string): Promise<string> {
  const folder = join(ROOT, '.cache', 'test-programs');
  mkdirSync(folder, { recursive: true });
  const switched = switchedPrograms();
  const outfile = join(folder, `${entry.replaceAll(/[^a-z0-9-]/g, '-')}-${process.pid}.mjs`);
  await build({
    entryPoints: [join(ROOT, 'test', entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    external: ['node-pty'],
    banner: {
      js: `import { createRequire as hostRequire } from 'node:module'; const require = hostRequire(import.meta.url);${switched.banner}`,
    },
    plugins: switched.plugins,
    logLevel: 'warning',
  });
  return outfile;
}
