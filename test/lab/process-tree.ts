import { readFileSync } from 'node:fs';

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw cause;
  }
}

/** Children of a process; none when it is gone. */
export function childrenOf(pid: number): number[] {
  const text = readProc(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text.split(' ').filter(Boolean).map(Number);
}

/** The program's own short name, at most 15 characters; null when the process is gone. */
export function programNameOf(pid: number): string | null {
  return readProc(`/proc/${pid}/comm`)?.trimEnd() ?? null;
}

/** A process that was stopped (SIGSTOP, SIGTSTP) and not continued. */
export function isStopped(pid: number): boolean {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat !== null && /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Follows the tree downwards by program names, for example unshare, tini; null while a step is not there yet. */
export function findDescendant(pid: number, names: readonly string[]): number | null {
  let current = pid;
  for (const name of names) {
    const next = childrenOf(current).find((child) => programNameOf(child) === name);
    if (next === undefined) return null;
    current = next;
  }
  return current;
}

/** Every process below this one. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Signals a process; one that is gone already is what the caller wanted. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
  }
}

/**
 * Kills a process and all below it, whatever sessions they have made for themselves.
 *
 * `spareTop` leaves the process itself to end when its child has: killed together with `nsenter`, a program inside a
 * node would be left for this machine's process 1 to collect, and not every process 1 does.
 */
export function killTree(pid: number, { spareTop = false }: { readonly spareTop?: boolean } = {}): void {
  const below = descendantsOf(pid);
  const targets = spareTop && below.length > 0 ? below : [pid, ...below];
  for (const target of targets) signalProcess(target, 'SIGKILL');
}
