/** The checks that read the sources and run nothing of ours: each counts as one test. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Started by node itself, so that no `.bin` wrapper, `npx` or PATH is needed. */
const program = (path) => join(root, 'node_modules', path);

export const STATIC_CHECKS = [
  { name: 'types (packages)', args: [program('typescript/bin/tsc'), '-b'] },
  { name: 'types (test)', args: [program('typescript/bin/tsc'), '-p', 'test/tsconfig.json'] },
  {
    name: 'lint',
    args: [program('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
  },
  { name: 'format', args: [program('oxfmt/bin/oxfmt'), '--check', '.'] },
  { name: 'unused code', args: [program('knip/bin/knip.js'), '--no-progress', '--no-config-hints'] },
];

/** Ten minutes: far beyond any check, so that a hanging one ends with a sentence and not with a silent machine. */
const DEADLINE_MS = 600_000;

/**
 * Runs a node program without standard input; resolves to its output, exit status and time, never rejects.
 * With `isLive` the output goes straight to the terminal, else into a file: a pipe that is read slowly ends some programs.
 * At the deadline the whole process group is ended.
 */
export function runNode(args, { isLive = false, env = {}, deadlineMs = DEADLINE_MS } = {}) {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'hauban-step-'));
  const file = join(folder, 'output');
  const sink = isLive ? 'inherit' : openSync(file, 'w');
  return new Promise((resolve) => {
    const colour = process.stdout.isTTY && isLive ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined };
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...colour, ...env },
      stdio: ['ignore', sink, sink],
      detached: true,
    });
    let isLate = false;
    const end = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    const late = setTimeout(() => {
      isLate = true;
      end('SIGTERM');
      setTimeout(end, 10_000, 'SIGKILL').unref();
    }, deadlineMs);
    const forward = (signal) => end(signal);
    process.once('SIGINT', forward).once('SIGTERM', forward);
    child.once('close', (status, signal) => {
      clearTimeout(late);
      process.off('SIGINT', forward).off('SIGTERM', forward);
      let output = '';
      if (!isLive) {
        closeSync(sink);
        output = readFileSync(file, 'utf8');
      }
      rmSync(folder, { recursive: true });
      if (signal === 'SIGINT' || (signal === 'SIGTERM' && !isLate)) process.exit(130);
      if (isLate) output += `\nended after ${deadlineMs / 1000} s without a result\n`;
      resolve({ ok: status === 0, status, output, isLate, seconds: (performance.now() - startedAt) / 1000 });
    });
  });
}

/** One line per step, aligned; what a failed step printed follows its line. */
export function printStep(name, { ok, seconds, output = '' }, note = '') {
  process.stdout.write(
    `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(18)} ${seconds.toFixed(1).padStart(6)} s${note === '' ? '' : `  ${note}`}\n`,
  );
  if (!ok && output.trim() !== '') process.stdout.write(`${output.trimEnd().replaceAll(/^/gm, '      ')}\n`);
}

/** All static checks in order; returns the names of those that failed. */
export async function runStaticChecks() {
  const failed = [];
  for (const { name, args } of STATIC_CHECKS) {
    const result = await runNode(args);
    printStep(name, result);
    if (!result.ok) failed.push(name);
  }
  return failed;
}
