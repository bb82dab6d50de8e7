// `npm run catalogue -- 500`: so many cases over all actions, each on a real node, with the table of what came of it (also
// in test-results/catalogue.md and .json). `npm run catalogue -- 60 database.` only actions whose name begins so. `npm test`
// makes one case of each action.
import { join } from 'node:path';
import { root, runNode } from './static-checks.mjs';

const [cases = '500', only = ''] = process.argv.slice(2);
if (!/^[1-9]\d{0,4}$/.test(cases)) {
  process.stderr.write('catalogue: first a number of cases, such as 500, then the beginning of the names of actions\n');
  process.exit(2);
}
const result = await runNode(
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'lab',
    'test/lab/catalogue',
    '--disable-console-intercept',
  ],
  { isLive: true, deadlineMs: 6 * 3_600_000, env: { HAUBAN_CASES: cases, HAUBAN_ACTIONS: only } },
);
process.exitCode = result.ok ? 0 : 1;
