import type { Section } from './section.ts';

interface MountRow {
  readonly device: string;
  readonly mount: string;
  readonly type: string;
  readonly options: string;
}

const PSEUDO = new Set([
  'proc',
  'sysfs',
  'tmpfs',
  'devtmpfs',
  'devpts',
  'cgroup',
  'cgroup2',
  'securityfs',
  'debugfs',
  'tracefs',
  'bpf',
  'mqueue',
  'pstore',
  'hugetlbfs',
  'configfs',
  'fusectl',
  'ramfs',
  'autofs',
  'binfmt_misc',
  'nsfs',
  'rpc_pipefs',
]);

/** `/proc/<pid>/mounts` without the kernel's own file systems; octal escapes are undone. */
export function parseMounts(source: string): MountRow[] {
  const rows: MountRow[] = [];
  for (const line of source.split('\n')) {
    const [device, mount, type, options] = line.split(' ');
    if (device === undefined || mount === undefined || type === undefined || options === undefined || PSEUDO.has(type))
      continue;
    const plain = (text: string): string =>
      text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    rows.push({ device: plain(device), mount: plain(mount), type, options });
  }
  return rows.sort((a, b) => a.mount.localeCompare(b.mount));
}

/** Block devices and mounted file systems. */
export const disks: Section = {
  name: 'disks',
  async take(host) {
    const { default: si } = await import('systeminformation');
    const layout = await si.diskLayout();
    // Of process 1: a service manager may give this one read-only mounts of its own.
    const mounts = (await host.readText('/proc/1/mounts')) ?? (await host.readText('/proc/mounts'));
    return {
      disks: layout.map((disk) => ({
        device: disk.device,
        type: disk.type,
        name: disk.name,
        sizeBytes: disk.size,
        serial: disk.serialNum,
        smart: disk.smartStatus,
      })),
      mounts: parseMounts(mounts ?? ''),
    };
  },
};
