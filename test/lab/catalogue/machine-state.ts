import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Dirent, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LabNode } from '../apache.ts';

/**
 * All of a machine that an action could change, as named things with a text each: every path of its file tree
 * (`path:/etc/...`: kind, mode, owner, content), users and groups with their shadow lines (`user:`, `group:`), the
 * tables of its firewall (`nft:`), its long-running programs (`process:`), and what its stand adds (`unit:`, `mailbox:`).
 *
 * The tree is seen whole and fast, because a node is an overlay: what is not in its upper layer is as below it. Times
 * of files are no part of it.
 */
export type MachineState = ReadonlyMap<string, string>;

/** What changes by itself or says nothing, and why. */
export interface LeftOut {
  readonly paths: RegExp;
  readonly why: string;
}

export interface MachinePlaces {
  readonly node: LabNode;
  /** The tree as the node sees it now, from this machine. */
  readonly live: () => string;
  readonly upper: string;
  readonly lower: string;
  /** Folders on mounts of their own: they are read whole. */
  readonly mounted: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** The node's process 1 as numbered on this machine. */
  readonly initPid: () => number;
  /** Further things with names. */
  readonly things: () => Promise<readonly (readonly [string, string])[]>;
}

const GENERAL_LEFT_OUT: readonly LeftOut[] = [
  { paths: /^\/var\/lib\/hauban-driver(?:\/|$)/, why: "the executor's own notes" },
  { paths: /^\/(?:etc|opt|tmp)\/(?:hauban-driver|\.pwd\.lock|node-compile-cache)(?:\/|$)/, why: 'of the lab' },
  {
    paths: /^\/etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
    why: 'the copies that the programs of passwd make',
  },
  { paths: /^\/run\/(?:apache2|lock|systemd|udev|log|dbus|user)(?:\/|$)/, why: 'locks and notes of running programs' },
  { paths: /^\/var\/(?:log\/(?:apache2|journal)|lib\/(?:systemd|dbus|private)|cache|tmp)(?:\/|$)/, why: 'the same' },
  { paths: /^\/var\/log\/(?:btmp|wtmp|lastlog|faillog)$/, why: 'who was logged in' },
];

const MOST_HASHED_BYTES = 8 * 1024 * 1024;
const DAEMONS =
  /^(?:php-fpm: master process .*|nginx: master process|\/usr\/s?bin\/(?:apache2|haproxy|dovecot|mariadbd|fail2ban-server)|postfix)/;

function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Null: it is not there. Of logs the content is theirs who write them. */
function lookAt(root: string, path: string): string | null {
  const full = join(root, path);
  const stat = statOf(full);
  if (stat === null) return null;
  const meta = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
  if (stat.isDirectory()) return `directory ${meta}`;
  if (stat.isSymbolicLink()) return `link ${readlinkSync(full)}`;
  if (!stat.isFile()) return `special ${meta} ${stat.rdev}`;
  if (path.startsWith('/var/log/')) return `log ${meta}`;
  if (stat.size > MOST_HASHED_BYTES) return `file ${meta} ${stat.size}`;
  return `file ${meta} ${createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 24)}`;
}

/** Nothing, when it is gone since it was listed, or no directory in this layer. */
function listed<T>(list: () => readonly T[]): readonly T[] {
  try {
    return list();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

const entriesOf = (folder: string): readonly Dirent[] => listed(() => readdirSync(folder, { withFileTypes: true }));

/** Without their types: of a process that ends meanwhile there is none, and all of /proc would count as gone. */
const namesIn = (folder: string): readonly string[] => listed(() => readdirSync(folder));

function readUsers(live: string, found: Map<string, string>): void {
  const lines = (name: string): ReadonlyMap<string, string> =>
    new Map(
      readFileSync(join(live, 'etc', name), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => [line.split(':')[0] ?? '', line]),
    );
  for (const [kind, plain, secret] of [
    ['user', 'passwd', 'shadow'],
    ['group', 'group', 'gshadow'],
  ] as const) {
    const secrets = lines(secret);
    for (const [name, line] of lines(plain)) found.set(`${kind}:${name}`, `${line} ${secrets.get(name) ?? ''}`);
  }
}

/** Their number, titles and pids are nobody's promise; that they run is. */
function readDaemons(initPid: number, found: Map<string, string>): void {
  const networkOf = (pid: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return 'gone';
    }
  };
  const own = networkOf(String(initPid));
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name))) {
    if (networkOf(pid) !== own) continue;
    try {
      const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const daemon = DAEMONS.exec(title)?.[0];
      if (daemon !== undefined) found.set(`process:${daemon}`, 'runs');
    } catch {
      continue;
    }
  }
}

export class MachineReader {
  readonly #places: MachinePlaces;

  constructor(places: MachinePlaces) {
    this.#places = places;
  }

  async read(): Promise<MachineState> {
    const { node, initPid, things } = this.#places;
    const found = new Map<string, string>();
    const rules = (await node.mustRun('/usr/sbin/nft', ['list', 'ruleset'])).stdout;
    for (const table of rules.split(/^(?=table )/m).filter(Boolean)) {
      // What is counted, and how much of a time is left, is not the same twice.
      const text = table.replaceAll(/packets \d+ bytes \d+|(?:timeout \S+ )?expires \S+?(?=[\s,}])/g, '');
      found.set(`nft:${/^table (\S+ \S+)/.exec(text)?.[1] ?? ''}`, text);
    }
    for (const [name, text] of await things()) found.set(name, text);
    readUsers(this.#places.live(), found);
    readDaemons(initPid(), found);
    this.#readTree(found);
    return found;
  }

  /** Names of what differs, in order. */
  differences(a: MachineState, b: MachineState): readonly string[] {
    const names = new Set([...a.keys(), ...b.keys()]);
    return [...names].filter((name) => this.valueIn(a, name) !== this.valueIn(b, name)).toSorted();
  }

  /** A path that is not in the upper layer is as below it. */
  valueIn(state: MachineState, name: string): string {
    const value = state.get(name);
    if (value !== undefined) return value;
    if (!name.startsWith('path:')) return 'absent';
    const path = name.slice('path:'.length);
    return (this.#isMounted(path) ? null : lookAt(this.#places.lower, path)) ?? 'absent';
  }

  #isMounted(path: string): boolean {
    return this.#places.mounted.some((folder) => path === folder || path.startsWith(`${folder}/`));
  }

  #isLeftOut(path: string): boolean {
    return [...GENERAL_LEFT_OUT, ...this.#places.leftOut].some(({ paths }) => paths.test(path));
  }

  #readTree(found: Map<string, string>): void {
    const { upper, mounted } = this.#places;
    this.#walk(upper, '', found, true);
    for (const folder of mounted) this.#walk(this.#places.live(), folder, found, false);
  }

  #walk(layer: string, folder: string, found: Map<string, string>, isUpper: boolean): void {
    const live = this.#places.live();
    for (const entry of entriesOf(join(layer, folder))) {
      const path = `${folder}/${entry.name}`;
      if (this.#isLeftOut(path) || (isUpper && this.#isMounted(path))) continue;
      found.set(`path:${path}`, lookAt(live, path) ?? 'absent');
      if (!entry.isDirectory()) continue;
      this.#walk(layer, path, found, isUpper);
      if (isUpper) this.#addHidden(path, found);
    }
  }

  /** A folder that was removed and made again hides what lies below it, without a trace of each in the upper layer. */
  #addHidden(folder: string, found: Map<string, string>): void {
    const { lower, live } = this.#places;
    const there = new Set(namesIn(join(live(), folder)));
    for (const name of namesIn(join(lower, folder)))
      if (!there.has(name) && !this.#isLeftOut(`${folder}/${name}`)) found.set(`path:${folder}/${name}`, 'absent');
  }
}

/** Of a node whose tree is at `rootPath`: its upper layer lies beside it. */
export const upperOf = (rootPath: string): string => join(dirname(rootPath), 'root-up');
