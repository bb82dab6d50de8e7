import { randomBytes } from 'node:crypto';
import { createPlace, nsenterIds, type LabPlace } from './lab-place.ts';
import { namespacePrefix, ownOwnerName } from './lab-owner.ts';
import { signalProcess } from './process-tree.ts';
import { mustRunProgram, runProgram, waitUntil } from './program.ts';
import { programs } from './programs.ts';

/**
 * A network of the lab: a namespace of its own with a bridge at 10.213.0.1 and fd13:213::1. A controller that runs in
 * it (`network.run`, `network.spawn`) is reached by the nodes at that address. Every network uses the same addresses;
 * networks never meet, and nothing of this machine's own network is touched.
 */
export type LabNetwork = LabPlace & {
  readonly address: string;
  readonly address6: string;
  readonly namespace: string;
  /** Takes the next free addresses; they stay with their holder as long as the network lives. */
  readonly reserveAddress: () => LabAddress;
  /** Gives the namespace a leg on the bridge, `eth0`, with these addresses. */
  readonly attach: (namespace: string, address: LabAddress) => Promise<LabLeg>;
  /** A client in front of the nodes: an address of its own, this machine's files and programs. */
  readonly createPeer: (name: string) => Promise<LabPeer>;
  /** Ends what still runs in the network and its peers, and removes them. Nodes are destroyed by their owners before. */
  readonly destroy: () => Promise<void>;
};

export type LabPeer = LabPlace & {
  readonly address: string;
  readonly address6: string;
  readonly namespace: string;
  /** A further IPv4 or IPv6 address of this client, with its prefix length, for example `10.213.9.9/16`. */
  readonly addAddress: (address: string) => Promise<void>;
  readonly destroy: () => Promise<void>;
};

export type LabAddress = { readonly number: number; readonly address: string; readonly address6: string };

/** One node's cable: up, cut, or gone. */
export type LabLeg = {
  readonly setLink: (state: 'up' | 'down') => Promise<void>;
  readonly detach: () => Promise<void>;
};

/** Names end up in host names, folder names and namespaces. */
function assertLabName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new Error(
      `"${name}" is no name for a part of the lab: a lower-case letter, then up to 30 of a-z, 0-9 and "-".`,
    );
  }
}

/** A namespace name that says whose it is and is new even when a name is used twice. */
export function newNamespaceName(name: string): string {
  assertLabName(name);
  return `${namespacePrefix}${ownOwnerName()}-${name}-${randomBytes(2).toString('hex')}`;
}

/** Makes the namespace with its loopback up. */
export async function addNamespace(namespace: string): Promise<void> {
  await mustRunProgram(programs.ip.path, ['netns', 'add', namespace]);
  await mustRunProgram(programs.ip.path, ['-n', namespace, 'link', 'set', 'lo', 'up']);
}

/** Processes that have this namespace as their network. */
export async function pidsInNamespace(namespace: string): Promise<number[]> {
  const { stdout } = await runProgram(programs.ip.path, ['netns', 'pids', namespace]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** Kills what runs in the namespace, waits for its end and removes it. */
export async function removeNamespace(namespace: string): Promise<void> {
  await waitUntil(`the end of what runs in ${namespace}`, async () => {
    const pids = await pidsInNamespace(namespace);
    for (const pid of pids) signalProcess(pid, 'SIGKILL');
    return pids.length === 0;
  });
  await mustRunProgram(programs.ip.path, ['netns', 'delete', namespace]);
}

async function ipBatch(namespace: string, lines: readonly string[]): Promise<void> {
  await mustRunProgram(programs.ip.path, ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** A place that shares this machine's files and has a network namespace of its own. */
function createNamespacePlace(facts: Pick<LabPlace, 'name' | 'address' | 'address6'>, namespace: string): LabPlace {
  return createPlace(facts, (as) => ({
    // A process that changes its ids loses the death signal; `removeNamespace` finds it then.
    program: programs.setpriv.path,
    args: ['--pdeathsig', 'KILL', '--', programs.nsenter.path, `--net=/run/netns/${namespace}`, ...nsenterIds(as)],
    staysInFront: false,
  }));
}

const prefix4 = '10.213';
const prefix6 = 'fd13:213:';
const firstHostNumber = 10;

async function attachLeg(bridgeNamespace: string, namespace: string, lease: LabAddress): Promise<LabLeg> {
  const port = `leg${lease.number}`;
  // The hardware address stays the same over switching off and on, as the others remember it.
  const hardware = `02:13:d5:00:${[lease.number >> 8, lease.number & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
  await ipBatch(bridgeNamespace, [
    `link add ${port} type veth peer name eth0 address ${hardware} netns ${namespace}`,
    `link set ${port} master bridge up`,
  ]);
  await ipBatch(namespace, [
    `address add ${lease.address}/16 dev eth0`,
    // Without duplicate address detection the address can be used at once.
    `address add ${lease.address6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${prefix4}.0.1`,
    `route add default via ${prefix6}:1`,
  ]);
  return {
    setLink: (state) => ipBatch(bridgeNamespace, [`link set ${port} ${state}`]),
    // Deleting one end removes both, even while a dying process still holds the node's namespace.
    detach: () => ipBatch(bridgeNamespace, [`link delete ${port}`]),
  };
}

export async function createLabNetwork(name = 'lab'): Promise<LabNetwork> {
  const namespace = newNamespaceName(name);
  const address = `${prefix4}.0.1`;
  const address6 = `${prefix6}:1`;
  let nextNumber = firstHostNumber;
  const peers = new Set<LabPeer>();
  await addNamespace(namespace);
  await ipBatch(namespace, [
    'link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    `address add ${address}/16 dev bridge`,
    `address add ${address6}/64 dev bridge nodad`,
    'link set bridge up',
  ]);
  const reserveAddress = (): LabAddress => {
    const number = nextNumber;
    nextNumber += 1;
    return {
      number,
      address: `${prefix4}.${number >> 8}.${number & 255}`,
      address6: `${prefix6}:${number.toString(16)}`,
    };
  };
  const attach: LabNetwork['attach'] = (other, lease) => attachLeg(namespace, other, lease);
  const createPeer = async (peerName: string): Promise<LabPeer> => {
    const peer = await createNamespacePeer(peerName, { reserveAddress, attach }, () => peers.delete(peer));
    peers.add(peer);
    return peer;
  };
  return {
    ...createNamespacePlace({ name, address, address6 }, namespace),
    address,
    address6,
    namespace,
    reserveAddress,
    attach,
    createPeer,
    destroy: async () => {
      for (const peer of [...peers]) await peer.destroy();
      await removeNamespace(namespace);
    },
  };
}

async function createNamespacePeer(
  name: string,
  network: Pick<LabNetwork, 'reserveAddress' | 'attach'>,
  onDestroyed: () => void,
): Promise<LabPeer> {
  const namespace = newNamespaceName(name);
  await addNamespace(namespace);
  const lease = network.reserveAddress();
  const { detach } = await network.attach(namespace, lease);
  const { address, address6 } = lease;
  return {
    ...createNamespacePlace({ name, address, address6 }, namespace),
    address,
    address6,
    namespace,
    addAddress: (more) => ipBatch(namespace, [`address add ${more} dev eth0${more.includes(':') ? ' nodad' : ''}`]),
    destroy: async () => {
      await detach();
      await removeNamespace(namespace);
      onDestroyed();
    },
  };
}
