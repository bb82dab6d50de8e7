import { mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CleanupList } from './cleanup-list.ts';
import { labRunFolder, ownOwnerName } from './lab-owner.ts';
import { escapeFstab, unmountBelow } from './mount-table.ts';
import { loadPhpRoot, phpRootInNode, type PhpRootVersion } from './php-roots.ts';
import { mustRunProgram } from './program.ts';
import { programs } from './programs.ts';
import { resolveInRoot } from './root-files.ts';

/**
 * A node's own file tree: an overlay whose upper layer is a tmpfs, so that nothing a node does outlives it or reaches
 * the tree below. Folder: `/run/hauban-lab/<owner>/<id>`, the tree in `root` below it.
 */
export type NodeFolder = { readonly path: string; readonly rootPath: string };

/** A file or folder of this machine inside the node; read-only unless told otherwise. Not below /run and /tmp. */
export type NodeBind = { readonly hostPath: string; readonly nodePath: string; readonly writable?: boolean };

export type NodeFolderOptions = {
  readonly id: string;
  /** What the node stands on; it must not change while the node lives. */
  readonly lowerFolder: string;
  /** Room for everything the node writes to its tree. Filling it is how a full disk is tested. Default 2048. */
  readonly sizeMiB?: number | undefined;
  readonly phpRoots?: readonly PhpRootVersion[] | undefined;
  readonly binds?: readonly NodeBind[] | undefined;
  /** Further mounts, made after the tree: fstab lines with mount points below `rootPath`. */
  readonly mounts?: ((rootPath: string) => readonly FstabLine[]) | undefined;
  /** Mounts are made from inside this network namespace: a sysfs shows the interfaces of the one it is mounted from. */
  readonly networkNamespace?: string | undefined;
};

/** Source, mount point, type, options. */
export type FstabLine = readonly [source: string, target: string, type: string, options: string];

/** One `mount` for all lines, in their order. */
async function mountAll(fstab: string, lines: readonly FstabLine[], networkNamespace?: string): Promise<void> {
  writeFileSync(fstab, lines.map((line) => `${line.map(escapeFstab).join(' ')} 0 0\n`).join(''));
  const mount = [programs.mount.path, '--no-mtab', '--all', '--fstab', fstab];
  const [program = '', ...args] =
    networkNamespace === undefined
      ? mount
      : [programs.nsenter.path, `--net=/run/netns/${networkNamespace}`, '--', ...mount];
  await mustRunProgram(program, args);
}

function overlayLine(folder: string, layer: string, lower: string, target: string): FstabLine {
  const upper = join(folder, `${layer}-up`);
  const work = join(folder, `${layer}-work`);
  mkdirSync(upper);
  mkdirSync(work);
  return ['overlay', target, 'overlay', `lowerdir=${lower},upperdir=${upper},workdir=${work},X-mount.mkdir`];
}

/** A mount point has to exist and be of the same kind as what is mounted on it. */
async function bindLine(rootPath: string, bind: NodeBind): Promise<FstabLine> {
  const target = await resolveInRoot(rootPath, bind.nodePath);
  if (statSync(bind.hostPath).isDirectory()) {
    mkdirSync(target, { recursive: true });
  } else {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, '');
  }
  return [bind.hostPath, target, 'none', bind.writable === true ? 'bind' : 'bind,ro'];
}

/** Makes the folder; its clean-up unmounts everything and leaves nothing behind. */
export async function createNodeFolder(options: NodeFolderOptions, cleanup: CleanupList): Promise<NodeFolder> {
  const owner = join(labRunFolder, ownOwnerName());
  const path = join(owner, options.id);
  const rootPath = join(path, 'root');
  const phpFolders = await Promise.all(
    (options.phpRoots ?? []).map(async (version) => ({ version, lower: await loadPhpRoot(version) })),
  );
  mkdirSync(path, { recursive: true });
  cleanup.add(() => removeNodeFolder(path));
  const size = `size=${options.sizeMiB ?? 2048}m,mode=755`;
  await mustRunProgram(programs.mount.path, ['--no-mtab', '-t', 'tmpfs', '-o', size, 'hauban-lab', path]);
  mkdirSync(rootPath);
  const fstab = join(path, 'fstab');
  const trees = [
    overlayLine(path, 'root', options.lowerFolder, rootPath),
    ...phpFolders.map(({ version, lower }) =>
      overlayLine(path, `php-${version}`, lower, join(rootPath, phpRootInNode(version))),
    ),
  ];
  await mountAll(fstab, [...trees, ...(options.mounts?.(rootPath) ?? [])], options.networkNamespace);
  const binds = await Promise.all((options.binds ?? []).map((bind) => bindLine(rootPath, bind)));
  if (binds.length > 0) await mountAll(fstab, binds);
  return { path, rootPath };
}

/** Unmounts, then removes the folder, which must be empty by then: never a recursive removal. */
export async function removeNodeFolder(path: string): Promise<void> {
  await unmountBelow(path);
  rmdirSync(path);
  removeEmptyFolder(dirname(path));
}

export function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw cause;
  }
}
