import { checkPath, isSnapshotId, isStoreName, type FileState, type RestoreSource } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** What stands beside a complete restore, in a folder that only root writes. */
export interface RestoreNote extends RestoreSource {
  readonly version: 1;
  readonly digest: string;
  readonly entries: number;
}

const textOf = (value: object, name: string): string => {
  const found = (value as Readonly<Record<string, unknown>>)[name];
  return typeof found === 'string' ? found : '';
};

/** Null: there is none. */
export function parseRestoreNote(state: FileState, path: string): RestoreNote | null {
  if (state.type === 'absent') return null;
  const value: unknown = state.type === 'file' ? JSON.parse(state.content) : null;
  const entries = typeof value === 'object' && value !== null && 'entries' in value ? value.entries : null;
  if (typeof value === 'object' && value !== null && typeof entries === 'number') {
    const [store, snapshot, where, digest] = ['store', 'snapshot', 'path', 'digest'].map((name) => textOf(value, name));
    const isPath = where === '' || (where !== undefined && checkPath(where) === null);
    if (
      store !== undefined &&
      isStoreName(store) &&
      isSnapshotId(snapshot ?? '') &&
      isPath &&
      /^[0-9a-f]{64}$/.test(digest ?? '')
    )
      return {
        version: 1,
        store,
        snapshot: snapshot ?? '',
        path: where,
        digest: digest ?? '',
        entries,
      };
  }
  throw new HaubanError('FILE_FAILED', `${path} is not as we wrote it: move the folder of that restore away`);
}

export const sourceOfNote = ({ store, snapshot, path }: RestoreNote): RestoreSource => ({ store, snapshot, path });
