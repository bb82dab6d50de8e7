// `npm run broken-configs -- 1000`: so many broken configurations of Apache on a real node, each of which a reload has to
// refuse while the other sites answer. `-- 1000 --seed 2` tries others, `--all` prints every one.
import { runLabProgram } from './lab-program.mjs';

process.exitCode = await runLabProgram('endurance/broken-configs-main.ts', 'broken-configs.mjs', process.argv.slice(2));
