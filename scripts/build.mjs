// Builds what is not built: TypeScript (incremental), the agent's bundle, the web interface.
// Skips a part whose sources are older than its output. `--force` builds all.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const force = process.argv.includes('--force');
const bin = (name) => join(root, 'node_modules', '.bin', name);

/** Newest modification time (ms) under a folder, node_modules and dist left out. */
function newestMs(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let newest = 0;
  for (const name of readdirSync(path)) {
    if (name === 'node_modules' || name === 'dist') continue;
    newest = Math.max(newest, newestMs(join(path, name)));
  }
  return newest;
}

function isStale(output, inputs) {
  if (force || !existsSync(output)) return true;
  const built = statSync(output).mtimeMs;
  return inputs.some((input) => newestMs(join(root, input)) > built);
}

function run(title, program, args, cwd = root) {
  process.stdout.write(`build: ${title}\n`);
  const result = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) {
    process.stderr.write(`build: ${title} failed; the lines above say where.\n`);
    process.exit(1);
  }
}

run('TypeScript', bin('tsc'), ['-b', ...(force ? ['--force'] : [])]);
const agentInputs = ['packages/agent/src', 'packages/shared/src', 'packages/link/src', 'packages/agent/package.json'];
const bundleScript = join(root, 'packages/agent/bundle.mjs');
if (
  existsSync(join(root, 'packages/agent/src/main.ts')) &&
  isStale(join(root, 'packages/agent/dist/bundle/main.js'), agentInputs)
) {
  run('agent bundle', process.execPath, [bundleScript], join(root, 'packages/agent'));
}
const uiInputs = [
  'packages/ui/src',
  'packages/ui/index.html',
  'packages/ui/vite.config.ts',
  'packages/shared/src',
  'packages/ui/package.json',
];
if (
  existsSync(join(root, 'packages/ui/index.html')) &&
  isStale(join(root, 'packages/ui/dist/web/index.html'), uiInputs)
) {
  run('web interface', bin('vite'), ['build', '--logLevel', 'warn'], join(root, 'packages/ui'));
}
