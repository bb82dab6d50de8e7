import { HaubanError } from '@hauban/shared/errors';
import { readItems, type BackupItem, type Manifest, type TableHead } from './backup-entries.ts';
import { copyDatabaseIn } from './database-copy.repository.ts';
import { checkFolders, writeKeyFolder, type KeyFolderName, type KeyFolders } from './key-folders.ts';
import { openSealedFile } from './sealed-file.ts';

interface RestoreTarget {
  readonly databaseUrl: string;
  /** Brings the database to the tables of this version; asked when the backup is known to be whole. */
  readonly migrate: (url: string) => Promise<void>;
  readonly folders: KeyFolders;
  /** What is there is lost (database) or put aside (folders). */
  readonly replaces: boolean;
}

interface KeyFile {
  readonly folder: KeyFolderName;
  readonly path: string;
  readonly content: Buffer;
}

/** From the first byte to the last, and nothing kept but what is small: only a whole backup is begun with. */
function verify(items: Iterable<BackupItem>): { readonly manifest: Manifest; readonly files: readonly KeyFile[] } {
  let manifest: Manifest | null = null;
  const files: { readonly folder: KeyFolderName; readonly path: string; readonly parts: Buffer[] }[] = [];
  let isFile = false;
  for (const item of items) {
    if (item.is === 'head') {
      isFile = item.head.is === 'file';
      if (item.head.is === 'manifest') manifest = item.head;
      if (item.head.is === 'file') files.push({ ...item.head, parts: [] });
    } else if (item.is === 'data' && isFile) files.at(-1)?.parts.push(Buffer.from(item.bytes));
  }
  if (manifest === null) throw new HaubanError('BACKUP_DAMAGED', 'The backup has no manifest.');
  for (const needed of ['controller', 'signer'] as const)
    if (!files.some(({ folder }) => folder === needed))
      throw new HaubanError('BACKUP_DAMAGED', `The backup holds no keys of the ${needed}.`);
  return { manifest, files: files.map(({ parts, ...file }) => ({ ...file, content: Buffer.concat(parts) })) };
}

/** The tables one after the other; the rows of one are read before the next is asked for. */
function* tablesOf(items: Iterator<BackupItem>): Generator<{ head: TableHead; rows: Iterable<Buffer> }> {
  let next = items.next();
  function* rows(): Generator<Buffer> {
    for (next = items.next(); next.done !== true && next.value.is === 'data'; next = items.next())
      yield next.value.bytes;
  }
  while (next.done !== true) {
    const { value } = next;
    if (value.is === 'head' && value.head.is === 'table') yield { head: value.head, rows: rows() };
    else next = items.next();
  }
}

/**
 * Puts a backup back. The whole file is verified before the first byte is written; the database comes back whole or not
 * at all, the keys after it. Neither controller nor signer may run.
 */
export async function restoreBackup(
  path: string,
  passphrase: string,
  { databaseUrl, migrate, folders, replaces }: RestoreTarget,
  nowMs: number,
): Promise<{ readonly madeAt: number; readonly files: number }> {
  const items = (): Generator<BackupItem> => readItems(openSealedFile(path, passphrase));
  const { manifest, files } = verify(items());
  checkFolders(folders, replaces);
  await migrate(databaseUrl);
  await copyDatabaseIn(databaseUrl, { manifest, replaces, tables: tablesOf(items()) });
  for (const [name, folder] of Object.entries(folders) as [KeyFolderName, string][])
    writeKeyFolder(
      folder,
      files.filter((file) => file.folder === name),
      nowMs,
    );
  return { madeAt: manifest.madeAt, files: files.length };
}
