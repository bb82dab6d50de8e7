import { mutateLines, pick, type Choose } from './mutate-lines.ts';

/**
 * Candidate configurations of Apache that a hand may have left on a node: seeded mutations of a good site, and faults that
 * Apache's own test does not see. Whether one is broken is not said here: `config-oracle.ts` tries it.
 */
export interface CandidateCase {
  readonly name: string;
  readonly server: 'apache' | 'nginx' | 'php';
  /** Content by path; null takes the file away. */
  readonly files: ReadonlyMap<string, string | null>;
}

/** Somebody else listens there, on both nodes. */
export const TAKEN_PORT = 8099;
export const TLS_FOLDER = '/etc/ssl/lab';
const SITE = '/etc/apache2/sites-enabled/by-hand.conf';
const GLOBAL = '/etc/apache2/conf-enabled/by-hand.conf';

const good = (name: string): string => `<VirtualHost *:80>
  ServerName ${name}
  ServerAlias www.${name}
  DocumentRoot "/var/www/html"
  ErrorLog "/var/log/apache2/by-hand.error.log"
  CustomLog "/var/log/apache2/by-hand.access.log" combined
  LogLevel warn
  <Directory "/var/www/html">
    Options -Indexes +SymLinksIfOwnerMatch
    AllowOverride None
    Require all granted
    <FilesMatch "\\.(bak|old)$">
      Require all denied
    </FilesMatch>
  </Directory>
  RewriteEngine on
  RewriteRule "^/old/(.*)$" "/new/$1" [R=301,L]
  Header always set X-Frame-Options "DENY"
  SetEnvIf Request_URI "^/x" special
</VirtualHost>
<VirtualHost *:443>
  ServerName ${name}
  DocumentRoot "/var/www/html"
  SSLEngine on
  SSLCertificateFile "${TLS_FOLDER}/one.pem"
  SSLCertificateKeyFile "${TLS_FOLDER}/one.key"
</VirtualHost>
`;

/** What a hand adds to a site, or for all of them. */
const ADDED: readonly (readonly [name: string, text: (choose: Choose) => string])[] = [
  ['a port that somebody else has', () => `Listen ${TAKEN_PORT}\n`],
  ['the same port by address', () => `Listen 127.0.0.1:${TAKEN_PORT}\n`],
  ['an address that is not of this machine', (choose) => `Listen 203.0.113.${1 + choose(200)}:80\n`],
  ['a port that is no number', (choose) => `Listen 80${pick(choose, ['x', ':', '00000'])}\n`],
  ['the same port twice', () => 'Listen 80\n'],
  ['a module that is not there', (choose) => `LoadModule x${choose(99)}_module /usr/lib/apache2/modules/mod_gone.so\n`],
  ['a module that is no module', () => 'LoadModule x_module /etc/hostname\n'],
  ['a second way to work', () => 'LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so\n'],
  ['a user that is not there', (choose) => `User nobody${choose(99)}x\n`],
  ['a file that is not there', (choose) => `Include /etc/apache2/gone-${choose(99)}.conf\n`],
  ['a rule that is no expression', () => 'RewriteEngine on\nRewriteRule "(" "/" [L]\n'],
  ['a table of rules that is not there', () => 'RewriteEngine on\nRewriteMap m "txt:/etc/gone/map.txt"\n'],
  ['a cache folder that is not there', () => 'SSLSessionCache "shmcb:/run/gone/scache(512000)"\n'],
  ['a lock folder that is not there', () => 'Mutex file:/run/gone/lock default\n'],
  ['a log folder that is not there', (choose) => `ErrorLog /var/log/gone${choose(99)}/error.log\n`],
  ['a log that is a folder', () => 'ErrorLog /var/log/apache2\n'],
  ['a log program that is not there', () => 'CustomLog "|/usr/bin/gone-logger" combined\n'],
  ['an unknown log format', () => 'CustomLog /var/log/apache2/x.log\n'],
  ['a cipher that is not there', () => 'SSLCipherSuite NO-SUCH-CIPHER\n'],
  ['a protocol that is not there', () => 'SSLProtocol all -SSLv9\n'],
  ['a redirect of everything', () => 'Redirect "/" "https://elsewhere.example/"\n'],
  ['everything forbidden', () => '<Location "/">\n  Require all denied\n</Location>\n'],
  ['another handler for everything', () => '<Location "/">\n  SetHandler server-status\n</Location>\n'],
  ['no PHP any more', () => '<LocationMatch "php$">\n  SetHandler none\n</LocationMatch>\n'],
  ['an alias over everything', () => 'AliasMatch "^/.*" "/etc/hostname"\n'],
  ['a limit that lets nothing through', () => 'LimitRequestLine 1\n'],
  ['a default type that is gone', () => 'TypesConfig /etc/gone.types\n'],
];

const neighbourHost = (name: string): string =>
  `<VirtualHost *:80>\n  ServerName ${name}\n  DocumentRoot /var/www/html\n</VirtualHost>\n`;

/** Files that `broken-configs.ts` makes in the folder of certificates. */
export const BROKEN_PAIRS: readonly (readonly [name: string, certificate: string, key: string])[] = [
  ['a key of another certificate', 'one.pem', 'two.key'],
  ['a certificate of another key', 'two.pem', 'one.key'],
  ['a key in place of a certificate', 'one.key', 'one.key'],
  ['a certificate in place of a key', 'one.pem', 'one.pem'],
  ['an empty certificate', 'empty.pem', 'one.key'],
  ['an empty key', 'one.pem', 'empty.pem'],
  ['half a certificate', 'half.pem', 'one.key'],
  ['a certificate that is not there', 'gone.pem', 'one.key'],
  ['a key that is not there', 'one.pem', 'gone.key'],
  ['a key with a passphrase', 'one.pem', 'locked.key'],
];

const REMOVED = [
  'mpm_event.load',
  'proxy.load',
  'proxy_fcgi.load',
  'ssl.load',
  'rewrite.load',
  'headers.load',
  'authz_core.load',
  'dir.load',
  'mime.load',
  'setenvif.load',
];

const OTHER_MPM = new Map<string, string | null>([
  ['/etc/apache2/mods-enabled/mpm_event.load', null],
  [
    '/etc/apache2/mods-enabled/mpm_by_hand.load',
    'LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so\n',
  ],
]);

type Maker = (choose: Choose) => CandidateCase;
const one = (name: string, path: string, content: string | null): CandidateCase => ({
  name,
  server: 'apache',
  files: new Map([[path, content]]),
});

const makers: readonly Maker[] = [
  ...Array.from({ length: 5 }, (): Maker => (choose) => {
    const [name, text] = mutateLines(good('by-hand.example.net'), choose);
    return one(`a site in which ${name}`, SITE, text);
  }),
  ...Array.from({ length: 4 }, (): Maker => (choose) => {
    const [name, text] = pick(choose, ADDED);
    const isInside = choose(3) === 0;
    const added = text(choose);
    return isInside
      ? one(`${name}, in a site`, SITE, good('by-hand.example.net').replace('  RewriteEngine on\n', added))
      : one(`${name}, for all`, GLOBAL, added);
  }),
  (choose) => {
    const [name, certificate, key] = pick(choose, BROKEN_PAIRS);
    const text = good('by-hand.example.net').replace('one.pem', certificate).replace('one.key', key);
    return one(name, SITE, text);
  },
  (choose) => {
    if (choose(4) === 0) return { name: 'another way to work', server: 'apache', files: OTHER_MPM };
    const name = pick(choose, REMOVED);
    return one(`${name} is gone`, `/etc/apache2/mods-enabled/${name}`, null);
  },
  (choose) => {
    const site = pick(choose, ['s0.example.net', 's1.example.net', 's2.example.net']);
    const isAlias = choose(2) === 0;
    const text = isAlias
      ? neighbourHost('by-hand.example.net').replace('  Doc', `  ServerAlias ${site}\n  Doc`)
      : neighbourHost(site);
    return one(
      `the name of a neighbour${isAlias ? ' as an alias' : ''}`,
      '/etc/apache2/sites-enabled/aaa-by-hand.conf',
      text,
    );
  },
];

export const makeApacheCandidate = (choose: Choose): CandidateCase => pick(choose, makers)(choose);
