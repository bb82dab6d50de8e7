import { isSnapshotId, type SnapshotRow, type SourceFacts } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** What `restic --json` says (0.14), read as text of somebody else. */

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const notUnderstood = (what: string): HaubanError =>
  new HaubanError('PROGRAM_FAILED', `restic ${what}: its answer was not understood`);

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HaubanError('PROGRAM_FAILED', `restic ${what}: its answer was not understood`, { cause });
  }
}

/** One snapshot of the repository that we made. */
export interface ResticRow extends SnapshotRow {
  /** As the repository names it, 64 hex digits. */
  readonly id: string;
  /** Of the account when it was taken: an account of the same name made later has another. */
  readonly uid: number;
}

/** The tag that says whose snapshot it is; no part can hold a comma, which would make two tags of it. */
export const tagOf = (account: string, uid: number, snapshot: string): string => `hauban/${account}/${uid}/${snapshot}`;

/** `restic snapshots --json`: those of ours, of that account and of nothing but its home. */
export function parseSnapshots(text: string, account: string, home: string): readonly ResticRow[] {
  const list = parseJson(text, 'snapshots');
  // An empty repository answers null.
  if (list === null) return [];
  if (!Array.isArray(list)) throw notUnderstood('snapshots');
  return list.filter(isFields).flatMap((entry) => {
    const { id, time, paths, tags } = entry;
    const tag = Array.isArray(tags) && tags.length === 1 ? textOf(tags[0]) : '';
    const [mark, name, uid = '', snapshot = '', ...rest] = tag.split('/');
    const isOurs = mark === 'hauban' && name === account && rest.length === 0 && isSnapshotId(snapshot);
    const isHome = Array.isArray(paths) && paths.length === 1 && paths[0] === home;
    const createdAtMs = Date.parse(textOf(time));
    if (!isOurs || !isHome || !/^[0-9]{1,6}$/.test(uid)) return [];
    if (!/^[0-9a-f]{64}$/.test(textOf(id)) || Number.isNaN(createdAtMs)) throw notUnderstood('snapshots');
    return [{ id: textOf(id), uid: Number(uid), snapshot, createdAtMs, readOnly: true }];
  });
}

/** Adds up the lines of `restic ls --json --recursive ID PATH`, by the rules of `walkSite`. */
export class ResticMeasure {
  readonly #leftOut: Record<string, number> = {};
  readonly #path: string;
  readonly #uid: number;
  #type: SourceFacts['type'] | null = null;
  #entries = 0;
  #sizeBytes = 0;
  /** A folder that is left out, with what is below it. */
  #skipped: string | null = null;

  constructor(path: string, uid: number) {
    this.#path = path;
    this.#uid = uid;
  }

  line(text: string): void {
    const node = parseJson(text, 'ls');
    if (!isFields(node) || node['struct_type'] !== 'node') return;
    const [path, type] = [textOf(node['path']), textOf(node['type'])];
    if (path !== this.#path && !path.startsWith(`${this.#path}/`)) return;
    if (this.#skipped !== null && path.startsWith(`${this.#skipped}/`)) return;
    const why = this.#whyNot(type, node['uid']);
    if (why !== null) {
      this.#leftOut[why] = (this.#leftOut[why] ?? 0) + 1;
      this.#skipped = path;
      return;
    }
    if (path === this.#path) this.#type = type === 'dir' ? 'directory' : 'file';
    this.#entries += 1;
    if (type === 'file' && typeof node['size'] === 'number') this.#sizeBytes += node['size'];
  }

  #whyNot(type: string, uid: unknown): string | null {
    if (type === 'symlink') return null;
    if (type !== 'file' && type !== 'dir') return 'pipes, sockets and devices';
    return uid === this.#uid ? null : 'files and folders of others';
  }

  /** Null: nothing of that path is in it, or it is itself what is left out. What it takes beside the homes is staged there. */
  facts(): SourceFacts | null {
    if (this.#type === null) return null;
    return {
      type: this.#type,
      entries: this.#entries,
      sizeBytes: this.#sizeBytes,
      diskBytes: 2 * this.#sizeBytes,
      leftOut: this.#leftOut,
    };
  }
}
