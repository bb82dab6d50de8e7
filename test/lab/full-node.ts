import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { cleanStaleLab } from './clean-stale-lab.ts';
import { makeOrTakeBack } from './cleanup-list.ts';
import { loadFullNodeRoot } from './full-node-root.ts';
import { addNamespace, newNamespaceName, removeNamespace, type LabNetwork } from './lab-network.ts';
import { createPlace, enterByPid, type LabPlace } from './lab-place.ts';
import { createNodeCgroup, joinNodeCgroup, nodeCpuMs, removeNodeCgroup } from './node-cgroup.ts';
import { createNodeFolder, type NodeBind } from './node-folder.ts';
import { removeNspawnLock, removeNspawnTraces } from './nspawn-traces.ts';
import type { PhpRootVersion } from './php-roots.ts';
import { childrenOf, findDescendant, programNameOf, signalProcess } from './process-tree.ts';
import { startProgram, waitUntil, type ProgramResult, type RunningProgram } from './program.ts';
import { programs } from './programs.ts';
import { createRootFiles, type RootFiles } from './root-files.ts';

/**
 * A whole machine: Debian 12 with its own systemd as process 1, its own file tree (overlay over a cached Debian), its
 * own address on a network of the lab. Apache and PHP-FPM 8.2 run from the start, as Debian has them; Node.js is at
 * /usr/local/bin/node. It can be switched off and on again, its files stay; memory, /run and firewall rules do not.
 *
 * States: off -> on -> off. `boot` leads to on, `powerOff` (orderly) and `kill` (the plug pulled) to off.
 */
export type FullNodeOptions = {
  readonly name: string;
  readonly network: LabNetwork;
  readonly phpRoots?: readonly PhpRootVersion[];
  readonly binds?: readonly NodeBind[];
  readonly sizeMiB?: number;
};

export type FullNode = LabPlace &
  RootFiles & {
    readonly address: string;
    readonly address6: string;
    /** The node's tree as this machine sees it, without what its systemd mounts. */
    readonly rootPath: string;
    /** The node's systemd as numbered on this machine; null while the node is off. */
    readonly leaderPid: () => number | null;
    readonly systemctl: (...args: readonly string[]) => Promise<ProgramResult>;
    /** What a unit, or the whole machine, wrote to the journal since it was switched on. */
    readonly journal: (unit?: string) => Promise<string>;
    /** Pulls and plugs the network cable. */
    readonly setLink: (state: 'up' | 'down') => Promise<void>;
    readonly boot: () => Promise<void>;
    readonly powerOff: () => Promise<void>;
    readonly kill: () => Promise<void>;
    /** From the last `boot` to a systemd that says "running" (or "degraded"). */
    readonly readyAfterMs: () => number;
    /** Time of CPU that it has taken since it was switched on. */
    readonly cpuMs: () => number;
    /** Ends it at once if it is on, and leaves no process, mount, namespace or cgroup. */
    readonly destroy: () => Promise<void>;
  };

/** Debian's own services take a third of a second; the rest is for slow machines. */
const bootTimeoutMs = 90_000;
const powerOffTimeoutMs = 60_000;
const nodeInside = '/usr/local/bin/node';

type RunningNode = {
  /** The lab's own process around nspawn; it ends when the node is off. */
  readonly holder: RunningProgram;
  readonly leg: { readonly setLink: (state: 'up' | 'down') => Promise<void> };
  /** Takes back what is of one run only: the network leg and its namespace, the cgroup. */
  readonly release: () => Promise<void>;
};

type Machine = {
  readonly name: string;
  /** Name of everything that belongs to it on this machine. */
  readonly id: string;
  readonly uuid: string;
  readonly rootPath: string;
  readonly attach: (namespace: string) => ReturnType<LabNetwork['attach']>;
};

/** What nspawn starts in; from the outside in: dies with the lab, waits for its input, own pid namespace with a reaper. */
function nspawnCommand(machine: Machine, namespace: string): readonly [string, readonly string[]] {
  const dieWithParent = [programs.setpriv.path, '--pdeathsig', 'KILL', '--'];
  const ownPids = [programs.unshare.path, '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'];
  const nspawn = [
    ...[programs.systemdNspawn.path, '--quiet', '--boot', '--register=no', '--keep-unit', '--console=pipe'],
    ...[`--directory=${machine.rootPath}`, `--machine=${machine.id}`, `--hostname=${machine.name}`],
    ...[`--uuid=${machine.uuid}`, `--network-namespace-path=/run/netns/${namespace}`],
    // A machine configures its own network; nspawn gives this only to networks that it made itself.
    '--capability=CAP_NET_ADMIN',
    ...['--resolv-conf=off', '--timezone=off', '--link-journal=no'],
  ];
  const [program = '', ...args] = [
    ...dieWithParent,
    ...[programs.xargs.path, ...dieWithParent],
    ...[...ownPids, programs.tini.path, '--', ...nspawn],
  ];
  return [program, args];
}

/** nspawn's child is the node's process 1 once it has become systemd. */
function findLeader(holder: RunningProgram): number | null {
  const nspawn = findDescendant(holder.pid, ['unshare', 'tini', 'systemd-nspawn']);
  if (nspawn === null) return null;
  return childrenOf(nspawn).find((pid) => programNameOf(pid) === 'systemd') ?? null;
}

/** Ends process 1 of the pid namespace around nspawn, and with it everything inside. */
async function killMachine(holder: RunningProgram): Promise<void> {
  const reaper = findDescendant(holder.pid, ['unshare', 'tini']);
  // From below, so that each parent still collects its child.
  if (reaper !== null) signalProcess(reaper, 'SIGKILL');
  else if (holder.child.exitCode === null && holder.child.signalCode === null) holder.child.kill('SIGKILL');
  await holder.exited;
}

async function waitForSystemd(machine: Machine, holder: RunningProgram, leaderPid: number): Promise<void> {
  const door = enterByPid(leaderPid, undefined);
  await waitUntil(
    `systemd of ${machine.name}`,
    async () => {
      if (holder.child.exitCode !== null) throw new Error(`${machine.name} ended while it started`);
      const asking = await startProgram(
        door.program,
        [...door.args, '--', programs.systemctl.path, 'is-system-running', '--wait'],
        {
          input: '',
          timeoutMs: bootTimeoutMs,
        },
      );
      // Before its bus is there it says "offline" or nothing at all.
      return ['running', 'degraded'].includes((await asking.exited).stdout.trim());
    },
    { timeoutMs: bootTimeoutMs },
  );
}

async function bootMachine(machine: Machine): Promise<RunningNode> {
  return makeOrTakeBack(async (cleanup) => {
    const namespace = newNamespaceName(machine.name);
    await addNamespace(namespace);
    cleanup.add(() => removeNamespace(namespace));
    const leg = await machine.attach(namespace);
    cleanup.add(leg.detach);
    createNodeCgroup(machine.id);
    cleanup.add(() => removeNodeCgroup(machine.id));
    cleanup.add(() => removeNspawnTraces(machine.id));
    const [program, args] = nspawnCommand(machine, namespace);
    const holder = await startProgram(program, args);
    try {
      // xargs starts its program when its input ends: by then it is in the right group, and so is all that follows.
      joinNodeCgroup(machine.id, holder.pid);
      holder.child.stdin?.end();
      const leaderPid = await waitUntil(`process 1 of ${machine.name}`, () => {
        if (holder.child.exitCode !== null) throw new Error(`nspawn of ${machine.name} ended`);
        return findLeader(holder);
      });
      await waitForSystemd(machine, holder, leaderPid);
      return { holder, leg, release: cleanup.run };
    } catch (cause) {
      await killMachine(holder);
      const output = `${holder.stdoutSoFar()}${holder.stderrSoFar()}`.trim().slice(-4_000);
      throw new Error(`${machine.name} did not start: ${(cause as Error).message}\n${output}`, { cause });
    }
  });
}

export async function createFullNode(options: FullNodeOptions): Promise<FullNode> {
  await cleanStaleLab();
  return makeOrTakeBack(async (cleanup) => {
    const { name, network } = options;
    const id = newNamespaceName(name);
    const runtime: NodeBind = { hostPath: process.execPath, nodePath: nodeInside };
    const folder = await createNodeFolder(
      {
        id,
        lowerFolder: await loadFullNodeRoot(),
        sizeMiB: options.sizeMiB,
        phpRoots: options.phpRoots,
        binds: [runtime, ...(options.binds ?? [])],
      },
      cleanup,
    );
    writeFileSync(join(folder.rootPath, 'etc/hostname'), `${name}\n`);
    writeFileSync(join(folder.rootPath, 'etc/hosts'), `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${name}\n`);
    cleanup.add(() => removeNspawnLock(folder.rootPath));
    const lease = network.reserveAddress();
    const { address, address6 } = lease;
    const machine: Machine = {
      name,
      id,
      uuid: randomBytes(16).toString('hex'),
      rootPath: folder.rootPath,
      attach: (namespace) => network.attach(namespace, lease),
    };
    const switches = createSwitches(machine);
    await switches.boot();
    cleanup.add(switches.kill);
    const place = createPlace({ name, address, address6 }, (as) => enterByPid(switches.mustBeOn(), as));
    return {
      ...place,
      ...createRootFiles(() => {
        const pid = switches.leaderPid();
        return pid === null ? folder.rootPath : `/proc/${pid}/root`;
      }),
      address,
      address6,
      rootPath: folder.rootPath,
      leaderPid: switches.leaderPid,
      systemctl: (...args) => place.run(programs.systemctl.path, ['--no-ask-password', '--no-pager', ...args]),
      journal: async (unit) => {
        const which = unit === undefined ? [] : [`--unit=${unit}`];
        return (await place.mustRun('/usr/bin/journalctl', ['--boot', '--no-pager', '--output=cat', ...which])).stdout;
      },
      setLink: (state) => switches.current().leg.setLink(state),
      boot: switches.boot,
      powerOff: () => switches.powerOff(place),
      kill: switches.kill,
      readyAfterMs: switches.readyAfterMs,
      cpuMs: () => nodeCpuMs(id),
      destroy: cleanup.run,
    };
  });
}

type Switches = {
  readonly current: () => RunningNode;
  readonly leaderPid: () => number | null;
  readonly mustBeOn: () => number;
  readonly readyAfterMs: () => number;
  readonly boot: () => Promise<void>;
  readonly powerOff: (place: LabPlace) => Promise<void>;
  readonly kill: () => Promise<void>;
};

/** On and off of one machine. It may also go off by itself: `leaderPid` is asked of the process tree each time. */
function createSwitches(machine: Machine): Switches {
  let running: RunningNode | null = null;
  let readyAfterMs = 0;
  const leaderPid = (): number | null => (running === null ? null : findLeader(running.holder));
  const current = (): RunningNode => {
    if (running === null) throw new Error(`${machine.name} is off`);
    return running;
  };
  const kill = async (): Promise<void> => {
    if (running === null) return;
    const { holder, release } = running;
    running = null;
    await killMachine(holder);
    await release();
  };
  return {
    current,
    leaderPid,
    mustBeOn: () => {
      const pid = leaderPid();
      if (pid === null) throw new Error(`${machine.name} is off`);
      return pid;
    },
    readyAfterMs: () => readyAfterMs,
    boot: async () => {
      if (leaderPid() !== null) throw new Error(`${machine.name} is on already`);
      await kill();
      const startMs = performance.now();
      running = await bootMachine(machine);
      readyAfterMs = performance.now() - startMs;
    },
    powerOff: async (place) => {
      const { holder } = current();
      // The machine may be gone before systemctl has ended: its result says nothing.
      await place.run(programs.systemctl.path, ['--no-ask-password', '--no-block', 'poweroff']);
      let wasLate = false;
      const deadline = setTimeout(() => {
        wasLate = true;
        void killMachine(holder);
      }, powerOffTimeoutMs);
      await holder.exited;
      clearTimeout(deadline);
      await kill();
      if (wasLate) throw new Error(`${machine.name} did not power off within ${powerOffTimeoutMs} ms and was killed`);
    },
    kill,
  };
}
