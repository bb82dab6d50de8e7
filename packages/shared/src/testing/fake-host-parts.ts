import {
  parseProbeReply,
  PROBE_URL,
  versionOfTarget,
  type BanState,
  type CandidateFile,
  type FileState,
  type AccessLook,
  type HostAccounts,
  type HostFiles,
  type HostFirewall,
  type HostPhp,
  type HostPrograms,
  type HostWeb,
  type HttpProbe,
  type PhpMaster,
  type ProbeResult,
  type RunResult,
  type WebSite,
} from '../actions/index.ts';
import { HaubanError } from '../errors/index.ts';
import type { Clock } from '../time/clock.ts';
import { apacheFiles, type FakeWorld } from './fake-world.ts';

/** The parts of a FakeHost. Every change goes through `effect`, which counts them and can crash in the middle. */
export type Effect = (name: string, change: () => void) => Promise<void>;

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
const failed = (code: 'FILE_FAILED' | 'FILE_UNSAFE' | 'CHANGE_CONFLICT' | 'PROGRAM_FAILED', detail: string): never => {
  throw new HaubanError(code, detail);
};

function childrenOf(world: FakeWorld, path: string): string[] {
  return [...world.files.keys()]
    .filter((other) => other !== '/' && parentOf(other) === path)
    .map((other) => other.slice(other.lastIndexOf('/') + 1))
    .sort();
}

/** The same rule as the real one: below directories that are root's and nobody else may write. */
function checkPath(world: FakeWorld, path: string): void {
  for (let parent = parentOf(path); ; parent = parentOf(parent)) {
    const state = world.files.get(parent);
    if (state?.type !== 'directory') return failed('FILE_FAILED', `${parent} is no directory`);
    if (state.uid !== 0 || (state.mode & 0o022) !== 0) return failed('FILE_UNSAFE', `${parent} is not only root's`);
    if (parent === '/') return undefined;
  }
}

export function createFakeFiles(world: FakeWorld, effect: Effect): HostFiles {
  const { files } = world;
  return {
    state: (path) => Promise.resolve(files.get(path) ?? { type: 'absent' }),
    list: (path) => Promise.resolve(childrenOf(world, path)),
    async writeFile(path, content, meta) {
      checkPath(world, path);
      await effect(`write ${path}`, () => void files.set(path, { type: 'file', content, ...meta }));
    },
    async setMeta(path, meta) {
      checkPath(world, path);
      const state = files.get(path);
      if (state?.type !== 'file') return failed('FILE_FAILED', `${path} is no file`);
      return effect(`meta ${path}`, () => void files.set(path, { ...state, ...meta }));
    },
    async makeDirectory(path, meta, initial = []) {
      checkPath(world, path);
      const owner = { uid: meta.uid, gid: meta.gid };
      await effect(`mkdir ${path}`, () => {
        files.set(path, { type: 'directory', ...meta });
        for (const { name, content, mode } of initial)
          files.set(`${path}/${name}`, { type: 'file', content, mode, ...owner });
      });
    },
    async writeSymlink(path, target) {
      checkPath(world, path);
      await effect(`link ${path}`, () => void files.set(path, { type: 'symlink', target }));
    },
    async removeFile(path) {
      checkPath(world, path);
      await effect(`remove ${path}`, () => void files.delete(path));
    },
    async removeDirectory(path, initial = []) {
      checkPath(world, path);
      const isInitial = (name: string): boolean => {
        const state = files.get(`${path}/${name}`);
        return state?.type === 'file' && initial.some((file) => file.name === name && file.content === state.content);
      };
      const strange = childrenOf(world, path).filter((name) => !isInitial(name));
      if (strange.length > 0) return failed('CHANGE_CONFLICT', `${path} is not empty: ${strange[0] ?? ''}`);
      return effect(`rmdir ${path}`, () => {
        for (const { name } of initial) files.delete(`${path}/${name}`);
        files.delete(path);
      });
    },
    removeLeftovers: () => Promise.resolve(),
  };
}

const done: RunResult = { status: 0, stdout: '', stderr: '', timedOut: false };
const refusedRun = (status: number, stderr: string): RunResult => ({ status, stdout: '', stderr, timedOut: false });

export function createFakePrograms(world: FakeWorld, effect: Effect, record: string[]): HostPrograms {
  const after = (args: readonly string[], flag: string): string => args[args.indexOf(flag) + 1] ?? '';
  const within = (args: readonly string[], flag: string): string =>
    args.find((one) => one.startsWith(`${flag}=`))?.slice(flag.length + 1) ?? '';
  return {
    async run(program, args) {
      record.push([program, ...args].join(' '));
      const name = args.at(-1) ?? '';
      const gid = Number(after(args, '--gid'));
      if (program === 'groupadd') {
        if (world.groups.has(name)) return refusedRun(9, `groupadd: group '${name}' already exists`);
        await effect(`groupadd ${name}`, () => void world.groups.set(name, { name, gid, members: [] }));
      } else if (program === 'useradd') {
        if (world.users.has(name)) return refusedRun(9, `useradd: user '${name}' already exists`);
        const [uid, home] = [Number(after(args, '--uid')), within(args, '--home-dir')];
        const [comment, shell] = [within(args, '--comment'), within(args, '--shell')];
        await effect(`useradd ${name}`, () => {
          world.users.set(name, { name, uid, gid, comment, home, shell });
          // What Debian's useradd does when it is not told otherwise.
          if (!args.includes('SUB_UID_COUNT=0')) world.subordinateRanges.push(`${name}:100000:65536`);
        });
      } else if (program === 'userdel') {
        if (!world.users.has(name)) return refusedRun(6, `userdel: user '${name}' does not exist`);
        // Like the real one, it takes the group of the same name with it.
        await effect(`userdel ${name}`, () => {
          world.users.delete(name);
          world.groups.delete(name);
        });
      } else if (program === 'groupdel') {
        if (!world.groups.has(name)) return refusedRun(6, `groupdel: group '${name}' does not exist`);
        await effect(`groupdel ${name}`, () => void world.groups.delete(name));
      } else throw new HaubanError('PROGRAM_MISSING', `the fake host has no ${program}`);
      return done;
    },
  };
}

export function createFakeAccounts(world: FakeWorld): HostAccounts {
  const mayDo = (state: FileState | undefined, uid: number, gid: number, bit: number): boolean => {
    if (state === undefined || !('mode' in state)) return false;
    if (state.uid === uid) return (state.mode & (bit << 6)) !== 0;
    return (state.mode & (state.gid === gid ? bit << 3 : bit)) !== 0;
  };
  const can = (uid: number, gid: number, operation: AccessLook['operation'], path: string): boolean =>
    mayDo(world.files.get(path), uid, gid, operation === 'write' ? 2 : 4);
  return {
    userByName: (name) => Promise.resolve(world.users.get(name) ?? null),
    userByUid: (uid) => Promise.resolve([...world.users.values()].find((user) => user.uid === uid) ?? null),
    groupByName: (name) => Promise.resolve(world.groups.get(name) ?? null),
    groupByGid: (gid) => Promise.resolve([...world.groups.values()].find((group) => group.gid === gid) ?? null),
    subordinateRanges: (name) => Promise.resolve(world.subordinateRanges.filter((line) => line.startsWith(`${name}:`))),
    ownUser: (name) => Promise.resolve(world.users.get(name) ?? null),
    ownGroup: (name) => Promise.resolve(world.groups.get(name) ?? null),
    canAs: (...asked) => Promise.resolve(can(...asked)),
    allSoAs: (uid, gid, looks) =>
      Promise.resolve(looks.every(({ operation, path, isAllowed }) => can(uid, gid, operation, path) === isAllowed)),
  };
}

/** What its configuration file says; a master that runs has loaded it. */
function limitsIn(world: FakeWorld, { configFile }: PhpMaster): Record<string, string> {
  const state = world.files.get(configFile);
  const content = state?.type === 'file' ? state.content : '';
  return Object.fromEntries(
    [...content.matchAll(/^php_admin_value\[(\w+)\] = (\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

export function createFakePhp(world: FakeWorld, effect: Effect): HostPhp {
  const isRunning = (master: PhpMaster): boolean => world.phpRunning.get(master.socket)?.version === master.version;
  const start = async (master: PhpMaster): Promise<void> => {
    if (world.files.get(master.configFile)?.type !== 'file')
      throw new HaubanError('CONFIG_INVALID', `${master.configFile} is missing`);
    if (!isRunning(master))
      await effect(
        `start PHP ${master.version} of ${master.account}`,
        () => void world.phpRunning.set(master.socket, master),
      );
  };
  const stop = async (master: PhpMaster): Promise<void> => {
    if (isRunning(master))
      await effect(
        `stop PHP ${master.version} of ${master.account}`,
        () => void world.phpRunning.delete(master.socket),
      );
  };
  return {
    installedVersions: () => Promise.resolve([...world.phpInstalled].sort()),
    isRunning: (master) => Promise.resolve(isRunning(master)),
    start,
    async startAll(masters) {
      for (const master of masters) await start(master);
    },
    stop,
    async stopAll(masters) {
      for (const master of masters) await stop(master);
    },
    probe(master) {
      if (!isRunning(master))
        return Promise.reject(new HaubanError('ACTION_FAILED', `${master.socket} does not answer`));
      return Promise.resolve({
        version: `${master.version}.30`,
        uid: master.uid,
        gid: master.gid,
        sapi: 'fpm-fcgi',
        canWriteHome: false,
        visibleHomes: [master.account],
        limits: limitsIn(world, master),
      });
    },
  };
}

/** Which site of the loaded configuration answers for a host name; the first one by default, as Apache does. */
function siteFor(world: FakeWorld, host: string): string {
  const sites = [...world.apache.loaded].sort(([a], [b]) => (a < b ? -1 : 1));
  const named = sites.find(([, content]) =>
    new RegExp(`^\\s*ServerName ${host.replaceAll('.', '\\.')}$`, 'm').test(content),
  );
  return (named ?? sites[0])?.[1] ?? '';
}

function masterBehind(world: FakeWorld, content: string): PhpMaster | null {
  const link = /proxy:unix:([^|]+)\|/.exec(content)?.[1];
  const state = link === undefined ? undefined : world.files.get(link);
  const account = link === undefined ? '' : (/\/([a-z0-9]+)\.sock$/.exec(link)?.[1] ?? '');
  if (state?.type !== 'symlink' || versionOfTarget(account, state.target) === null) return null;
  return world.phpRunning.get(state.target) ?? null;
}

function answer(world: FakeWorld, { host, path }: HttpProbe): ProbeResult {
  if (!world.apache.isRunning) return { ok: false, problem: 'connection refused' };
  const content = siteFor(world, host);
  const blocked = `/${path.slice(1).replaceAll('.', '\\.')}(?:/|$)`;
  const reply = (status: number, body: string): ProbeResult => ({ ok: true, status, headers: {}, body });
  if (/^\s*Redirect 503 "\/"$/m.test(content))
    return { ok: true, status: 503, headers: { 'retry-after': '3600' }, body: '' };
  if (!content.includes('proxy:unix:')) return reply(path === '/' ? 200 : 404, 'static');
  if (content.includes(blocked)) return reply(403, 'blocked');
  const master = masterBehind(world, content);
  if (master === null) return reply(503, 'no PHP');
  if (path !== PROBE_URL) return reply(world.pageStatus.get(master.version) ?? 200, `PHP ${master.version}`);
  const body = JSON.stringify({
    hauban: 1,
    version: `${master.version}.30`,
    sapi: 'fpm-fcgi',
    uid: master.uid,
    gid: master.gid,
  });
  return parseProbeReply(body) === null ? reply(500, 'the fake does not fit the probe') : reply(200, body);
}

function withCandidates(world: FakeWorld, candidates: readonly CandidateFile[]): FakeWorld {
  const files = new Map(world.files);
  for (const candidate of candidates) {
    if (candidate.type === 'absent') files.delete(candidate.path);
    else if (candidate.type === 'file') files.set(candidate.path, { ...candidate, mode: 0o644, uid: 0, gid: 0 });
    else if (candidate.type === 'symlink') files.set(candidate.path, candidate);
    else files.set(candidate.path, { type: 'directory', mode: 0o755, uid: 0, gid: 0 });
  }
  return { ...world, files, apache: { ...world.apache, loaded: apacheFiles({ files }) } };
}

/** A line that reads `BrokenDirective` is a syntax error; one that reads `KeyMismatch` only shows when it starts. */
function faultOf(
  world: FakeWorld,
): { file: string; line: number; problem: string; stage: 'configtest' | 'check' } | null {
  for (const [file, content] of apacheFiles(world)) {
    const lines = content.split('\n');
    const [syntax, key] = [lines.indexOf('BrokenDirective'), lines.indexOf('KeyMismatch')];
    if (content === 'missing') return { file, line: 0, problem: 'the link points to nothing', stage: 'configtest' };
    if (syntax >= 0)
      return { file, line: syntax + 1, problem: "Invalid command 'BrokenDirective'", stage: 'configtest' };
    if (key >= 0) return { file, line: key + 1, problem: 'the key does not belong to the certificate', stage: 'check' };
  }
  return null;
}

function sitesOf(world: FakeWorld): WebSite[] {
  return [...apacheFiles(world)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, content], index) => {
      const serverName = /^\s*ServerName (\S+)$/m.exec(content)?.[1];
      return serverName === undefined
        ? []
        : [
            {
              serverName,
              aliases: [...content.matchAll(/^\s*ServerAlias (\S+)$/gm)].map(([, name = '']) => name),
              file,
              line: 1,
              port: 80,
              secure: false,
              isDefault: index === 0,
            },
          ];
    });
}

export function createFakeWeb(world: FakeWorld, effect: Effect): HostWeb {
  const { apache } = world;
  const pending = (): string[] => {
    const now = apacheFiles(world);
    const paths = new Set([...now.keys(), ...apache.loaded.keys()]);
    return [...paths].filter((path) => now.get(path) !== apache.loaded.get(path)).map((path) => `${path} differs`);
  };
  const rehearse = (candidates: readonly CandidateFile[], probes: readonly HttpProbe[]) => {
    const tried = withCandidates(world, candidates);
    const fault = faultOf(tried);
    if (fault !== null) return { ok: false, ...fault } as const;
    return {
      ok: true,
      tookMs: 1,
      probes: probes.map((probe) => answer({ ...tried, apache: { ...tried.apache, isRunning: true } }, probe)),
    } as const;
  };
  return {
    isInstalled: () => Promise.resolve(apache.isInstalled),
    isRunning: () => Promise.resolve(apache.isRunning),
    masterPid: () => Promise.resolve(apache.isRunning ? 4242 : null),
    modules: () => Promise.resolve(apache.modules),
    sites: () => Promise.resolve(sitesOf(world)),
    pending: () => Promise.resolve(pending()),
    rehearse: (candidates, probes) => Promise.resolve(rehearse(candidates, probes)),
    async reload() {
      const fault = faultOf(world);
      if (fault !== null) throw new HaubanError('CONFIG_INVALID', `${fault.file} line ${fault.line}: ${fault.problem}`);
      await effect('reload Apache', () => {
        apache.loaded = apacheFiles(world);
        apache.reloads += 1;
      });
    },
    probe: (probe) => Promise.resolve(answer(world, probe)),
  };
}

export function createFakeFirewall(world: FakeWorld, effect: Effect, clock: Clock): HostFirewall {
  const isOver = (ban: BanState): boolean => ban.expiresAt !== null && ban.expiresAt <= clock.nowMs();
  return {
    bans() {
      for (const [target, ban] of world.bans) if (isOver(ban)) world.bans.delete(target);
      return Promise.resolve([...world.bans.values()]);
    },
    neverBan: () => Promise.resolve(world.neverBan),
    update: (add, remove) =>
      effect('update bans', () => {
        for (const target of remove) world.bans.delete(target);
        for (const { target, expiresAt, reason } of add)
          world.bans.set(target, { target, expiresAt, reason, since: null, packets: null });
      }),
  };
}
