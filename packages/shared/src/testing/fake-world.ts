import type {
  BanState,
  FileMeta,
  FileState,
  GroupEntry,
  PhpMaster,
  Queries,
  QueryName,
  ResourceName,
  TaskName,
  Tasks,
  UserEntry,
} from '../actions/index.ts';

/** The machine that a FakeHost stands on: plain data that a test may set and read. */
export interface FakeWorld {
  /** Everything below `/` that exists, by absolute path; a directory's parent is a directory. */
  readonly files: Map<string, FileState>;
  readonly users: Map<string, UserEntry>;
  readonly groups: Map<string, GroupEntry>;
  /** Lines of /etc/subuid. */
  readonly subordinateRanges: string[];
  readonly phpInstalled: string[];
  /** Running PHP masters by socket. */
  readonly phpRunning: Map<string, PhpMaster>;
  readonly bans: Map<string, BanState>;
  readonly neverBan: { target: string; why: string }[];
  readonly apache: {
    isInstalled: boolean;
    isRunning: boolean;
    modules: string[];
    /** Content of the files below /etc/apache2 that the running server has loaded, links followed. */
    loaded: Map<string, string>;
    reloads: number;
  };
  /** What the page of every site answers, by PHP version; 200 when it is not named. */
  readonly pageStatus: Map<string, number>;
  /** Values of resources by `resourceKey`. */
  readonly resources: Map<string, unknown>;
  /** What a task does to the rest of the world; one that is not here has no effect. */
  readonly tasks: { [N in TaskName]?: (args: Tasks[N]) => void };
  /** Answers to questions; one that is not here throws. */
  readonly answers: { [N in QueryName]?: (args: Queries[N]['args']) => Queries[N]['answer'] };
}

/** Where the value of a resource lies in a FakeWorld. */
export const resourceKey = (resource: ResourceName, id: string): string => `${resource} ${id}`;

const ROOT: FileMeta = { mode: 0o755, uid: 0, gid: 0 };

const FIRST_FOLDERS = [
  '/',
  '/srv',
  '/etc',
  '/etc/tmpfiles.d',
  '/etc/apache2',
  '/etc/apache2/sites-available',
  '/etc/apache2/sites-enabled',
  '/var',
  '/var/log',
  '/run',
];

/** A Debian node with Apache, its default site, PHP 7.4, 8.2 and 8.4 and nobody on it. */
export function createFakeWorld(): FakeWorld {
  const files = new Map<string, FileState>();
  for (const path of FIRST_FOLDERS) files.set(path, { type: 'directory', ...ROOT });
  const site = 'ServerName node.example\n';
  files.set('/etc/apache2/sites-available/000-default.conf', { type: 'file', content: site, ...ROOT, mode: 0o644 });
  files.set('/etc/apache2/sites-enabled/000-default.conf', {
    type: 'symlink',
    target: '../sites-available/000-default.conf',
  });
  const world: FakeWorld = {
    files,
    users: new Map(),
    groups: new Map([['www-data', { name: 'www-data', gid: 33, members: [] }]]),
    subordinateRanges: [],
    phpInstalled: ['7.4', '8.2', '8.4'],
    phpRunning: new Map(),
    bans: new Map(),
    neverBan: [{ target: '127.0.0.0/8', why: 'loopback' }],
    apache: {
      isInstalled: true,
      isRunning: true,
      modules: ['proxy', 'proxy_fcgi'],
      loaded: new Map(),
      reloads: 0,
    },
    pageStatus: new Map(),
    resources: new Map(),
    tasks: {},
    answers: {
      'site.scan': () => ({ findings: [], filesRead: 0, limits: [] }),
      'protection.connections': () => 0,
      'protection.foreign-bans': () => ({ state: 'absent' }),
    },
  };
  world.apache.loaded = apacheFiles(world);
  return world;
}

/** `../x` of a link, seen from the link. */
function resolveTarget(path: string, target: string): string {
  const parts = target.startsWith('/') ? [] : path.split('/').slice(1, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** What Apache would load: enabled sites, with the content of what they point to (`missing` for a dangling link). */
export function apacheFiles(world: Pick<FakeWorld, 'files'>): Map<string, string> {
  const loaded = new Map<string, string>();
  for (const [path, state] of world.files) {
    if (!path.startsWith('/etc/apache2/sites-enabled/')) continue;
    const target = state.type === 'symlink' ? world.files.get(resolveTarget(path, state.target)) : state;
    if (state.type === 'file' || state.type === 'symlink')
      loaded.set(path, target?.type === 'file' ? target.content : 'missing');
  }
  return loaded;
}

/** One text for the whole machine; two machines are in the same state when their texts are equal. */
export function snapshotWorld(world: FakeWorld): string {
  const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    {
      files: sorted(world.files),
      users: sorted(world.users),
      groups: sorted(world.groups),
      subordinateRanges: world.subordinateRanges,
      phpRunning: sorted(world.phpRunning),
      bans: sorted(world.bans),
      resources: sorted(world.resources),
      loaded: sorted(world.apache.loaded),
      isRunning: world.apache.isRunning,
    },
    null,
    1,
  );
}
