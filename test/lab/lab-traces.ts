import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labRunFolder, namespacePrefix, ownOwnerName } from './lab-owner.ts';
import { loadMountTable, mountsBelow } from './mount-table.ts';
import { pidsInNamespace } from './lab-network.ts';

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/**
 * Everything of this process's lab that the machine can see: mounts, folders, namespaces, cgroups, processes in them.
 * A test compares what it finds before and after.
 */
export async function describeLabTraces(): Promise<string[]> {
  const owner = ownOwnerName();
  const prefix = `${namespacePrefix}${owner}-`;
  const namespaces = namesIn('/run/netns').filter((name) => name.startsWith(prefix));
  const processes = await Promise.all(
    namespaces.map(async (name) => (await pidsInNamespace(name)).map((pid) => `process ${pid} in ${name}`)),
  );
  const groups = loadMountTable()
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .flatMap(({ mountPoint }) =>
      namesIn(mountPoint)
        .filter((name) => name.startsWith(prefix))
        .map((name) => join(mountPoint, name)),
    );
  return [
    ...mountsBelow(join(labRunFolder, owner)).map((point) => `mount ${point}`),
    ...namesIn(join(labRunFolder, owner)).map((name) => `folder ${name}`),
    ...namespaces.map((name) => `namespace ${name}`),
    ...processes.flat(),
    ...groups.map((group) => `cgroup ${group}`),
    ...namesIn('/run/systemd/nspawn/propagate')
      .filter((name) => name.startsWith(prefix))
      .map((name) => `nspawn ${name}`),
    ...childNames().map((name) => `child ${name}`),
  ].toSorted();
}

/** Programs that this process started and that still run. */
function childNames(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}
