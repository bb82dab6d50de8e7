import { createHash } from 'node:crypto';
import type { HostFiles } from '@hauban/shared/actions';
import type { Random } from '@hauban/shared/time';

/**
 * Who runs the programs that read or make a dump: no user has this number (accounts end below it, containers of systemd
 * begin above), it owns no file but the password that it is given, and it may start nothing as root.
 */
export const WORKER = { uid: 500_000, gid: 500_000 } as const;

const FOLDER = '/run/hauban-databases';

/** A login of the server for one dump or restore. The same name for the same database: what a crash left is found. */
export interface WorkerLogin {
  readonly user: string;
  readonly password: string;
  /** Holds the password; only the worker can read it. */
  readonly file: string;
}

const digest = (database: string): string => createHash('sha256').update(database).digest('hex').slice(0, 16);
/** No account is called hauban, so no user of a customer has this name. */
export const workerUser = (database: string): string => `hauban_${digest(database)}`;
const workerFile = (engine: string, database: string): string => `${FOLDER}/${engine}-${digest(database)}`;

export async function writeWorkerLogin(
  files: HostFiles,
  random: Random,
  engine: string,
  database: string,
  format: (user: string, password: string) => string,
): Promise<WorkerLogin> {
  const password = Buffer.from(random.bytes(24)).toString('hex');
  const user = workerUser(database);
  const file = workerFile(engine, database);
  await files.makeDirectory(FOLDER, { mode: 0o711, uid: 0, gid: 0 });
  await files.writeFile(file, format(user, password), { mode: 0o400, ...WORKER });
  return { user, password, file };
}

export async function removeWorkerFile(files: HostFiles, engine: string, database: string): Promise<void> {
  const file = workerFile(engine, database);
  await files.removeFile(file);
  await files.removeLeftovers(file);
}
