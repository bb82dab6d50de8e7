import {
  siteConfig,
  poolConfig,
  phpMasterOf,
  tmpfilesConfig,
  phpLogOf,
  PROBE_PAGE,
  FIRST_PAGE,
} from '@hauban/shared/actions';
import { unitText } from '../../../packages/agent/src/host/php-sandbox.ts';
import type { FullNode } from '../full-node.ts';

/**
 * What an administrator's own script does for the same accounts: the same users, folders, files, units and reloads by the
 * same programs, in a shell loop, without a look at anything before or after. For comparison only.
 */

/** Stand for the account in what is copied for each. */
const [NAME, UID, DOMAIN] = ['acctname', '999999', 'acctdomain.example'] as const;

const SCRIPT = `set -e
cd /var/tmp/loop
pool=$(<pool); site=$(<site); unit=$(<unit); boot=$(<boot); page=$(<page); probe=$(<probe)
put() { t="\${2//${NAME}/$name}"; t="\${t//${UID}/$uid}"; printf '%s\\n' "\${t//${DOMAIN}/$domain}" > "$1"; }
n=0
while IFS=, read -r name domain uid; do
  groupadd --gid "$uid" -- "$name"
  useradd --uid "$uid" --gid "$uid" --no-user-group --no-create-home --no-log-init --home-dir "/srv/vol1/$name" \\
    --shell /usr/sbin/nologin --comment '' -K UID_MAX=2000000 -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 -- "$name"
  h=/srv/vol1/$name
  install -d -m 0755 /srv /srv/vol1 "$h" "$h/bin" "$h/dev" "$h/etc" "$h/lib" "$h/lib64" "$h/usr" "$h/var"
  install -d -m 0700 -o "$uid" -g "$uid" "$h/tmp"
  install -d -m 0750 -g "$uid" "$h/var/log" "$h/var/awstats" "$h/backups"
  install -d -m 0711 -o "$uid" -g "$uid" "$h/var/www"
  install -d -m 0755 "/etc/hosting/php/$name"
  install -d -m 0750 "/var/log/hosting/$name"
  install -d -m 0750 -g www-data "/run/hosting/$name"
  put "$h/var/www/index.php" "$page"
  chown "$uid:$uid" "$h/var/www/index.php"; chmod 0600 "$h/var/www/index.php"
  put "/etc/hosting/php/$name/8.2.conf" "$pool"
  put "/etc/hosting/php/$name/probe.php" "$probe"
  put "/etc/tmpfiles.d/hosting-$name.conf" "$boot"
  put "/etc/systemd/system/hosting-php-$name-8.2.service" "$unit"
  put "/etc/apache2/sites-available/hosting-$name--$domain.conf" "$site"
  ln -s "../sites-available/hosting-$name--$domain.conf" "/etc/apache2/sites-enabled/hosting-$name--$domain.conf"
  systemctl --quiet enable --now "hosting-php-$name-8.2.service"
  ln -s "/run/hosting/$name/8.2.sock" "/run/hosting/$name.sock"
  n=$((n+1))
  if [ $((n % PER_RELOAD)) -eq 0 ]; then apache2ctl graceful; echo "$n"; fi
done < accounts
apache2ctl graceful
`;

export interface LoopAccount {
  readonly name: string;
  readonly domain: string;
  readonly uid: number;
}

/** Puts the script and its templates into a node; gives what runs it. */
export async function putAccountLoop(
  node: FullNode,
  accounts: readonly LoopAccount[],
  perReload: number,
): Promise<() => Promise<void>> {
  const folder = '/var/tmp/loop';
  await node.mustRun('/usr/bin/install', ['-d', folder]);
  const gid = Number((await node.mustRun('/usr/bin/id', ['-g', 'www-data'])).stdout);
  const master = phpMasterOf(NAME, Number(UID), '8.2');
  const installation = { version: '8.2', binary: '/usr/sbin/php-fpm8.2', root: null };
  const files: Readonly<Record<string, string>> = {
    pool: poolConfig(master, gid),
    site: siteConfig(NAME, DOMAIN),
    unit: unitText(master, installation, phpLogOf(NAME)),
    boot: tmpfilesConfig(NAME, '8.2', gid),
    page: FIRST_PAGE,
    probe: PROBE_PAGE,
    accounts: `${accounts.map(({ name, domain, uid }) => `${name},${domain},${uid}`).join('\n')}\n`,
    script: SCRIPT.replace('PER_RELOAD', String(perReload)),
  };
  for (const [name, text] of Object.entries(files)) await node.writeFile(`${folder}/${name}`, text);
  return async () => {
    // As a unit of the node, so that what its programs take of the CPU is counted as the node's.
    const asUnit = ['--quiet', '--wait', '--pipe', '--collect', '--service-type=exec', '--', '/usr/bin/bash'];
    await node.mustRun('/usr/bin/systemd-run', [...asUnit, `${folder}/script`], { timeoutMs: 3_600_000 });
  };
}
