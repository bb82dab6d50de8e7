import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process as /proc shows it. */
export interface FoundProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/** Gone, a zombie, or not ours to look into: all the same to whoever looks for what is left. */
function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

/** Direct children of a process, by every thread of it. */
export function childrenOf(pid: number): number[] {
  const tasks = readOrEmpty(() => readdirSync(`/proc/${pid}/task`).join(' '));
  return tasks
    .split(' ')
    .filter((task) => task !== '')
    .flatMap((task) => readOrEmpty(() => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')).split(' '))
    .filter((text) => text.trim() !== '')
    .map(Number);
}

/** Empty for a process that is gone and for a zombie. */
export function argumentsOf(pid: number): string[] {
  return readOrEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    .split('\0')
    .filter((word) => word !== '');
}

/** Every living process that has `text` in its arguments or environment, or works in a folder whose path has it. */
export function processesNaming(text: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const commandLine = argumentsOf(pid).join(' ');
    if (commandLine === '') continue;
    const places = [
      commandLine,
      readOrEmpty(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
      readOrEmpty(() => readlinkSync(`/proc/${pid}/cwd`)),
    ];
    if (places.some((place) => place.includes(text))) found.push({ pid, commandLine });
  }
  return found;
}

/** Effective user id of a process; null when it is gone. */
export function userOf(pid: number): number | null {
  const line = /^Uid:\s+\d+\s+(\d+)/m.exec(readOrEmpty(() => readFileSync(`/proc/${pid}/status`, 'utf8')));
  return line === null ? null : Number(line[1]);
}
