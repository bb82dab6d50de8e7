import { lstat, readFile, stat } from 'node:fs/promises';
import type { Clock } from '@hauban/shared/time';
import { listProcesses, readProcess, startedAtMs, type ProcessFacts } from '../processes.ts';
import { eachLine } from '../program-lines.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';
import { errorCode } from '../safe-path.ts';
import { linesOf, parseConflicts, parseNginxFile, type NginxConflict, type NginxFile } from './nginx-names.ts';

/**
 * Two sites of one name: nginx serves the first that it reads, ignores the other and warns. Who puts a file before
 * another's takes its visitors so; who puts it behind wonders why his is never served. Both are refused, but for what
 * the nginx that runs has loaded already: a machine with an old conflict goes on being reloaded.
 */

const PRINT_TIMEOUT_MS = 30_000;
const TEXT_LIMIT_BYTES = 1024 * 1024;

/** The lines of `nginx -T`, which prints every file under its name; of thousands of sites they are many MiB. */
export async function printNginx(): Promise<readonly string[]> {
  const lines: string[] = [];
  await eachLine(PROGRAM_PATHS.nginx, ['-T', '-q'], PRINT_TIMEOUT_MS, (line) => lines.push(line ?? ''));
  return lines;
}

/** Every file that nginx reads. A comment may feign a name: files are read by themselves, whatever is printed below it. */
const listFiles = async (): Promise<ReadonlySet<string>> =>
  new Set((await printNginx()).flatMap((line) => /^# configuration file (\/.+):$/.exec(line)?.[1] ?? []));

/** Null: it is not there. */
async function orAbsent<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return null;
    throw error;
  }
}

/** Unix ms; of the link that leads to a file as well. */
async function changedAtMs(path: string): Promise<number> {
  const times = await Promise.all([lstat(path), stat(path)].map(orAbsent));
  return Math.max(...times.map((found) => found?.ctimeMs ?? Number.POSITIVE_INFINITY));
}

async function loadFiles(): Promise<ReadonlyMap<string, NginxFile>> {
  const files = new Map<string, NginxFile>();
  for (const path of await listFiles()) {
    const size = (await orAbsent(stat(path)))?.size ?? 0;
    const text = size > TEXT_LIMIT_BYTES ? null : await orAbsent(readFile(path, 'utf8'));
    files.set(path, text === null ? { sites: [], isOrder: true } : parseNginxFile(text));
  }
  return files;
}

/** Workers of an earlier configuration live on until their last request is answered. */
async function isLeaving({ pid }: ProcessFacts): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes('is shutting down');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return true;
    throw error;
  }
}

/** When that master loaded what it serves: its workers were made then, but for those that take the place of a dead one. */
async function loadedAtMs(clock: Clock, master: number): Promise<number> {
  const times: number[] = [];
  for (const facts of await listProcesses())
    if (facts.parent === master && !(await isLeaving(facts))) times.push(await startedAtMs(facts, clock.nowMs()));
  const own = times.length === 0 ? await readProcess(master) : null;
  return own === null ? Math.min(...times) : startedAtMs(own, clock.nowMs());
}

interface Place {
  readonly file: string;
  readonly lines: readonly number[];
}

/** One place a `server` block. */
const placesOf = (files: ReadonlyMap<string, NginxFile>, conflict: NginxConflict): readonly Place[] =>
  [...files].flatMap(([file, { sites }]) =>
    sites.map((site) => ({ file, lines: linesOf(site, conflict) })).filter(({ lines }) => lines.length > 0),
  );

const shown = (text: string): string => text.replaceAll(/\p{C}/gu, '?').slice(0, 200);

function textOf({ name, port }: NginxConflict, [one, two]: readonly Place[]): string {
  const where = port === null ? '' : ` on port ${port}`;
  const at = ({ file, lines }: Place): string => `${shown(file)}:${lines[0] ?? 0}`;
  const sites = one === undefined || two === undefined ? '' : `, ${at(one)} and ${at(two)}`;
  return `${shown(name)}${where} is a name of two sites${sites}: nginx would serve one of them only, so take it out of the other`;
}

/** @param said what `nginx -t` says. @param master the one that runs; null: none does, and nothing is loaded. */
export async function findConflict(clock: Clock, said: string, master: number | null): Promise<string | null> {
  const conflicts = parseConflicts(said);
  if (conflicts.length === 0) return null;
  const files = await loadFiles();
  const sinceMs = master === null ? Number.NEGATIVE_INFINITY : await loadedAtMs(clock, master);
  const changed = new Set<string>();
  for (const path of files.keys()) if ((await changedAtMs(path)) > sinceMs) changed.add(path);
  const ordering = [...files].filter(([, { isOrder }]) => isOrder).map(([path]) => path);
  for (const conflict of conflicts) {
    const places = placesOf(files, conflict);
    // Twice in one block does no harm.
    if (places.length === 1 && (places[0]?.lines.length ?? 0) > 1) continue;
    const matters = places.length > 1 ? [...places.map(({ file }) => file), ...ordering] : [...files.keys()];
    if (matters.some((path) => changed.has(path))) return textOf(conflict, places);
  }
  return null;
}
