// Everything, `npm test`: sets up what the tests need, builds, runs the static checks and every test project one after
// the other. `npm test -- unit arch` runs only those projects. The last line is `N passed, N failed[, N skipped]`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { printStep, root, runNode, runStaticChecks, STATIC_CHECKS } from './static-checks.mjs';
import { countLine, printDetails, PROJECTS, runProject } from './vitest-projects.mjs';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PROJECTS.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`test: there is no project ${unknown.join(', ')}; the projects are ${PROJECTS.join(', ')}\n`);
  process.exit(2);
}
const isWhole = wanted.length === 0;
const isRoot = process.getuid() === 0;
/** Where everything is supposed to be there, a test that was left out is a hole and not a courtesy. */
const isStrict = process.env.CI === 'true' && isRoot;
const total = { passed: 0, failed: [], skipped: [], unsteady: [] };
const startedAt = performance.now();

async function prepare(name, script) {
  if (!existsSync(join(root, script))) return;
  const result = await runNode([script], { isLive: true, deadlineMs: 900_000 });
  printStep(name, result);
  if (!result.ok)
    total.failed.push({ file: script, name, message: `ended with status ${result.status}; its output is above` });
}

if (!isRoot) process.stdout.write('test: not root: what needs root is skipped and listed at the end\n');
await prepare('set-up', 'scripts/setup-test.mjs');
await prepare('build', 'scripts/build.mjs');
if (isWhole) {
  const failed = await runStaticChecks();
  total.passed += STATIC_CHECKS.length - failed.length;
  for (const name of failed) total.failed.push({ file: '', name, message: 'its output is above' });
}
const lines = [];
for (const project of isWhole ? PROJECTS : wanted) {
  const projectAt = performance.now();
  const report = await runProject(project);
  if (isStrict) {
    const missing = report.skipped.filter(({ reason }) => /\bneeds\b/.test(reason));
    report.skipped = report.skipped.filter((test) => !missing.includes(test));
    report.failed.push(
      ...missing.map(({ file, name, reason }) => ({ file, name, message: `skipped in CI: ${reason}` })),
    );
  }
  total.passed += report.passed;
  total.failed.push(...report.failed);
  total.skipped.push(...report.skipped);
  total.unsteady.push(...report.unsteady);
  lines.push(
    `${project.padEnd(12)} ${countLine(report).padEnd(40)} ${((performance.now() - projectAt) / 1000).toFixed(1)} s`,
  );
}

process.stdout.write(
  `\n${lines.join('\n')}\nall of it took ${((performance.now() - startedAt) / 60_000).toFixed(1)} min\n\n`,
);
printDetails(total);
process.exitCode = total.failed.length === 0 ? 0 : 1;
process.stdout.write(`${countLine(total)}\n`);
