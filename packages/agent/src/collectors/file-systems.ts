import { seriesName } from '@hauban/shared/metrics';
import { listMounts, type FileSystemUsage, type Mount, type ProcFiles } from '../proc/index.ts';
import type { Collector, RawSeries } from './collector.ts';

const METRICS = [
  'size_bytes',
  'used_bytes',
  'available_bytes',
  'used_ratio',
  'inodes',
  'inodes_used',
  'inodes_used_ratio',
  'read_only',
] as const;

/** Types whose statfs this machine answers by itself. What is not named here is never asked in this process. */
const LOCAL = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'bcachefs',
  'jfs',
  'reiserfs',
  'nilfs2',
  'vfat',
  'exfat',
]);
/** Memory file systems that stop a machine when they are full. */
const MEMORY_POINTS = new Set(['/run', '/tmp', '/dev/shm']);
/** Types that hold neither data nor other machines: their presence below a mount is no danger. */
const HARMLESS = new Set([
  ...LOCAL,
  'overlay',
  'tmpfs',
  'devtmpfs',
  'ramfs',
  'proc',
  'sysfs',
  'rootfs',
  'squashfs',
  'iso9660',
  'udf',
  'cgroup',
  'cgroup2',
  'devpts',
  'securityfs',
  'bpf',
  'tracefs',
  'debugfs',
  'configfs',
  'mqueue',
  'hugetlbfs',
  'pstore',
  'efivarfs',
  'binfmt_misc',
]);
const MAX_MOUNTS = 32;

const isBelow = (point: string, parent: string): boolean =>
  parent === '/' || point === parent || point.startsWith(`${parent}/`);

/**
 * The mounts that may be asked: local types only, one for each device (the shortest path), and none below a mount
 * that another machine serves: the way there would hang with it.
 */
export function chooseMounts(mounts: readonly Mount[]): Mount[] {
  const foreign = mounts.filter((mount) => !HARMLESS.has(mount.type)).map((mount) => mount.point);
  const chosen = new Map<string, Mount>();
  for (const mount of mounts) {
    const isWanted =
      LOCAL.has(mount.type) ||
      (mount.type === 'tmpfs' && MEMORY_POINTS.has(mount.point)) ||
      (mount.type === 'overlay' && mount.point === '/');
    if (!isWanted || foreign.some((point) => isBelow(mount.point, point))) continue;
    const known = chosen.get(mount.device);
    if (known === undefined || mount.point.length < known.point.length) chosen.set(mount.device, mount);
  }
  return [...chosen.values()].slice(0, MAX_MOUNTS);
}

export type ReadUsage = (path: string) => Promise<FileSystemUsage | undefined>;

/**
 * Space and inodes of local file systems. statfs runs beside the ticks, one mount after the other, so that a dead disk
 * holds at most one of libuv's threads; what it does not answer is a gap.
 */
export function createFileSystems(files: ProcFiles, readUsage: ReadUsage): Collector {
  let declared: Mount[] = [];
  let held = new Float64Array(0);
  let isStale = false;

  const put = (index: number, mount: Mount, usage: FileSystemUsage): void => {
    const used = usage.sizeBytes - usage.freeBytes;
    const reachable = used + usage.availableBytes;
    const inodesUsed = usage.inodes - usage.inodesFree;
    held.set(
      [
        usage.sizeBytes,
        used,
        usage.availableBytes,
        reachable > 0 ? used / reachable : 0,
        usage.inodes,
        inodesUsed,
        usage.inodes > 0 ? inodesUsed / usage.inodes : 0,
        mount.isReadOnly ? 1 : 0,
      ],
      index * METRICS.length,
    );
  };

  return {
    name: 'file-systems',
    family: 'fs',
    everyTicks: 6,
    isLive: false,
    isStale: () => isStale,
    series: () => {
      const before = new Map(
        declared.map((mount, index) => [mount.point, held.slice(index * METRICS.length, (index + 1) * METRICS.length)]),
      );
      declared = chooseMounts(listMounts(files));
      isStale = false;
      held = new Float64Array(declared.length * METRICS.length).fill(Number.NaN);
      declared.forEach((mount, index) => held.set(before.get(mount.point) ?? [], index * METRICS.length));
      return declared.flatMap((mount) =>
        METRICS.map((metric): RawSeries => ({ name: seriesName('fs', mount.point, metric), from: 'level' })),
      );
    },
    collect: (out) => out.set(held),
    refresh: async () => {
      const now = chooseMounts(listMounts(files));
      isStale = now.length !== declared.length || now.some((mount, index) => mount.point !== declared[index]?.point);
      for (const mount of now) {
        const wanted = declared.findIndex((one) => one.point === mount.point);
        if (wanted < 0) continue;
        held.fill(Number.NaN, wanted * METRICS.length, (wanted + 1) * METRICS.length);
        const usage = await readUsage(mount.point);
        // The declaration may have changed while this waited.
        const index = declared.findIndex((one) => one.point === mount.point);
        if (usage !== undefined && index >= 0) put(index, mount, usage);
      }
    },
  };
}
