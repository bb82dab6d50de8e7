import type { ChangeHandler } from './change-handler.ts';
import type { ChangeState, DirectoryChange, FileChange, FileContent } from './change.ts';
import type { FileMeta, FileState, Host } from './host.ts';

/** Directories, files and links by absolute path; the host refuses paths that are not safe to touch as root. */

const sameMeta = (a: FileMeta, b: FileMeta): boolean => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;

const isDirectory = (state: FileState, wanted: FileMeta | null): boolean =>
  wanted === null ? state.type === 'absent' : state.type === 'directory' && sameMeta(state, wanted);

function isFile(state: FileState, wanted: FileContent | null, grows: boolean): boolean {
  if (wanted === null) return state.type === 'absent';
  return state.type === 'file' && sameMeta(state, wanted) && (grows || state.content === wanted.content);
}

const isLink = (state: FileState, target: string | null): boolean =>
  target === null ? state.type === 'absent' : state.type === 'symlink' && state.target === target;

function pick(isAfter: boolean, isBefore: boolean): ChangeState {
  if (isAfter) return 'after';
  return isBefore ? 'before' : 'other';
}

async function removeDirectory(host: Host, change: DirectoryChange): Promise<void> {
  if (change.shared === true && (await host.files.list(change.path)).length > 0) return;
  await host.files.removeDirectory(change.path, change.initial);
}

export const directoryHandler: ChangeHandler<'directory'> = {
  async state(host, { path, before, after }) {
    const state = await host.files.state(path);
    return pick(isDirectory(state, after), isDirectory(state, before));
  },
  apply: (host, change) =>
    change.after === null
      ? removeDirectory(host, change)
      : host.files.makeDirectory(change.path, change.after, change.before === null ? change.initial : undefined),
  revert: (host, change) =>
    change.before === null ? removeDirectory(host, change) : host.files.makeDirectory(change.path, change.before),
  tidy: (host, { path }) => host.files.removeLeftovers(path),
};

async function setFile(host: Host, change: FileChange, wanted: FileContent | null): Promise<void> {
  if (wanted === null) return host.files.removeFile(change.path);
  const { content, ...meta } = wanted;
  // What is in a log stays in it.
  if (change.grows === true && (await host.files.state(change.path)).type === 'file')
    return host.files.setMeta(change.path, meta);
  return host.files.writeFile(change.path, content, meta);
}

export const fileHandler: ChangeHandler<'file'> = {
  async state(host, { path, before, after, grows }) {
    const state = await host.files.state(path);
    return pick(isFile(state, after, grows === true), isFile(state, before, grows === true));
  },
  apply: (host, change) => setFile(host, change, change.after),
  revert: (host, change) => setFile(host, change, change.before),
  tidy: (host, { path }) => host.files.removeLeftovers(path),
};

const setLink = (host: Host, path: string, target: string | null): Promise<void> =>
  target === null ? host.files.removeFile(path) : host.files.writeSymlink(path, target);

export const symlinkHandler: ChangeHandler<'symlink'> = {
  async state(host, { path, before, after }) {
    const state = await host.files.state(path);
    return pick(isLink(state, after), isLink(state, before));
  },
  apply: (host, { path, after }) => setLink(host, path, after),
  revert: (host, { path, before }) => setLink(host, path, before),
  tidy: (host, { path }) => host.files.removeLeftovers(path),
};
