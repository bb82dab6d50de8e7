import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadMountTable } from './mount-table.ts';
import { waitUntil } from './program.ts';

/**
 * A control group for one full node. Each needs its own: nspawn puts the node below the group that it is started in,
 * and two nodes below the same group would each take the other's services for its own.
 *
 * Only the hierarchies that systemd itself works with: version 2, and version 1's `name=systemd`. Limits of memory and
 * CPU are in force where the machine has them in version 2.
 */
function hierarchies(): string[] {
  return loadMountTable()
    .filter(
      ({ type, superOptions }) =>
        type === 'cgroup2' || (type === 'cgroup' && superOptions.split(',').includes('name=systemd')),
    )
    .map(({ mountPoint }) => mountPoint);
}

export function createNodeCgroup(id: string): void {
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, id), { recursive: true });
}

/** Moves a process; what it starts from then on is in the group too. */
export function joinNodeCgroup(id: string, pid: number): void {
  for (const hierarchy of hierarchies()) writeFileSync(join(hierarchy, id, 'cgroup.procs'), `${pid}\n`);
}

/** Time of CPU that the node's processes have taken since it was made, those that have ended too; 0 without version 2. */
export function nodeCpuMs(id: string): number {
  for (const hierarchy of hierarchies()) {
    const file = join(hierarchy, id, 'cpu.stat');
    const used = existsSync(file) ? /^usage_usec (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
    if (used !== undefined) return Number(used) / 1000;
  }
  return 0;
}

function removeGroupTree(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroupTree(join(group, entry.name));
  }
  rmdirSync(group);
}

/** Removes the group once its last process is gone; a group that is not there is fine. */
export async function removeNodeCgroup(id: string): Promise<void> {
  for (const group of hierarchies().map((hierarchy) => join(hierarchy, id))) {
    await waitUntil(`the removal of ${group}`, () => {
      if (!existsSync(group)) return true;
      try {
        removeGroupTree(group);
        return true;
      } catch (cause) {
        // The kernel lets go of a group a moment after its last process has ended.
        const { code } = cause as NodeJS.ErrnoException;
        if (code === 'EBUSY' || code === 'ENOENT') return false;
        throw cause;
      }
    });
  }
}
