import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDebianRoot, type DebianRecipe } from './debian-root.ts';
import { labCacheFolder } from './lab-folders.ts';

/** What a web node of a hoster has on a plain Debian 12, and what the agent's units lean on. */
const packages = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'apache2',
  'php8.2-fpm',
  'nftables',
  'iproute2',
  'iputils-ping',
  'netbase',
  'openssl',
  'ca-certificates',
  'procps',
  'libfcgi-bin',
  'bubblewrap',
  'curl',
  'less',
] as const;

/** Units without work in a node of the lab: there is no console, no outside network and no disk of its own. */
const maskedUnits = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@.service',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
] as const;

const recipe: DebianRecipe = {
  suite: 'bookworm',
  packages,
  revision: 2,
  finish: (folder) => {
    const units = join(folder, 'etc/systemd/system');
    mkdirSync(units, { recursive: true });
    for (const unit of maskedUnits) symlinkSync('/dev/null', join(units, unit));
    // Each node gets an identity of its own at its first start; systemd would take over one that dbus has kept.
    writeFileSync(join(folder, 'etc/machine-id'), '');
    rmSync(join(folder, 'var/lib/dbus/machine-id'), { force: true });
    symlinkSync('/etc/machine-id', join(folder, 'var/lib/dbus/machine-id'));
    mkdirSync(join(folder, 'opt/hauban'), { recursive: true });
  },
};

/** The file tree that full nodes share as their lower layer, built when it is not in the cache yet (about a minute). */
export async function loadFullNodeRoot(): Promise<string> {
  return loadDebianRoot(join(labCacheFolder(), 'base', 'bookworm'), recipe);
}
