// `npm run switches -- 10000`: so many PHP switches under load on a real node, every answer judged. Goes on where the
// last run with the same number and seed ended; `-- 10000 --seed 2 --anew` begins again.
import { runLabProgram } from './lab-program.mjs';

process.exitCode = await runLabProgram('endurance/switches-main.ts', 'switches.mjs', process.argv.slice(2));
