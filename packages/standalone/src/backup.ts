import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HaubanError } from '@hauban/shared/errors';
import type { StandaloneConfig } from './config.ts';
import type { Entries } from './entries.ts';
import { runningPostgresUrl } from './postgres/embedded-postgres.ts';
import { runOnce } from './run-once.ts';
import { controllerEnv, makeFolders, type Folders } from './stack.ts';

/** What was asked for beside the start itself. */
export interface Wishes {
  /** Write a backup of the copy that runs, and start nothing. */
  readonly backup: string | null;
  /** Put this backup in the place of what is there, before the controller starts. */
  readonly restore: string | null;
  /** The database was put back by hand: nodes are believed once. */
  readonly isAfterRestore: boolean;
}

/** A large database takes its time. */
const BACKUP_WITHIN_MS = 3_600_000;

export function parseWishes(args: readonly string[]): Wishes {
  const options = {
    backup: { type: 'string' },
    restore: { type: 'string' },
    'after-restore': { type: 'boolean' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const file = (path: string | undefined): string | null => (path === undefined ? null : resolve(path));
    return {
      backup: file(values.backup),
      restore: file(values.restore),
      isAfterRestore: values['after-restore'] ?? false,
    };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new HaubanError(
      'BAD_REQUEST',
      `${error.message} Known are --backup FILE, --restore FILE and --after-restore.`,
      { cause: error },
    );
  }
}

/** The controller's own environment, and where the rest of what makes it lies. */
function backupEnv(
  env: Record<string, string>,
  folders: Folders,
  given: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const passphraseFile = given['HAUBAN_BACKUP_PASSPHRASE_FILE'];
  return {
    ...env,
    HAUBAN_SIGNER_DIR: folders.signer,
    ...(passphraseFile === undefined ? {} : { HAUBAN_BACKUP_PASSPHRASE_FILE: passphraseFile }),
  };
}

/** Beside the copy that runs in that data folder; what to say when it is done. */
export async function backUpRunning(
  config: StandaloneConfig,
  entries: Entries,
  file: string,
  given: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const folders = makeFolders(config);
  const databaseUrl = config.databaseUrl ?? (await runningPostgresUrl({ dataDir: folders.postgres }));
  const env = backupEnv(controllerEnv(config, folders, entries, databaseUrl), folders, given);
  const args = [entries.controller, 'backup', file];
  return (await runOnce('The backup', process.execPath, args, env, BACKUP_WITHIN_MS)).trim();
}

/** Before signer and controller start. What was there is lost (database) or put aside (keys). */
export async function restoreBefore(
  env: Record<string, string>,
  folders: Folders,
  entries: Entries,
  file: string,
  given: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const args = [entries.controller, 'restore', file, '--replace'];
  await runOnce('The restore', process.execPath, args, backupEnv(env, folders, given), BACKUP_WITHIN_MS);
}
