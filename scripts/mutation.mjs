// `npm run mutation`: switches each security check off and wants a test to fail. `-- new`, `-- room link`: see test/mutation.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { root } from './static-checks.mjs';

const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
process.env.HAUBAN_MUTATION_WORDS = process.argv.slice(2).join(' ');
await runnerImport(join(root, 'test/mutation/main.ts'), { root, configFile: false, logLevel: 'error' });
