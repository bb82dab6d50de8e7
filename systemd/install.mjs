#!/usr/bin/env node
// Installs the agent on this node: files, user, folders, units, enrolment, start. Running it again upgrades and keeps
// identity and policy.
//   node install.mjs --url wss://HOST/link --token TOKEN     install and enrol
//   node install.mjs                                         upgrade a node that is enrolled
//   node install.mjs --remove                                take the agent off; what it made stays
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const HOME = '/opt/hauban';
const UNITS = ['hauban-executor.socket', 'hauban-executor.service', 'hauban-link.service'];
/** Started for each shell, never by itself. */
const SHELL_UNIT = 'hauban-shell@.service';
/** The administrator's own to change; the logs of accounts outlive the agent, so it stays when the agent goes. */
const LOG_ROTATION = '/etc/logrotate.d/hauban';
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

function fail(sentence) {
  process.stderr.write(`install: ${sentence}\n`);
  process.exit(1);
}

function run(program, args, { mayFail = false } = {}) {
  const result = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
  });
  if (result.status !== 0 && !mayFail) fail(`${program} ${args[0] ?? ''} failed; the lines above say why.`);
}

function remove() {
  run('/usr/bin/systemctl', ['disable', '--now', ...UNITS], { mayFail: true });
  run('/usr/bin/systemctl', ['stop', 'hauban-shell@*.service'], { mayFail: true });
  for (const unit of [...UNITS, SHELL_UNIT]) rmSync(join('/etc/systemd/system', unit), { force: true });
  for (const path of [
    '/usr/lib/sysusers.d/hauban.conf',
    '/usr/lib/tmpfiles.d/hauban-agent.conf',
    // Not all of HOME: file trees of further PHP versions lie beside the agent, and sites run from them.
    join(HOME, 'agent'),
    join(HOME, 'bin'),
    join(HOME, 'README.md'),
  ])
    rmSync(path, { recursive: true, force: true });
  if (existsSync(HOME) && readdirSync(HOME).length === 0) rmdirSync(HOME);
  run('/usr/bin/systemctl', ['daemon-reload']);
  process.stdout.write(
    'Removed. Identity and policy in /etc/hauban and /var/lib/hauban are kept: delete them by hand when the node is gone for good.\n',
  );
}

/** Beside, then renamed: a node is never left with half of the files. */
function replaceFolder(from, to) {
  rmSync(`${to}.new`, { recursive: true, force: true });
  cpSync(from, `${to}.new`, { recursive: true });
  rmSync(`${to}.old`, { recursive: true, force: true });
  if (existsSync(to)) renameSync(to, `${to}.old`);
  renameSync(`${to}.new`, to);
  rmSync(`${to}.old`, { recursive: true, force: true });
}

function copyFiles() {
  mkdirSync(join(HOME, 'bin'), { recursive: true, mode: 0o755 });
  copyFileSync(process.execPath, join(HOME, 'bin/node.new'));
  chmodSync(join(HOME, 'bin/node.new'), 0o755);
  renameSync(join(HOME, 'bin/node.new'), join(HOME, 'bin/node'));
  replaceFolder(join(here, 'agent'), join(HOME, 'agent'));
  copyFileSync(join(here, 'README.md'), join(HOME, 'README.md'));
  mkdirSync('/usr/lib/sysusers.d', { recursive: true });
  mkdirSync('/usr/lib/tmpfiles.d', { recursive: true });
  copyFileSync(join(here, 'systemd/hauban.sysusers'), '/usr/lib/sysusers.d/hauban.conf');
  copyFileSync(join(here, 'systemd/hauban-agent.tmpfiles'), '/usr/lib/tmpfiles.d/hauban-agent.conf');
  for (const unit of [...UNITS, SHELL_UNIT])
    copyFileSync(join(here, 'systemd', unit), join('/etc/systemd/system', unit));
  mkdirSync('/etc/logrotate.d', { recursive: true });
  if (!existsSync(LOG_ROTATION)) copyFileSync(join(here, 'systemd/hauban.logrotate'), LOG_ROTATION);
}

function enrol(url, token) {
  if (existsSync('/etc/hauban/trust.json')) {
    process.stdout.write('This node is enrolled already: identity and policy are kept.\n');
    return;
  }
  if (url === undefined || token === undefined)
    fail('this node is not enrolled yet: give --url wss://HOST/link and --token TOKEN.');
  run(join(HOME, 'bin/node'), [join(HOME, 'agent/main.js'), 'enrol', '--url', url, '--token', token]);
}

function main() {
  if (process.getuid() !== 0) fail('run it as root: it makes users, folders and units.');
  if (process.argv.includes('--remove')) return remove();
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed.`);
  if (!existsSync('/run/systemd/system')) fail('systemd is not the init system here; the agent is started by systemd.');
  if (!existsSync(join(here, 'agent/main.js')))
    fail('agent/main.js is missing beside this file: unpack the whole archive.');
  copyFiles();
  run('/usr/bin/systemd-sysusers', ['hauban.conf']);
  run('/usr/bin/systemd-tmpfiles', ['--create', 'hauban-agent.conf']);
  enrol(option('--url'), option('--token'));
  run('/usr/bin/systemctl', ['daemon-reload']);
  run('/usr/bin/systemctl', ['enable', '--quiet', ...UNITS]);
  run('/usr/bin/systemctl', ['restart', ...UNITS]);
  process.stdout.write(
    'The agent runs. Its policy file is /etc/hauban/policy.toml: what it does not allow is refused.\n',
  );
}

main();
