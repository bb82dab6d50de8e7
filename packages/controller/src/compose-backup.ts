/** The commands `backup` and `restore`: where the passphrase, the folders and the database of this machine are. */
import { systemClock } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { isAbsolute } from 'node:path';
import { makeBackup, restoreBackup } from './backup/index.ts';
import { createAudit } from './compose-audit.ts';
import { loadDatabaseUrl } from './config.ts';
import { createDatabase, migrateDatabase } from './db/index.ts';
import { readSecretFile } from './signer/secret-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

const SHORTEST_PASSPHRASE = 12;
const bad = (detail: string): HaubanError => new HaubanError('CONFIG_BAD', detail);

function needPath(env: Env, name: string, says: string): string {
  const value = env[name] ?? '';
  if (!isAbsolute(value)) throw bad(`${name} must be an absolute path: ${says}.`);
  return value;
}

function loadPlaces(env: Env) {
  const file = needPath(env, 'HAUBAN_BACKUP_PASSPHRASE_FILE', 'a file, mode 600, with the passphrase of the backup');
  const given = readSecretFile(file, 'passphrase');
  if (given === null) throw bad(`HAUBAN_BACKUP_PASSPHRASE_FILE: there is no file ${file}.`);
  const passphrase = given.replace(/\r?\n$/, '');
  if (passphrase.length < SHORTEST_PASSPHRASE)
    throw bad(`The passphrase of the backup is shorter than ${SHORTEST_PASSPHRASE} characters: choose a longer one.`);
  return {
    passphrase,
    databaseUrl: loadDatabaseUrl(env),
    folders: {
      controller: needPath(env, 'HAUBAN_CONTROLLER_DIR', "the folder of this controller's link key"),
      signer: needPath(env, 'HAUBAN_SIGNER_DIR', 'the folder of the authority key; root may read it'),
    },
  };
}

/** What to say when it is done. */
export async function backUp(path: string, env: Env): Promise<string> {
  const { passphrase, ...source } = loadPlaces(env);
  const facts = await makeBackup(path, passphrase, source, systemClock.nowMs());
  const database = createDatabase({ url: source.databaseUrl });
  try {
    await createAudit(database, systemClock).recordAlone({ code: 'A5002I', who: 'system', detail: { ...facts } });
  } finally {
    await database.close();
  }
  return `${path} holds ${facts.tables} tables and ${facts.files} key files. Keep it, and the passphrase, on another machine.`;
}

/** What to say when it is done; the caller goes on with `after-restore`. */
export async function restore(path: string, replaces: boolean, env: Env): Promise<string> {
  const { passphrase, ...target } = loadPlaces(env);
  const { madeAt, files } = await restoreBackup(
    path,
    passphrase,
    { ...target, migrate: migrateDatabase, replaces },
    systemClock.nowMs(),
  );
  return `The backup of ${new Date(madeAt).toISOString()} is back: the database, and ${files} key files.`;
}
