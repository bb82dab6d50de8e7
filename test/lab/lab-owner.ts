import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Everything the lab makes on a machine carries the name of the process that made it: `<pid>-<start time>`. The start
 * time (clock ticks since boot, field 22 of /proc/<pid>/stat) tells that process from a later one with the same number,
 * so what a crashed run left behind can be known for certain.
 */
export type OwnerName = string;

/** One folder per owner below this one; each node has its own folder in it. */
export const labRunFolder = '/run/hauban-lab';
export const namespacePrefix = 'hauban-lab-';

/** Ticks since boot at which the process started; null when there is no such process or it is only a zombie. */
export function startTicksOf(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw cause;
  }
  // The second field is the program's name in brackets and may itself contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return null;
  return Number(fields[19]);
}

/** The name of this process as an owner. */
export function ownOwnerName(): OwnerName {
  return `${process.pid}-${startTicksOf(process.pid) ?? 0}`;
}

/** True while the process that `name` speaks of still runs; names that were not made here count as alive. */
export function isOwnerAlive(name: OwnerName): boolean {
  const match = /^(\d+)-(\d+)$/.exec(name);
  if (!match) return true;
  return startTicksOf(Number(match[1])) === Number(match[2]);
}

/** The owner inside a namespace's name `hauban-lab-<owner>-<node>`; null for a namespace that is not the lab's. */
export function ownerOfNamespace(namespace: string): OwnerName | null {
  return /^hauban-lab-(\d+-\d+)-/.exec(namespace)?.[1] ?? null;
}

/** Whether any process has a node up on this machine. */
export function doesAnyNodeStand(): boolean {
  return existsSync(labRunFolder) && readdirSync(labRunFolder).some(isOwnerAlive);
}
