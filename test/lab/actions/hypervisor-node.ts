import { randomUUID } from 'node:crypto';
import { createDisposableNode, type DisposableNode, type DisposableNodeOptions } from '../disposable-node.ts';
import { waitUntil } from '../program.ts';
import { nodePrograms, programs } from '../programs.ts';
import { putDriverInto, type ActionNode } from './action-node.ts';
import { GUEST_MEMORY_MIB, loadTinyGuest } from './tiny-guest.ts';

/** A node that is a hypervisor: libvirt's own daemon in it, with real guests that qemu emulates, and the driver. */
export interface HypervisorNode {
  readonly node: DisposableNode;
  readonly actions: ActionNode;
  /** `virsh` by hand, past all of ours; what it says, without blanks around. */
  readonly virsh: (...args: readonly string[]) => Promise<string>;
  /** A guest as somebody else defined it, with a disk that boots. */
  readonly defineGuest: (name: string, more?: GuestMore) => Promise<void>;
  /** What a guest said on its serial line since it was made. */
  readonly serialOf: (name: string) => Promise<string>;
}

export interface GuestMore {
  /** Its disk is empty: it runs, boots nothing and hears nothing. */
  readonly isDeaf?: boolean;
}

export const IMAGES = '/var/lib/libvirt/images';
export const TEMPLATES = '/etc/hosting/guests/templates';
/** What the tests put back after they have spoilt it. */
export const CONFIG = 'driver = "libvirt"\naccelerate = "tcg"\nbridges = ["br0"]\n';
const SYSTEM = 'qemu:///system';
const SOCKET = '/run/libvirt/libvirt-sock';

/** There is no cgroup and no /dev/kvm in a disposable node; each guest keeps to its own process. */
const QEMU_CONFIG = `user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
`;
const DAEMON_CONFIG = `auth_unix_rw = "none"
auth_unix_ro = "none"
`;

/** Debian's package libvirt-daemon-system makes them; it is not here, because it starts services. */
async function makeUsers({ mustRun }: DisposableNode): Promise<void> {
  for (const group of ['kvm', 'libvirt-qemu']) await mustRun('/usr/sbin/groupadd', ['--force', '--system', group]);
  await mustRun('/usr/sbin/useradd', ['--system', '--no-create-home', '--gid=kvm', 'libvirt-qemu']);
}

/** What a node needs to talk to others: certificates by which libvirt knows them, and a number of its own. */
export interface TlsFiles {
  readonly authority: string;
  readonly cert: string;
  readonly key: string;
}

async function putTls(node: DisposableNode, { authority, cert, key }: TlsFiles): Promise<void> {
  await node.mustRun('/usr/bin/mkdir', ['-p', '/etc/pki/CA', '/etc/pki/libvirt/private']);
  await node.writeFile('/etc/pki/CA/cacert.pem', authority);
  for (const side of ['server', 'client']) {
    await node.writeFile(`/etc/pki/libvirt/${side}cert.pem`, cert);
    await node.writeFile(`/etc/pki/libvirt/private/${side}key.pem`, key);
  }
}

async function startDaemon(node: DisposableNode, tls: TlsFiles | null): Promise<void> {
  await makeUsers(node);
  await node.mustRun('/usr/bin/mkdir', ['-p', '/var/log/libvirt/qemu', '/run/libvirt', IMAGES, '/etc/hosting']);
  await node.writeFile('/etc/libvirt/qemu.conf', QEMU_CONFIG);
  const number = `host_uuid = "${randomUUID()}"\n`;
  await node.writeFile('/etc/libvirt/libvirtd.conf', `${DAEMON_CONFIG}${number}`);
  if (tls !== null) await putTls(node, tls);
  await node.mustRun('/usr/bin/mkdir', ['-p', '/dev/net', TEMPLATES]);
  await node.mustRun('/usr/bin/mknod', ['/dev/net/tun', 'c', '10', '200']);
  await node.mustRun(programs.ip.path, ['link', 'add', 'br0', 'type', 'bridge']);
  await node.mustRun(nodePrograms.libvirtd.path, ['--daemon', ...(tls === null ? [] : ['--listen'])]);
  await waitUntil('libvirt', async () => node.exists(SOCKET));
}

const guestXml = (name: string): string => `<domain type='qemu'>
  <name>${name}</name><memory unit='MiB'>${GUEST_MEMORY_MIB}</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
  <devices>
    <emulator>${nodePrograms.qemu.path}</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${IMAGES}/${name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <serial type='file'><source path='/tmp/${name}.serial' append='on'/></serial>
  </devices>
</domain>`;

export async function standHypervisorNode(
  options: DisposableNodeOptions,
  tls: ((address: string) => TlsFiles) | null = null,
): Promise<HypervisorNode> {
  const image = await loadTinyGuest();
  const node = await createDisposableNode({ sizeMiB: 3000, ...options });
  try {
    await startDaemon(node, tls?.(node.address ?? '') ?? null);
    await node.writeFile('/etc/hosting/hypervisor.toml', CONFIG);
    await node.copyIn(image, `${TEMPLATES}/tiny.qcow2`);
    const virsh = async (...args: readonly string[]): Promise<string> =>
      (await node.mustRun(nodePrograms.virsh.path, ['--quiet', '--connect', SYSTEM, ...args])).stdout.trim();
    return {
      node,
      actions: await putDriverInto(node),
      virsh,
      async defineGuest(name, more = {}) {
        const disk = `${IMAGES}/${name}.qcow2`;
        if (more.isDeaf === true) await node.mustRun(nodePrograms.qemuImg.path, ['create', '-f', 'qcow2', disk, '1M']);
        else await node.copyIn(image, disk);
        await node.writeFile(`/tmp/${name}.xml`, guestXml(name));
        await virsh('define', '--file', `/tmp/${name}.xml`);
      },
      serialOf: async (name) =>
        (await node.exists(`/tmp/${name}.serial`)) ? node.readFile(`/tmp/${name}.serial`) : '',
    };
  } catch (error) {
    await node.destroy();
    throw error;
  }
}
