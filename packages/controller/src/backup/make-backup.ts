import { encodeData, encodeEnd, encodeHead } from './backup-entries.ts';
import { copyDatabaseOut } from './database-copy.repository.ts';
import { readKeyFolder, type KeyFolderName, type KeyFolders } from './key-folders.ts';
import { createSealedFile } from './sealed-file.ts';

interface BackupSource {
  readonly databaseUrl: string;
  readonly folders: KeyFolders;
}

interface BackupFacts {
  readonly tables: number;
  readonly files: number;
}

/**
 * Writes everything into one new file. Keys are read after the snapshot of the database: a signer that is ahead of its
 * database is made good by the next start, one that is behind would not be.
 */
export async function makeBackup(
  path: string,
  passphrase: string,
  { databaseUrl, folders }: BackupSource,
  nowMs: number,
): Promise<BackupFacts> {
  const file = createSealedFile(path, passphrase);
  try {
    let tables = 0;
    await copyDatabaseOut(databaseUrl, nowMs, {
      manifest: (manifest) => file.add(encodeHead(manifest)),
      table: (head) => {
        tables += 1;
        file.add(encodeHead(head));
      },
      data: (bytes) => file.add(encodeData(bytes)),
    });
    let files = 0;
    for (const [folder, place] of Object.entries(folders) as [KeyFolderName, string][])
      for (const { path: name, content } of readKeyFolder(place)) {
        file.add(encodeHead({ is: 'file', folder, path: name }));
        file.add(encodeData(content));
        files += 1;
      }
    file.add(encodeEnd());
    file.finish();
    return { tables, files };
  } catch (error) {
    file.abandon();
    throw error;
  }
}
