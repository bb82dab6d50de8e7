import { readFileSync } from 'node:fs';
import { childrenOf } from '../support/processes.ts';

/** What a bare fan-out took; delays are from the sending of all to the coming at each connection. */
export interface FanOut {
  readonly allMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the sending process. */
  readonly cpuMs: number;
}

/** What a process has used since its start, and holds now. */
export interface ProcessUse {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** USER_HZ, which is 100 on every Linux that runs here. */
const TICK_MS = 10;

/** Null: the process is gone. */
export function readProcessUse(pid: number | null): ProcessUse | null {
  if (pid === null) return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything: state is field 3, utime 14, stime 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const rssKiB = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, rssBytes: Number(rssKiB ?? 0) * 1024 };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

/** CPU of a process, its living children and those that it has waited for, ms; 0: it is gone. */
export function readTreeCpuMs(pid: number | null): number {
  if (pid === null) return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // cutime is field 16, cstime 17.
    const ended = (Number(fields[13]) + Number(fields[14])) * TICK_MS;
    const living = [pid, ...childrenOf(pid)].map((one) => readProcessUse(one)?.cpuMs ?? 0);
    return living.reduce((sum, ms) => sum + ms, ended);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}

/** @param values are sorted in place */
export function quantileOf(values: number[], part: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;
}
