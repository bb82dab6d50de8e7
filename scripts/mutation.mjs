// `npm run mutation`: switches each security check off and wants a test to fail. `-- new`, `-- room link`: see test/mutation.
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { root } from './static-checks.mjs';

process.env.HAUBAN_MUTATION_WORDS = process.argv.slice(2).join(' ');
await runnerImport(join(root, 'test/mutation/main.ts'), { root, configFile: false, logLevel: 'error' });
