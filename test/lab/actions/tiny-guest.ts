import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withFileLock } from '../file-lock.ts';
import { labCacheFolder } from '../lab-folders.ts';
import { mustRunProgram } from '../program.ts';
import { nodePrograms } from '../programs.ts';

/**
 * A guest that boots in three seconds without hardware help: Debian's own kernel with busybox in its memory, on a disk of
 * 24 MiB that starts it by syslinux. It says so on its serial line, counts the seconds there with what its seed says, and hears its power button.
 */
export const GUEST_IS_UP = 'guest is up';
export const GUEST_GOES_DOWN = 'guest goes down';
export const GUEST_MEMORY_MIB = 96;

/** Raise it when what is made below changes. */
const REVISION = 2;
const BUILD_TIMEOUT_MS = 300_000;
const KERNEL = 'linux-image-cloud-amd64';

/** In the order of their needs. */
const MODULES = [
  'drivers/input/evdev',
  'drivers/acpi/button',
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci',
  'drivers/block/virtio_blk',
  'drivers/cdrom/cdrom',
  'fs/isofs/isofs',
];

const nameOf = (module: string): string => `${module.split('/').at(-1) ?? ''}.ko`;

const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in ${MODULES.map(nameOf).join(' ')}; do $b insmod /$module; done
if [ -e /dev/vdb ] && $b mount -t iso9660 -o ro /dev/vdb /seed; then seed=$($b cat /seed/user-data); fi
listen() { $b head -c 1 > /dev/null && echo "${GUEST_GOES_DOWN}" > /dev/ttyS0 && $b poweroff -f; }
# Opened before it says that it is up: what is pressed earlier is not heard.
exec 3< /dev/input/event0 4< /dev/input/event1
listen <&3 &
listen <&4 &
echo "${GUEST_IS_UP}" > /dev/ttyS0
tick=0
while :; do tick=$((tick + 1)); echo "tick $tick $seed" > /dev/ttyS0; $b sleep 1; done
`;
const BOOT = `DEFAULT linux
PROMPT 0
LABEL linux
 KERNEL vmlinuz
 INITRD memory.gz
 APPEND console=ttyS0 quiet panic=1 tsc=unstable mitigations=off
`;

/** The kernel's files out of Debian's package, which is not installed: this machine keeps its own. */
async function unpackKernel(folder: string): Promise<{ readonly kernel: string; readonly modules: string }> {
  const { stdout } = await mustRunProgram('/usr/bin/apt-cache', ['depends', KERNEL]);
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name === undefined) throw new Error(`${KERNEL} is not in the lists of apt: run apt-get update`);
  await mustRunProgram('/usr/bin/env', ['-C', folder, '/usr/bin/apt-get', '-qq', 'download', name], {
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb')) ?? '';
  await mustRunProgram('/usr/bin/dpkg-deb', ['--extract', join(folder, archive), join(folder, 'kernel')], {
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  const version = readdirSync(join(folder, 'kernel/lib/modules'))[0] ?? '';
  return {
    kernel: join(folder, 'kernel/boot', `vmlinuz-${version}`),
    modules: join(folder, 'kernel/lib/modules', version, 'kernel'),
  };
}

async function packMemory(folder: string, modules: string): Promise<string> {
  const tree = join(folder, 'memory');
  for (const name of ['bin', 'proc', 'sys', 'dev', 'seed']) await mkdir(join(tree, name), { recursive: true });
  await cp(nodePrograms.busybox.path, join(tree, 'bin/busybox'));
  for (const module of MODULES) await cp(join(modules, `${module}.ko`), join(tree, nameOf(module)));
  await writeFile(join(tree, 'init'), INIT);
  await chmod(join(tree, 'init'), 0o755);
  const list = (await mustRunProgram('/usr/bin/find', [tree, '-printf', '%P\\n'])).stdout;
  const packed = join(folder, 'memory.cpio');
  const names = list.split('\n').filter((name) => name !== '');
  await mustRunProgram(
    '/usr/bin/cpio',
    ['--quiet', '--create', '--format=newc', `--directory=${tree}`, `--file=${packed}`],
    { input: `${names.join('\n')}\n` },
  );
  await mustRunProgram('/usr/bin/gzip', ['-1', packed]);
  return `${packed}.gz`;
}

async function build(target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-guest-'));
  try {
    const { kernel, modules } = await unpackKernel(folder);
    const memory = await packMemory(folder, modules);
    const [disk, boot] = [join(folder, 'disk'), join(folder, 'syslinux.cfg')];
    await writeFile(boot, BOOT);
    await mustRunProgram('/usr/bin/truncate', ['--size=24M', disk]);
    await mustRunProgram(nodePrograms.mkfsVfat.path, ['-n', 'GUEST', disk]);
    for (const [file, name] of [
      [kernel, 'vmlinuz'],
      [memory, 'memory.gz'],
      [boot, 'syslinux.cfg'],
    ] as const)
      await mustRunProgram(nodePrograms.mcopy.path, ['-i', disk, file, `::${name}`]);
    await mustRunProgram(nodePrograms.syslinux.path, ['--install', disk]);
    await mustRunProgram(nodePrograms.qemuImg.path, ['convert', '-f', 'raw', '-O', 'qcow2', disk, `${target}.part`]);
    renameSync(`${target}.part`, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A qcow2 disk of this machine, built when it is not in the cache yet (about ten seconds). */
export async function loadTinyGuest(): Promise<string> {
  const target = join(labCacheFolder(), `guest-${REVISION}.qcow2`);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  await withFileLock(`${target}.lock`, BUILD_TIMEOUT_MS, async () => {
    if (!existsSync(target)) await build(target);
  });
  return target;
}
