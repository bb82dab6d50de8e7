import { phpMasterOf } from '@hauban/shared/actions';
import type { CandidateCase } from './broken-files.ts';
import type { HostingSite } from './hosting-sites.ts';
import { mutateLines, pick, type Choose } from './mutate-lines.ts';

/** The same for the PHP of an account: its pool, changed by a hand, and what PHP reads for all accounts. */

const INI = '/etc/php/8.2/fpm/conf.d/99-by-hand.ini';

/** What a hand sets in the pool. */
const SET: readonly (readonly [name: string, line: (choose: Choose) => string])[] = [
  ['a user that is not there', (choose) => `user = nobody${choose(99)}x`],
  ['a group that is not there', (choose) => `group = nobody${choose(99)}x`],
  ['a socket in a folder that is not there', (choose) => `listen = /run/gone${choose(99)}/x.sock`],
  ['an owner of the socket that is not there', () => 'listen.owner = gone-x'],
  ['an address that is not of this machine', (choose) => `listen = 203.0.113.${1 + choose(200)}:9000`],
  ['no way to work', () => 'pm = sometimes'],
  ['no process at all', () => 'pm.max_children = 0'],
  ['a folder that is not there', (choose) => `chdir = /gone${choose(99)}`],
  ['a root that is not there', (choose) => `chroot = /gone${choose(99)}`],
  ['a setting that is not there', (choose) => `no.such.setting${choose(99)} = 1`],
  ['a number that is none', (choose) => `pm.max_requests = ${pick(choose, ['x', '-', '1x'])}`],
  ['a log that is a folder', () => 'slowlog = /var/log'],
  ['a value without an end', () => 'env[X] = "x'],
];

/** What a hand sets for the PHP of all accounts. */
const INIS: readonly (readonly [name: string, text: (choose: Choose) => string])[] = [
  ['a page before every page that is not there', (choose) => `auto_prepend_file = /gone${choose(99)}.php\n`],
  ['functions that pages use taken away', () => 'disable_functions = posix_geteuid,json_encode\n'],
  ['files that pages use taken away', (choose) => `open_basedir = /gone${choose(99)}\n`],
  ['no PHP any more', () => 'engine = off\n'],
  ['too little memory', () => 'memory_limit = 1K\n'],
  ['too little for its cache of code', () => 'opcache.memory_consumption = 999999999\n'],
  ['a folder of extensions that is not there', (choose) => `extension_dir = /gone${choose(99)}\n`],
];

const one = (name: string, path: string, content: string): CandidateCase => ({
  name: `PHP: ${name}`,
  server: 'php',
  files: new Map([[path, content]]),
});

/** @param written the pool as it is on both nodes */
export function makePoolCandidate(choose: Choose, path: string, written: string): CandidateCase {
  if (choose(4) === 0) {
    const [name, text] = pick(choose, INIS);
    return one(`${name}, for all`, INI, text(choose));
  }
  if (choose(2) === 0) {
    const [name, text] = mutateLines(written, choose);
    return one(`a pool in which ${name}`, path, text);
  }
  const [name, line] = pick(choose, SET);
  return one(`${name}, in a pool`, path, `${written}${line(choose)}\n`);
}

export const poolFileOf = ({ account, uid }: HostingSite): string => phpMasterOf(account, uid, '8.2').configFile;
