import { readFile } from 'node:fs/promises';
import type { RehearsalEnd } from '../rehearsal/index.ts';
import type { ProcessFacts } from './processes.ts';
import { isInTheWay, listListeners, socketsOf } from './tcp-listeners.ts';

/**
 * What a rehearsal can not see because it has a network and limits of its own: whether the live Apache gets the ports and
 * the open files that the candidate takes. Without either it ends at the graceful reload, and every site with it.
 */
type Rehearsed = Extract<RehearsalEnd, { ok: true }>;
export interface NoRoom {
  readonly file: string | null;
  readonly line: number | null;
  readonly problem: string;
}

/** Connections that are open while it reloads. */
const SPARE_FILES = 32;

async function findTakenPort({ footprint, listens }: Rehearsed, master: ProcessFacts | null): Promise<NoRoom | null> {
  const own = master === null ? new Set<string>() : await socketsOf(master.pid);
  const others = (await listListeners()).filter(({ inode }) => !own.has(inode));
  for (const wanted of footprint.listeners) {
    if (!others.some((other) => isInTheWay(wanted, other))) continue;
    const place = listens.find(({ port }) => port === wanted.port);
    return {
      file: place?.file ?? null,
      line: place?.line ?? null,
      problem: `port ${wanted.port} belongs to another program: Apache would end when it can not listen there`,
    };
  }
  return null;
}

async function findMissingFiles({ footprint }: Rehearsed, master: ProcessFacts): Promise<NoRoom | null> {
  const limits = await readFile(`/proc/${master.pid}/limits`, 'utf8');
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  if (footprint.openFiles + SPARE_FILES <= limit) return null;
  const problem = `this configuration opens ${footprint.openFiles} files, and the Apache that runs may open ${limit}: restart it with a higher limit`;
  return { file: null, line: null, problem };
}

/** Null when there is room. @param master null: it does not run */
export async function findNoRoom(rehearsed: Rehearsed, master: ProcessFacts | null): Promise<NoRoom | null> {
  const taken = await findTakenPort(rehearsed, master);
  return taken ?? (master === null ? null : await findMissingFiles(rehearsed, master));
}
