import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { cleanStaleLab } from './clean-stale-lab.ts';
import { makeOrTakeBack, type CleanupList } from './cleanup-list.ts';
import {
  addNamespace,
  createLabNetwork,
  newNamespaceName,
  removeNamespace,
  type LabAddress,
  type LabNetwork,
  type LabPeer,
} from './lab-network.ts';
import { createPlace, enterByPid, type LabPlace } from './lab-place.ts';
import { createNodeFolder, type FstabLine, type NodeBind } from './node-folder.ts';
import type { PhpRootVersion } from './php-roots.ts';
import { findDescendant, signalProcess } from './process-tree.ts';
import { mustRunProgram, startProgram, waitUntil } from './program.ts';
import { programs } from './programs.ts';
import { createRootFiles, type RootFiles } from './root-files.ts';

/**
 * A node that stands up in about a tenth of a second: this machine's own file tree below an overlay, and net, pid,
 * mount, uts and ipc namespaces of its own. Users, /etc and /var change only inside. There is no systemd in it: programs
 * are started directly and `tini` as process 1 collects what they leave.
 *
 * Not in it: what is mounted below this machine's `/` (a separate /home, /tmp, /run; use `binds`), the outside network.
 * Packages must not be installed on the machine while a node stands on it.
 */
export type DisposableNodeOptions = {
  readonly name: string;
  readonly phpRoots?: readonly PhpRootVersion[];
  /** The network to join; the node then has an address in it. */
  readonly network?: LabNetwork;
  /** A client in front of the node, in a network made for the two unless `network` is given. */
  readonly peer?: boolean;
  readonly binds?: readonly NodeBind[];
  readonly sizeMiB?: number;
};

export type DisposableNode = LabPlace &
  RootFiles & {
    /** The node's tree as this machine sees it; absolute links in it lead astray, prefer the functions for files. */
    readonly rootPath: string;
    /** The node's process 1, as numbered on this machine. */
    readonly pid: number;
    readonly network: LabNetwork | null;
    readonly peer: LabPeer | null;
    /** From the call to a node that runs programs. */
    readonly readyAfterMs: number;
    /** Ends everything in it at once and leaves no process, mount or namespace. */
    readonly destroy: () => Promise<void>;
  };

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
const deviceLinks = { fd: '/proc/self/fd', stdin: 'fd/0', stdout: 'fd/1', stderr: 'fd/2', ptmx: 'pts/ptmx' };

function ownMounts(rootPath: string): FstabLine[] {
  const at = (path: string): string => join(rootPath, path);
  return [
    ['tmpfs', at('run'), 'tmpfs', 'mode=755,nosuid,nodev'],
    ['tmpfs', at('tmp'), 'tmpfs', 'mode=1777,nosuid,nodev'],
    // A person's own start-up files have no place in a node: a lock that a killed one leaves behind stops every shell after it.
    ['tmpfs', at('root'), 'tmpfs', 'mode=700,nosuid,nodev'],
    ['tmpfs', at('dev'), 'tmpfs', 'mode=755,nosuid'],
    ['devpts', at('dev/pts'), 'devpts', 'newinstance,ptmxmode=0666,mode=620,gid=5,X-mount.mkdir'],
    ['tmpfs', at('dev/shm'), 'tmpfs', 'mode=1777,nosuid,nodev,X-mount.mkdir'],
    // Writing to /sys would reach the machine's own kernel settings.
    ['sysfs', at('sys'), 'sysfs', 'ro,nosuid,nodev,noexec'],
  ];
}

async function furnish(rootPath: string, name: string): Promise<void> {
  await mustRunProgram(programs.cp.path, ['--archive', '--', ...devices, join(rootPath, 'dev')]);
  for (const [link, target] of Object.entries(deviceLinks)) symlinkSync(target, join(rootPath, 'dev', link));
  mkdirSync(join(rootPath, 'run/lock'), { mode: 0o1777 });
  writeFileSync(join(rootPath, 'etc/hostname'), `${name}\n`);
  appendFileSync(join(rootPath, 'etc/hosts'), `127.0.1.1 ${name}\n`);
}

/** Starts the node's process 1 and gives its pid. It dies with this process, by signal and by its closed input. */
async function startInit(name: string, namespace: string, rootPath: string, cleanup: CleanupList): Promise<number> {
  const holder = await startProgram(programs.setpriv.path, [
    ...['--pdeathsig', 'KILL', '--', programs.nsenter.path, `--net=/run/netns/${namespace}`, '--'],
    ...[programs.unshare.path, '--pid', '--fork', '--uts', '--ipc', '--mount', '--kill-child=KILL', '--mount-proc'],
    ...[`--root=${rootPath}`, '--', programs.tini.path, '-s', '--', programs.cat.path],
  ]);
  cleanup.add(async () => {
    const pid = findDescendant(holder.pid, ['tini']);
    // Killed from below, so that each parent still collects its child.
    if (pid !== null) signalProcess(pid, 'SIGKILL');
    else holder.child.kill('SIGKILL');
    await holder.exited;
  });
  holder.child.stdin?.write('ready\n');
  await holder.waitForOutput('ready');
  const pid = await waitUntil(`process 1 of ${name}`, () => findDescendant(holder.pid, ['tini']));
  await mustRunProgram(programs.nsenter.path, [`--target=${pid}`, '--uts', '--', programs.hostname.path, name]);
  return pid;
}

type Wiring = {
  readonly namespace: string;
  readonly network: LabNetwork | null;
  readonly lease: LabAddress | null;
  readonly peer: LabPeer | null;
};

async function wire(options: DisposableNodeOptions, cleanup: CleanupList): Promise<Wiring> {
  const namespace = newNamespaceName(options.name);
  let network = options.network ?? null;
  if (network === null && options.peer === true) {
    network = await createLabNetwork(`${options.name.slice(0, 26)}-net`);
    cleanup.add(network.destroy);
  }
  await addNamespace(namespace);
  cleanup.add(() => removeNamespace(namespace));
  if (network === null) return { namespace, network, lease: null, peer: null };
  const lease = network.reserveAddress();
  const leg = await network.attach(namespace, lease);
  cleanup.add(leg.detach);
  const peer = options.peer === true ? await network.createPeer(`${options.name.slice(0, 24)}-peer`) : null;
  if (peer !== null) cleanup.add(peer.destroy);
  return { namespace, network, lease, peer };
}

export async function createDisposableNode(options: DisposableNodeOptions): Promise<DisposableNode> {
  const startMs = performance.now();
  await cleanStaleLab();
  return makeOrTakeBack(async (cleanup) => {
    const { name } = options;
    const { namespace, network, lease, peer } = await wire(options, cleanup);
    const folder = await createNodeFolder(
      {
        id: namespace,
        lowerFolder: '/',
        sizeMiB: options.sizeMiB,
        phpRoots: options.phpRoots,
        binds: options.binds,
        mounts: ownMounts,
        networkNamespace: namespace,
      },
      cleanup,
    );
    await furnish(folder.rootPath, name);
    const pid = await startInit(name, namespace, folder.rootPath, cleanup);
    return {
      ...createPlace({ name, address: lease?.address ?? null, address6: lease?.address6 ?? null }, (as) =>
        enterByPid(pid, as),
      ),
      ...createRootFiles(() => folder.rootPath),
      rootPath: folder.rootPath,
      pid,
      network,
      peer,
      readyAfterMs: performance.now() - startMs,
      destroy: cleanup.run,
    };
  });
}
