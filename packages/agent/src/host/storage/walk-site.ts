import { posix } from 'node:path';
import type { BigIntStats } from 'node:fs';
import { readlink, type FileHandle } from 'node:fs/promises';
import { homeOf } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { at, componentsOf, hold, namesIn, openHeld } from './held-folder.ts';

/**
 * What of an account's tree may be restored, wherever it lies: in a snapshot or in a copy of one. Its content is the
 * customer's, or of whoever broke into the site: each entry is taken hold of once and judged by that.
 */
export interface SiteTree {
  readonly account: string;
  readonly uid: number;
  /** Below var/www; empty for var/www itself. */
  readonly path: string;
}

export interface TreeEntry {
  /** Below the thing that the walk began with, which itself has the empty path; latin1. */
  readonly path: string;
  readonly name: string;
  /** Without set-id and sticky bits. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly stat: BigIntStats;
}

export interface TreeVisitor {
  /** A folder, before and after what is in it. */
  enter?(entry: TreeEntry): Promise<void>;
  leave?(entry: TreeEntry): Promise<void>;
  /** `held` is not opened: see `openHeld`. */
  file?(entry: TreeEntry, held: FileHandle): Promise<void>;
  link?(entry: TreeEntry, target: string): Promise<void>;
  /** True ends the walk. */
  isEnough?(): boolean;
}

type Why =
  | 'files and folders of others'
  | 'links that lead out of var/www'
  | 'pipes, sockets and devices'
  | 'folders of other file systems';
export type LeftOut = Readonly<Partial<Record<Why, number>>>;

const DEPTH_LIMIT = 200;
const ENTRIES_LIMIT = 1_000_000;

/** Where the link would lead from its place in the site, as far as text can say. */
function leadsOut(tree: SiteTree, path: string, target: string): boolean {
  const root = `${homeOf(tree.account)}/var/www`;
  const place = posix.join(root, componentsOf(tree.path).join('/'), path);
  const end = posix.resolve(posix.dirname(place), target);
  return end !== root && !end.startsWith(`${root}/`);
}

class Walk {
  readonly leftOut: Partial<Record<Why, number>> = {};
  #looked = 0;
  #device: bigint | null = null;
  readonly #tree: SiteTree;
  readonly #visitor: TreeVisitor;

  constructor(tree: SiteTree, visitor: TreeVisitor) {
    this.#tree = tree;
    this.#visitor = visitor;
  }

  /** What it was; null when it is not there. */
  async entry(parent: FileHandle, name: string, path: string, depth: number): Promise<'file' | 'directory' | null> {
    if (this.#visitor.isEnough?.() === true) return null;
    this.#looked += 1;
    if (this.#looked > ENTRIES_LIMIT || depth > DEPTH_LIMIT)
      throw new HaubanError(
        'ACTION_REFUSED',
        'there are too many files or folders in one another: name a folder below',
      );
    const held = await hold(parent, name);
    if (held === null) return null;
    try {
      const stat = await held.stat({ bigint: true });
      this.#device ??= stat.dev;
      const entry = { path, name, mode: Number(stat.mode) & 0o777, sizeBytes: Number(stat.size), stat };
      const why = await this.#whyNot(parent, entry);
      if (why !== null) {
        this.leftOut[why] = (this.leftOut[why] ?? 0) + 1;
        return null;
      }
      return await this.#visit(parent, entry, held, depth);
    } finally {
      await held.close();
    }
  }

  async #visit(parent: FileHandle, entry: TreeEntry, held: FileHandle, depth: number): Promise<'file' | 'directory'> {
    if (entry.stat.isSymbolicLink()) {
      await this.#visitor.link?.(entry, await targetOf(parent, entry.name));
      return 'file';
    }
    if (entry.stat.isFile()) {
      await this.#visitor.file?.(entry, held);
      return 'file';
    }
    await this.#visitor.enter?.(entry);
    const folder = await openHeld(held);
    try {
      for (const name of await namesIn(folder))
        await this.entry(folder, name, entry.path === '' ? name : `${entry.path}/${name}`, depth + 1);
    } finally {
      await folder.close();
    }
    await this.#visitor.leave?.(entry);
    return 'directory';
  }

  async #whyNot(parent: FileHandle, { path, name, stat }: TreeEntry): Promise<Why | null> {
    if (stat.dev !== this.#device) return 'folders of other file systems';
    if (stat.isSymbolicLink())
      return leadsOut(this.#tree, path, await targetOf(parent, name)) ? 'links that lead out of var/www' : null;
    if (!stat.isFile() && !stat.isDirectory()) return 'pipes, sockets and devices';
    // Root reads them: given to the account, it could read what it may not.
    return Number(stat.uid) === this.#tree.uid ? null : 'files and folders of others';
  }
}

const targetOf = async (parent: FileHandle, name: string): Promise<string> =>
  (await readlink(at(parent, name), { encoding: 'buffer' })).toString('latin1');

export interface Walked {
  /** Null: it is not there, or it is itself what is left out. */
  readonly type: 'file' | 'directory' | null;
  readonly leftOut: LeftOut;
}

/** The entry `name` of a folder and everything below it: folders before what is in them, names in order. */
export async function walkSite(
  parent: FileHandle,
  name: string,
  tree: SiteTree,
  visitor: TreeVisitor,
): Promise<Walked> {
  const walk = new Walk(tree, visitor);
  const type = await walk.entry(parent, name, '', 0);
  return { type, leftOut: walk.leftOut };
}
