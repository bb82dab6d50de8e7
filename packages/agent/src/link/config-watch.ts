import { isThere } from '../store/enrolment-files.ts';
import type { LinkLog } from './link-log.ts';

/** What the inventory reads and people change by hand: sites, PHP, certificates. */
const WATCHED = ['/etc/apache2', '/etc/nginx', '/etc/php', '/etc/letsencrypt/live'];
/** Sites are linked three levels down (`/etc/php/8.2/fpm/pool.d`). */
const DEPTH = 4;
const NAMES = /\.(?:conf|load|ini|pem|crt)$/;

export interface ConfigWatch {
  close(): Promise<void>;
}

/**
 * Calls `changed` after a configuration file came, went or changed. Only folders are watched: the kernel's notice of a
 * folder names the file in it, and a watch for each of thousands of sites would cost the small process its memory.
 * The library is loaded here, not with the process.
 */
export async function watchConfigFiles(
  changed: () => void,
  log: LinkLog,
  folders: readonly string[] = WATCHED,
): Promise<ConfigWatch> {
  const { watch } = await import('chokidar');
  // For an absent folder the library would watch its parent. What is installed later is found by the hourly inventory.
  const watcher = watch(folders.filter(isThere), {
    ignoreInitial: true,
    depth: DEPTH,
    ignorePermissionErrors: true,
    ignored: (_path, stats) => stats !== undefined && !stats.isDirectory(),
  });
  watcher.on('raw', (_event, path) => {
    if (NAMES.test(path)) changed();
  });
  watcher.on('error', (error) => log.warn({ err: error }, 'configuration files cannot be watched'));
  if (folders.some(isThere)) await new Promise<void>((resolve) => watcher.once('ready', resolve));
  return { close: () => watcher.close() };
}
