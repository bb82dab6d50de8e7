import { findMaster, listProcesses, type ProcessFacts } from './processes.ts';

/** Apache's processes: the master that its pid file names, and the workers below it. */

export const findApacheMaster = (): Promise<ProcessFacts | null> => findMaster('/run/apache2/apache2.pid', 'apache2');

/** `pid:start` of every worker, so that a number used again is not taken for the old process. */
export async function workersOf(master: ProcessFacts): Promise<ReadonlySet<string>> {
  const all = await listProcesses();
  return new Set(
    all.filter(({ parent }) => parent === master.pid).map(({ pid, startTicks }) => `${pid}:${startTicks}`),
  );
}
