import type { LinkLog } from './link-log.ts';

/** What the inventory reads and people change by hand: sites, PHP, certificates. */
const WATCHED = ['/etc/apache2', '/etc/nginx', '/etc/php', '/etc/letsencrypt/live'];
/** Sites are linked three levels down (`/etc/php/8.2/fpm/pool.d`). */
const DEPTH = 4;
const NAMES = /\.(?:conf|load|ini|pem|crt)$/;

/** Calls `changed` after a configuration file came, went or changed. The library is loaded here, not with the process. */
export async function watchConfigFiles(changed: () => void, log: LinkLog): Promise<{ close(): Promise<void> }> {
  const { watch } = await import('chokidar');
  const watcher = watch(WATCHED, {
    ignoreInitial: true,
    depth: DEPTH,
    ignorePermissionErrors: true,
    ignored: (path, stats) => stats?.isFile() === true && !NAMES.test(path),
  });
  watcher.on('all', () => changed());
  watcher.on('error', (error) => log.warn({ err: error }, 'configuration files cannot be watched'));
  return watcher;
}
