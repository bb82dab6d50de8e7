import { HaubanError, type ErrorCode } from '../errors/index.ts';
import type { Change, DirectoryChange, FileChange } from './change.ts';
import type { Planned } from './define-action.ts';
import type { FileMeta, GroupEntry, Host, PhpMaster, UserEntry } from './host.ts';
import { sameValue } from './resource-changes.ts';
import type { ResourceChange, ResourceName, Resources, TaskName, Tasks } from './resource.ts';

/** Codes that are answers of a plan, not faults. */
const ANSWERS: readonly ErrorCode[] = ['ACTION_REFUSED', 'CONFIG_INVALID', 'REHEARSAL_FAILED'];

/** Ends the plan with a reason for the person who asked. */
export function refuse(detail: string): never {
  throw new HaubanError('ACTION_REFUSED', detail);
}

/**
 * Compares what is wanted with what is there and collects what would have to change. A thing that somebody else made
 * is never overwritten: the plan is refused with its name.
 */
export interface Planner {
  readonly host: Host;
  readonly changes: readonly Change[];
  note(text: string): void;
  group(wanted: GroupEntry): Promise<void>;
  user(wanted: UserEntry): Promise<void>;
  directory(path: string, meta: FileMeta, more?: Pick<DirectoryChange, 'initial' | 'shared'>): Promise<void>;
  file(path: string, content: string, meta: FileMeta, more?: Pick<FileChange, 'grows'>): Promise<void>;
  /** A file of ours with one content becomes one with another. */
  rewrite(path: string, from: string, to: string | null): Promise<void>;
  symlink(path: string, target: string, from?: string): Promise<void>;
  phpMaster(master: PhpMaster, after: 'running' | 'stopped'): Promise<void>;
  /** Those that do not run are started, all by one change. */
  phpMasters(masters: readonly PhpMaster[]): Promise<void>;
  /** Parts that have nothing to do with each other, planned at the same time; their changes are in the order of the parts. */
  together(parts: readonly ((planner: Planner) => Promise<void>)[]): Promise<void>;
  /** Reads the thing and adds the change when it differs; answers what is there now. Null as wanted: it should not be there. */
  resource<N extends ResourceName>(
    resource: N,
    id: string,
    wanted: Resources[N] | null,
    more?: Pick<ResourceChange, 'irreversible' | 'partOf'>,
  ): Promise<Resources[N] | null>;
  /** @param title one sentence of what is done */
  task<N extends TaskName>(task: N, args: Tasks[N], title: string, when?: 'apply' | 'undo'): void;
  add(change: Change): void;
}

const metaOf = ({ mode, uid, gid }: FileMeta): FileMeta => ({ mode, uid, gid });
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function createFileSteps(host: Host, changes: Change[]): Pick<Planner, 'directory' | 'file' | 'rewrite' | 'symlink'> {
  return {
    async directory(path, meta, more = {}) {
      const state = await host.files.state(path);
      if (state.type === 'absent') changes.push({ kind: 'directory', path, before: null, after: meta, ...more });
      else if (state.type !== 'directory') refuse(`${path} is there, and it is no directory`);
      // A directory that others use too keeps the mode that they gave it.
      else if (more.shared !== true && !same(metaOf(state), metaOf(meta)))
        changes.push({ kind: 'directory', path, before: metaOf(state), after: meta });
    },
    async file(path, content, meta, more = {}) {
      const state = await host.files.state(path);
      const after = { ...meta, content };
      if (state.type === 'absent') changes.push({ kind: 'file', path, before: null, after, ...more });
      else if (state.type !== 'file') refuse(`${path} is there, and it is no file`);
      else if (more.grows === true) {
        if (!same(metaOf(state), metaOf(meta)))
          changes.push({ kind: 'file', path, before: { ...metaOf(state), content: '' }, after, ...more });
      } else if (state.content !== content && host.putsRight !== true)
        refuse(`${path} is there with other content: it was changed by hand or belongs to something else`);
      else if (state.content !== content || !same(metaOf(state), metaOf(meta)))
        changes.push({ kind: 'file', path, before: { ...metaOf(state), content: state.content }, after });
    },
    async rewrite(path, from, to) {
      const state = await host.files.state(path);
      if (state.type !== 'file') return refuse(`${path} is not there as a file`);
      if (state.content === to) return undefined;
      if (state.content !== from && host.putsRight !== true)
        return refuse(`${path} was changed by hand: put it back or remove the account's own lines`);
      const before = { ...metaOf(state), content: state.content };
      changes.push({ kind: 'file', path, before, after: to === null ? null : { ...before, content: to } });
      return undefined;
    },
    async symlink(path, target, from) {
      const state = await host.files.state(path);
      if (state.type === 'symlink' && state.target === target) return;
      if (state.type === 'absent') changes.push({ kind: 'symlink', path, before: null, after: target });
      else if (state.type === 'symlink' && (state.target === from || host.putsRight === true))
        changes.push({ kind: 'symlink', path, before: state.target, after: target });
      else refuse(`${path} is there and points elsewhere: it belongs to something else`);
    },
  };
}

function createPlanner(host: Host, changes: Change[], notes: string[]): Planner {
  return {
    host,
    changes,
    note: (text) => void notes.push(text),
    async group(wanted) {
      const [byName, byGid] = [
        await host.accounts.groupByName(wanted.name),
        await host.accounts.groupByGid(wanted.gid),
      ];
      if (byGid !== null && byGid.name !== wanted.name) refuse(`gid ${wanted.gid} belongs to group ${byGid.name}`);
      if (byName === null) changes.push({ kind: 'group', before: null, after: wanted });
      else if (byName.gid !== wanted.gid) refuse(`group ${wanted.name} exists with gid ${byName.gid}`);
    },
    async user(wanted) {
      const [byName, byUid] = [await host.accounts.userByName(wanted.name), await host.accounts.userByUid(wanted.uid)];
      if (byUid !== null && byUid.name !== wanted.name) refuse(`uid ${wanted.uid} belongs to user ${byUid.name}`);
      if (byName === null) changes.push({ kind: 'user', before: null, after: wanted });
      else if (!same(byName, wanted))
        refuse(
          `user ${wanted.name} exists with other data: uid ${byName.uid}, gid ${byName.gid}, home ${byName.home}, shell ${byName.shell}, comment '${byName.comment}'`,
        );
    },
    ...createFileSteps(host, changes),
    async phpMaster(master, after) {
      const before = (await host.php.isRunning(master)) ? 'running' : 'stopped';
      if (before !== after) changes.push({ kind: 'php-master', master, before, after });
    },
    async phpMasters(all) {
      const running = await Promise.all(all.map((master) => host.php.isRunning(master)));
      const masters = all.filter((_, index) => running[index] === false);
      if (masters.length > 0) changes.push({ kind: 'php-masters', masters });
    },
    async together(parts) {
      const made = parts.map((): Change[] => []);
      const ended = await Promise.allSettled(
        parts.map((part, index) => part(createPlanner(host, made[index] ?? [], notes))),
      );
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
      changes.push(...made.flat());
    },
    async resource(resource, id, wanted, more = {}) {
      const before = await host.resources.read(resource, id);
      if (!sameValue(before, wanted)) changes.push({ kind: 'resource', resource, id, before, after: wanted, ...more });
      return before;
    },
    task: (task, args, title, when = 'apply') => void changes.push({ kind: 'task', task, args, title, when }),
    add: (change) => void changes.push(change),
  };
}

/** Runs the body of a plan; a refusal becomes its answer, a fault of the machine stays a fault. */
export async function planChanges(host: Host, body: (planner: Planner) => Promise<void>): Promise<Planned> {
  const changes: Change[] = [];
  const notes: string[] = [];
  try {
    await body(createPlanner(host, changes, notes));
  } catch (error) {
    if (error instanceof HaubanError && ANSWERS.includes(error.code))
      return { ok: false, code: error.code, detail: error.detail };
    throw error;
  }
  return { ok: true, changes, notes };
}

/** Where a refused configuration is at fault, as one sentence. */
export function faultText(fault: {
  readonly file: string | null;
  readonly line: number | null;
  readonly problem: string;
}): string {
  if (fault.file === null) return fault.problem;
  return `${fault.file}${fault.line === null ? '' : ` line ${fault.line}`}: ${fault.problem}`;
}
