// `npm run package-agent`: builds the agent and writes dist/hauban-agent-<version>.tar.gz, which holds all that a node needs
// besides Node itself: the bundle, its native module, the units, the installer.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const name = `hauban-agent-${version}`;
const out = join(root, 'dist', name);

const build = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (build.status !== 0) process.exit(1);
const bundle = join(root, 'packages/agent/dist/bundle');
if (!existsSync(join(bundle, 'main.js'))) {
  process.stderr.write('The agent bundle was not built: packages/agent/dist/bundle/main.js is missing.\n');
  process.exit(1);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'agent/node_modules'), { recursive: true });
cpSync(bundle, join(out, 'agent'), { recursive: true, filter: (path) => !path.endsWith('.map') });
// Of node-pty only what runs: its compiled module and its JavaScript.
const pty = join(root, 'node_modules/node-pty');
for (const part of ['package.json', 'LICENSE', 'lib', 'build/Release/pty.node']) {
  cpSync(join(pty, part), join(out, 'agent/node_modules/node-pty', part), {
    recursive: true,
    filter: (path) => !/\.(map|test\.js)$/.test(path),
  });
}
for (const unit of [
  'hauban-link.service',
  'hauban-executor.service',
  'hauban-executor.socket',
  'hauban-shell@.service',
  'hauban.sysusers',
  'hauban-agent.tmpfiles',
  'hauban.logrotate',
]) {
  cpSync(join(root, 'systemd', unit), join(out, 'systemd', unit));
}
for (const file of ['systemd/install.mjs', 'LICENSE', 'README.md', 'docs/install.md'])
  cpSync(join(root, file), join(out, file.split('/').at(-1)));
// `type: module` for the bundle's files.
cpSync(join(root, 'packages/agent/package.json'), join(out, 'agent/package.json'));

const archive = join(root, 'dist', `${name}.tar.gz`);
const tar = spawnSync(
  '/bin/tar',
  ['--owner=0', '--group=0', '--sort=name', '-czf', archive, '-C', join(root, 'dist'), name],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
if (tar.status !== 0) process.exit(1);
process.stdout.write(`${archive}\n`);
