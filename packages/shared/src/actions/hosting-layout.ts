import type { PhpMaster } from './host.ts';

/** Where things of hosting accounts lie on a web node, and what is in the files that we write. Pure. */

/** Parent of all homes; root's. */
export const HOMES_ROOT = '/srv/vol1';
/** Pool configurations and probe pages, a directory an account. */
export const CONFIG_ROOT = '/etc/hosting/php';
/** Sockets: real ones in a directory an account, and one link an account that the virtual hosts name. */
export const RUN_ROOT = '/run/hosting';
export const LOG_ROOT = '/var/log/hosting';
export const SITES_AVAILABLE = '/etc/apache2/sites-available';
export const SITES_ENABLED = '/etc/apache2/sites-enabled';
export const NOLOGIN = '/usr/sbin/nologin';
/** Apache's group on Debian: may connect to the sockets. */
export const WEB_GROUP = 'www-data';

export const MANAGED = 'Managed by Hauban. Where it was changed by hand, actions refuse to touch it.';

export const homeOf = (account: string): string => `${HOMES_ROOT}/${account}`;
export const configFolderOf = (account: string): string => `${CONFIG_ROOT}/${account}`;
export const runFolderOf = (account: string): string => `${RUN_ROOT}/${account}`;
export const logFolderOf = (account: string): string => `${LOG_ROOT}/${account}`;
export const poolFileOf = (account: string, version: string): string => `${configFolderOf(account)}/${version}.conf`;
export const probeFileOf = (account: string): string => `${configFolderOf(account)}/probe.php`;
/** The name that virtual hosts use; switching a version renames a new link over it. */
export const socketLinkOf = (account: string): string => `${RUN_ROOT}/${account}.sock`;
export const socketOf = (account: string, version: string): string => `${runFolderOf(account)}/${version}.sock`;
export const phpLogOf = (account: string): string => `${logFolderOf(account)}/php.log`;
/** Boot persistence: /run is empty after a reboot, systemd-tmpfiles fills it before any service starts. */
export const tmpfilesOf = (account: string): string => `/etc/tmpfiles.d/hosting-${account}.conf`;

/** Own prefix, so that no file of anybody else is ever touched. An account's name has no dash. */
export const siteFileName = (account: string, domain: string): string => `hosting-${account}--${domain}.conf`;

/** Beside the site file: what Apache has instead of it while the account is suspended. */
export const SUSPENDED_SUFFIX = '.suspended';
export const suspendedFileName = (account: string, domain: string): string =>
  `hosting-${account}--${domain}${SUSPENDED_SUFFIX}`;
/** What was there before a suspension, a file an account; root's alone. */
export const SUSPENDED_ROOT = '/etc/hosting/suspended';
export const suspensionOf = (account: string): string => `${SUSPENDED_ROOT}/${account}.json`;
/** Homes of deleted accounts: beside the others, because only then a rename takes them there at once. */
export const TRASH_ROOT = `${HOMES_ROOT}/.trash`;
/** Keys that accounts may log in with; outside of their homes, so that nobody but root decides what is in them. */
export const SSH_KEYS_ROOT = '/etc/ssh/hosting_keys';
export const sshKeysOf = (account: string): string => `${SSH_KEYS_ROOT}/${account}`;

/** The domains of an account, from the names of its site files. */
export function domainsOf(account: string, siteFiles: readonly string[]): readonly string[] {
  const prefix = `hosting-${account}--`;
  return siteFiles
    .filter((name) => name.startsWith(prefix) && name.endsWith('.conf'))
    .map((name) => name.slice(prefix.length, -'.conf'.length));
}

/** The version whose socket a link's target is; null for anything else. */
export function versionOfTarget(account: string, target: string): string | null {
  const version = /\/([0-9]\.[0-9])\.sock$/.exec(target)?.[1];
  return version !== undefined && socketOf(account, version) === target ? version : null;
}

export const phpMasterOf = (account: string, uid: number, version: string): PhpMaster => ({
  account,
  version,
  uid,
  gid: uid,
  home: homeOf(account),
  homesRoot: HOMES_ROOT,
  configFile: poolFileOf(account, version),
  socket: socketOf(account, version),
});

/** The one that answers while a master of the same version starts anew. */
export const standbyOf = (master: PhpMaster): PhpMaster => ({
  ...master,
  configFile: master.configFile.replace(/\.conf$/, '-standby.conf'),
  socket: master.socket.replace(/\.sock$/, '-standby.sock'),
});

/** Answered by PHP-FPM itself; no site reaches it, only the socket does. */
export const PING_PATH = '/.hauban-ping';

/** What an account's PHP may use; a limit that is not named is PHP's own. */
export interface PoolLimits {
  readonly memoryMiB?: number;
  readonly executionS?: number;
  readonly uploadMiB?: number;
  readonly postMiB?: number;
  readonly inputVars?: number;
  /** Processes at the same time; 10 when it is not named. */
  readonly children?: number;
}
/** The limits stand in the file itself, so that the file alone says what they are. */
export const LIMITS_MARK = '; hauban-limits: ';
const limitsMark = (limits: PoolLimits): string =>
  Object.keys(limits).length === 0 ? '' : `${LIMITS_MARK}${JSON.stringify(limits, Object.keys(limits).toSorted())}\n`;

/** As PHP calls them, and as it says them itself. */
export function limitValues(limits: PoolLimits): Readonly<Record<string, string>> {
  const { memoryMiB, executionS, uploadMiB, postMiB, inputVars } = limits;
  return {
    ...(memoryMiB === undefined ? {} : { memory_limit: `${memoryMiB}M` }),
    ...(executionS === undefined ? {} : { max_execution_time: `${executionS}` }),
    ...(uploadMiB === undefined ? {} : { upload_max_filesize: `${uploadMiB}M` }),
    ...(postMiB === undefined ? {} : { post_max_size: `${postMiB}M` }),
    ...(inputVars === undefined ? {} : { max_input_vars: `${inputVars}` }),
  };
}
/** `admin`: no .user.ini and no ini_set goes beyond. */
const limitLines = (limits: PoolLimits): string =>
  Object.entries(limitValues(limits))
    .map(([name, value]) => `php_admin_value[${name}] = ${value}\n`)
    .join('');

/**
 * `process_control_timeout`: with Debian's default of 0 a stopping master kills requests in flight. Numeric user and
 * groups: a version may live in a file tree with a passwd of its own. `ondemand`: an idle account costs its master only.
 */
export function poolConfig(master: PhpMaster, webGid: number, limits: PoolLimits = {}): string {
  const { account, home } = master;
  return `; ${MANAGED}
${limitsMark(limits)}[global]
error_log = /proc/self/fd/2
daemonize = no
process_control_timeout = 10s

[${account}]
user = ${master.uid}
group = ${master.gid}
listen = ${master.socket}
listen.owner = 0
listen.group = ${webGid}
listen.mode = 0660
pm = ondemand
pm.max_children = ${limits.children ?? 10}
pm.process_idle_timeout = 30s
pm.max_requests = 1000
ping.path = ${PING_PATH}
chdir = ${home}/var/www
clear_env = yes
catch_workers_output = yes
security.limit_extensions = .php
env[PATH] = /usr/bin:/bin
env[TMPDIR] = ${home}/tmp
php_admin_value[sys_temp_dir] = ${home}/tmp
php_admin_value[upload_tmp_dir] = ${home}/tmp
php_admin_value[session.save_path] = ${home}/tmp
php_admin_flag[log_errors] = on
php_flag[display_errors] = off
${limitLines(limits)}`;
}

export const tmpfilesConfig = (account: string, version: string, webGid: number): string =>
  `# ${MANAGED}
d ${RUN_ROOT} 0755 0 0 -
d ${runFolderOf(account)} 0750 0 ${webGid} -
L+ ${socketLinkOf(account)} - - - - ${socketOf(account, version)}
`;

/** Certificates: a folder a name, in it one folder a certificate and the link `current`. */
export const TLS_ROOT = '/etc/hosting/tls';
export const certificateLinkOf = (domain: string): string => `${TLS_ROOT}/${domain}/current`;

/** A file that nobody may ask for, wherever it is (`xmlrpc.php`) or at one place (`admin/login.php`). */
export interface BlockedPath {
  readonly path: string;
  /** Prefixes that may ask for it all the same. */
  readonly allow: readonly string[];
}
/** What a site is, beyond its account and domain. */
export interface SiteSettings {
  readonly aliases: readonly string[];
  /** Below var/www; empty: var/www itself. */
  readonly docroot: string;
  readonly https: 'none' | 'redirect' | 'both';
  readonly blocked: readonly BlockedPath[];
}
export const PLAIN_SITE: SiteSettings = { aliases: [], docroot: '', https: 'none', blocked: [] };

/** The settings stand in the file itself, so that the file alone says what it is; a plain site has no such line. */
export const SITE_MARK = '# hauban-site: ';

/**
 * By address, which no .htaccess can take back. `And`: what a .htaccess asks for beside it stays asked for. `Satisfy`: a
 * .htaccess that says `Satisfy Any` would open it again.
 */
const blockText = ({
  path,
  allow,
}: BlockedPath): string => `  <LocationMatch "${path.includes('/') ? '^' : ''}/${path.replaceAll('.', '\\.')}(?:/|$)">
    AuthMerging And
    <IfModule mod_access_compat.c>
      Satisfy All
    </IfModule>
    Require ${allow.length === 0 ? 'all denied' : `ip ${allow.join(' ')}`}
  </LocationMatch>
`;

/** Renewal and our own probe have to be reachable without TLS. */
const redirectText = (domain: string): string =>
  `  RedirectMatch 301 "^/(?!\\.well-known/(?:acme-challenge/|hauban-probe$))(.*)$" "https://${domain}/$1"
`;

const tlsText = (domain: string): string => `  SSLEngine on
  SSLCertificateFile "${certificateLinkOf(domain)}/fullchain.pem"
  SSLCertificateKeyFile "${certificateLinkOf(domain)}/privkey.pem"
`;

/**
 * `Options` of `<Directory>`: a link to a neighbour's readable file is served with FollowSymLinks, refused with this.
 * It stands for var/www as a whole: with a section for the document root alone, a link in the root's own place would
 * be judged by the options of `/`. `AllowOverride` without Options but Nonfatal=All: .htaccess lines of shared hosting
 * (php_value, Options) are ignored instead of taking the site down. The probe page is reachable from the node only.
 */
function hostText(account: string, domain: string, settings: SiteSettings, port: 80 | 443): string {
  const handler = `SetHandler "proxy:unix:${socketLinkOf(account)}|fcgi://localhost/"`;
  const webRoot = `${homeOf(account)}/var/www`;
  const log = `${logFolderOf(account)}/${domain}`;
  const { aliases, docroot, https, blocked } = settings;
  return `<VirtualHost *:${port}>
  ServerName ${domain}
${aliases.map((alias) => `  ServerAlias ${alias}\n`).join('')}  DocumentRoot "${docroot === '' ? webRoot : `${webRoot}/${docroot}`}"
  ErrorLog "${log}.error.log"
  CustomLog "${log}.access.log" combined
${port === 443 ? tlsText(domain) : ''}${port === 80 && https === 'redirect' ? redirectText(domain) : ''}${blocked.map(blockText).join('')}  <Directory "${webRoot}">
    Options -Indexes -FollowSymLinks +SymLinksIfOwnerMatch
    AllowOverride FileInfo AuthConfig Limit Indexes Nonfatal=All
    Require all granted
    DirectoryIndex index.php index.html
    <FilesMatch "\\.php$">
      ${handler}
    </FilesMatch>
  </Directory>
  AliasMatch "^/\\.well-known/hauban-probe$" "${probeFileOf(account)}"
  <Directory "${configFolderOf(account)}">
    Options None
    AllowOverride None
    <Files "probe.php">
      Require local
      ${handler}
    </Files>
  </Directory>
</VirtualHost>
`;
}

export function siteConfig(account: string, domain: string, settings: SiteSettings = PLAIN_SITE): string {
  const { aliases, docroot, https, blocked } = settings;
  const isPlain = aliases.length === 0 && docroot === '' && https === 'none' && blocked.length === 0;
  const mark = isPlain ? '' : `${SITE_MARK}${JSON.stringify({ aliases, docroot, https, blocked })}\n`;
  const secure = https === 'none' ? '' : hostText(account, domain, settings, 443);
  return `# ${MANAGED}\n${mark}${hostText(account, domain, settings, 80)}${secure}`;
}

/** What visitors see until the customer puts something in its place. */
export const FIRST_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A new site</title></head>
<body>
<h1>This site is ready</h1>
<p>PHP <?= PHP_VERSION ?> runs as uid <?= posix_geteuid() ?>.</p>
<p>Replace this file, index.php, with your own.</p>
</body>
</html>
`;
