import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { LOG_ROOT, type Asker, type Askers } from '@hauban/shared/actions';
import { errorCode, openDirectory, type OpenDirectory, type Trust } from '../safe-path.ts';
import { isAbout, parseAccessLine } from './access-line.ts';

/** Of one log: a busy site writes this in minutes. */
const END_BYTES = 32 * 1024 * 1024;
const ALL_BYTES = 512 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const LONGEST_LINE = 16 * 1024;
const MOST_ASKERS = 5000;
/** Addresses that are counted; whoever comes from more than these is not stopped by bans. */
const MOST_COUNTED = 500_000;
const ACCOUNT = /^[a-z][a-z0-9]{0,31}$/;
const LOG = /^(?<domain>[a-z0-9.-]{1,253})\.access\.log(?:\.1)?$/;

export interface AskersWish {
  readonly file: string;
  /** Unix ms. */
  readonly since: number;
  readonly everyMethod: boolean;
  readonly account?: string;
}

/** Counts one line after the other. */
class Tally {
  readonly #wish: AskersWish;
  readonly #counts = new Map<string, { requests: number; readonly sites: Set<string> }>();

  constructor(wish: AskersWish) {
    this.#wish = wish;
  }

  line(line: string, domain: string): void {
    const { file, since, everyMethod } = this.#wish;
    const request = parseAccessLine(line);
    if (request === null || request.at < since || !isAbout(request.path, file)) return;
    if (!everyMethod && request.method !== 'POST') return;
    const known = this.#counts.get(request.target);
    if (known !== undefined) {
      known.requests += 1;
      known.sites.add(domain);
    } else if (this.#counts.size < MOST_COUNTED)
      this.#counts.set(request.target, { requests: 1, sites: new Set([domain]) });
  }

  /** The busiest first; of as busy ones in the order of their texts, so that the same logs give the same list. */
  askers(): readonly Asker[] {
    return [...this.#counts]
      .map(([target, { requests, sites }]) => ({ target, requests, sites: sites.size }))
      .toSorted((a, b) => b.requests - a.requests || (a.target < b.target ? -1 : 1))
      .slice(0, MOST_ASKERS);
  }
}

/** The last bytes of a log, line by line; the line that is cut at the beginning is left out. */
async function readEnd(handle: FileHandle, from: number, size: number, line: (text: string) => void): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = '';
  let skips = from > 0;
  for (let at = from; at < size;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK_BYTES, size - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const lines = (rest + chunk.toString('latin1', 0, bytesRead)).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const text of skips ? lines.slice(1) : lines) if (text.length <= LONGEST_LINE) line(text);
    if (lines.length > 0) skips = false;
  }
}

/** Root's own log, no link; null when it is none or is gone. */
async function openLog(folder: OpenDirectory, name: string, ownerUid: number): Promise<FileHandle | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let handle: FileHandle;
  try {
    handle = await open(folder.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ELOOP' || errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  const stat = await handle.stat();
  if (stat.isFile() && stat.uid === ownerUid) return handle;
  await handle.close();
  return null;
}

async function namesIn(path: string, trust: Trust): Promise<readonly string[]> {
  const folder = await openDirectory(path, trust, true);
  if (folder === null) return [];
  try {
    return (await readdir(folder.at('.'))).toSorted();
  } finally {
    await folder.handle.close();
  }
}

/** Who asked for a file of the sites since then: the ends of Apache's access logs, which are root's alone. */
export async function readAskers(wish: AskersWish, trust: Trust, root = LOG_ROOT): Promise<Askers> {
  const tally = new Tally(wish);
  const accounts = (wish.account === undefined ? await namesIn(root, trust) : [wish.account]).filter((name) =>
    ACCOUNT.test(name),
  );
  let [logs, read, isCut] = [0, 0, false];
  const readLog = async (folder: OpenDirectory, name: string, domain: string): Promise<void> => {
    const handle = await openLog(folder, name, trust.ownerUid);
    if (handle === null) return;
    try {
      const { size, mtimeMs } = await handle.stat();
      if (mtimeMs < wish.since) return;
      const bytes = Math.min(size, END_BYTES, ALL_BYTES - read);
      isCut ||= bytes < size;
      read += bytes;
      logs += 1;
      await readEnd(handle, size - bytes, size, (line) => tally.line(line, domain));
    } finally {
      await handle.close();
    }
  };
  for (const account of accounts) {
    const folder = await openDirectory(`${root}/${account}`, trust, true);
    if (folder === null) continue;
    try {
      for (const name of (await readdir(folder.at('.'))).toSorted()) {
        const domain = LOG.exec(name)?.groups?.['domain'];
        if (domain !== undefined) await readLog(folder, name, domain);
      }
    } finally {
      await folder.handle.close();
    }
  }
  return { askers: tally.askers(), logs, isCut };
}
