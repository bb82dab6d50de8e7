// `npm run catalogue -- 500`: so many cases over all actions, each on a real node, with the table of what came of it (also
// in test-results/catalogue.md and .json). It goes on where the last run of the same number ended; `-- 500 --anew` begins
// again, `--minutes 30` begins no case after that, `--only database.,mail` takes only actions whose names begin so.
// `npm test` makes one case of each action that is not dear.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runNode } from './static-checks.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    anew: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const [cases = '500'] = positionals;
const isNumber = (text) => /^[1-9]\d{0,4}$/.test(text);
if (!isNumber(cases) || !isNumber(values.minutes ?? '1') || positionals.length > 1) {
  process.stderr.write('catalogue: a number of cases, such as 500, then --anew, --minutes 30, --only database.,mail\n');
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
    '--reporter=verbose',
  ],
  {
    isLive: true,
    deadlineMs: 6 * 3_600_000,
    env: {
      HAUBAN_CASES: cases,
      HAUBAN_ACTIONS: values.only,
      ...(values.anew ? { HAUBAN_ANEW: '1' } : {}),
      ...(values.minutes === undefined ? {} : { HAUBAN_MINUTES: values.minutes }),
    },
  },
);
process.exitCode = result.ok ? 0 : 1;
