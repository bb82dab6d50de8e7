import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withFileLock } from './file-lock.ts';
import { isOwnerAlive, labRunFolder, namespacePrefix, ownerOfNamespace, type OwnerName } from './lab-owner.ts';
import { removeNamespace } from './lab-network.ts';
import { removeEmptyFolder, removeNodeFolder } from './node-folder.ts';
import { removeNodeCgroup } from './node-cgroup.ts';
import { removeNspawnLock, removeNspawnTraces } from './nspawn-traces.ts';

const namespacesFolder = '/run/netns';
const lockTimeoutMs = 120_000;

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Namespaces and nodes whose owner is gone, by the names that they have in /run. */
function findStale(): { readonly owners: OwnerName[]; readonly namespaces: string[] } {
  const isStaleNamespace = (name: string): boolean => {
    const owner = name.startsWith(namespacePrefix) ? ownerOfNamespace(name) : null;
    return owner !== null && !isOwnerAlive(owner);
  };
  return {
    owners: namesIn(labRunFolder).filter((name) => !isOwnerAlive(name)),
    namespaces: namesIn(namespacesFolder).filter(isStaleNamespace),
  };
}

/**
 * Removes what crashed runs left: processes in their namespaces, mounts, folders, namespaces, cgroups. Nodes of living
 * processes are not touched. Costs next to nothing when there is nothing to do; gives the names of what it removed.
 */
export async function cleanStaleLab(): Promise<string[]> {
  const seen = findStale();
  if (seen.owners.length + seen.namespaces.length === 0) return [];
  mkdirSync(labRunFolder, { recursive: true });
  return withFileLock(`${labRunFolder}.lock`, lockTimeoutMs, async () => {
    const { owners, namespaces } = findStale();
    const removed: string[] = [];
    for (const namespace of namespaces) {
      await removeNamespace(namespace);
      removed.push(namespace);
    }
    for (const owner of owners) {
      for (const id of namesIn(join(labRunFolder, owner))) {
        removeNspawnLock(join(labRunFolder, owner, id, 'root'));
        await removeNodeFolder(join(labRunFolder, owner, id));
        await removeNodeCgroup(id);
        removeNspawnTraces(id);
        removed.push(id);
      }
      removeEmptyFolder(join(labRunFolder, owner));
    }
    return removed;
  });
}
