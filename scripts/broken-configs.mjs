// `npm run broken-configs -- 1000`: so many broken configurations of Apache, nginx and PHP-FPM on a real node, each of which
// has to be refused while the other sites answer. Goes on where the last run with the same number and seed ended; `--anew`
// begins again, `-- 1000 --seed 2` tries others, `--all` prints every one.
import { runLabProgram } from './lab-program.mjs';

process.exitCode = await runLabProgram('endurance/broken-configs-main.ts', 'broken-configs.mjs', process.argv.slice(2));
