// `node scripts/plain-login.mjs <file> [arguments]`: runs a Node program where root's own login files are empty, when we
// are root and may make mounts. Tests open real login shells and kill them: a person's start-up files may be slow, and a
// lock that one of them leaves behind stops every login after it for a minute.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const UNSHARE = '/usr/bin/unshare';
const MOUNT = '/usr/bin/mount';
const LOGIN_FILES = ['.profile', '.bash_profile', '.bash_login', '.bashrc', '.bash_logout'];
const INSIDE = '--inside';
/** Slave: mounts of the machine are seen, ours are not seen by the machine. */
const OWN_MOUNTS = ['--mount', '--propagation', 'slave', '--'];

const args = process.argv.slice(2);
const isInside = args[0] === INSIDE;
const mayMount =
  process.getuid() === 0 &&
  existsSync(MOUNT) &&
  existsSync(UNSHARE) &&
  spawnSync(UNSHARE, [...OWN_MOUNTS, '/usr/bin/true']).status === 0;

/** Ends as the program does; signals go on to it. */
function become(program, programArgs) {
  const child = spawn(program, programArgs, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`plain-login: ${program}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

if (isInside) {
  for (const file of LOGIN_FILES.map((name) => join(homedir(), name)).filter((path) => existsSync(path)))
    spawnSync(MOUNT, ['--bind', '/dev/null', file], { stdio: 'inherit' });
  become(process.execPath, args.slice(1));
} else if (mayMount) {
  become(UNSHARE, [...OWN_MOUNTS, process.execPath, fileURLToPath(import.meta.url), INSIDE, ...args]);
} else {
  become(process.execPath, args);
}
