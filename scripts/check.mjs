// The quick checks, `npm run check`: types, lint, format, unused code, and the tests that start no server.
// Runs all of them and then says which failed.
import { runStaticChecks } from './static-checks.mjs';
import { printDetails, runProject } from './vitest-projects.mjs';

const startedAt = performance.now();
const failed = await runStaticChecks();
for (const project of ['unit', 'arch', 'protocol']) {
  const report = await runProject(project);
  if (report.failed.length > 0) failed.push(`${project} tests`);
  printDetails(report);
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
process.stdout.write(
  failed.length === 0 ? `check: all well in ${seconds} s\n` : `check: failed: ${failed.join(', ')} (${seconds} s)\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
