// `npm run lab -- up | down | status | enter <node>`: test/lab/lab-cli.ts.
import { runLabProgram } from './lab-program.mjs';

process.exitCode = await runLabProgram('lab-cli.ts', 'cli.mjs', process.argv.slice(2));
