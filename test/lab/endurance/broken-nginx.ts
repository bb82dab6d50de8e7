import { BROKEN_PAIRS, TAKEN_PORT, TLS_FOLDER, type CandidateCase } from './broken-files.ts';
import { mutateLines, pick, type Choose } from './mutate-lines.ts';

/** The same for nginx, which stands beside Apache on a port of its own. */

export const NGINX_PORT = 8080;
const SITE = '/etc/nginx/sites-enabled/by-hand';
const GLOBAL = '/etc/nginx/conf.d/by-hand.conf';

const good = (certificate = 'one.pem', key = 'one.key'): string => `server {
  listen ${NGINX_PORT};
  listen 8443 ssl;
  server_name by-hand.example.net www.by-hand.example.net;
  ssl_certificate ${TLS_FOLDER}/${certificate};
  ssl_certificate_key ${TLS_FOLDER}/${key};
  root /var/www/html;
  index index.html;
  access_log /var/log/nginx/by-hand.access.log;
  error_log /var/log/nginx/by-hand.error.log warn;
  location / {
    try_files $uri $uri/ =404;
  }
  location ~ \\.(bak|old)$ {
    deny all;
  }
  rewrite ^/old/(.*)$ /new/$1 permanent;
  add_header X-Frame-Options DENY always;
  client_max_body_size 16m;
}
`;

/** What a hand adds to a site, or for all of them. */
const ADDED: readonly (readonly [name: string, text: (choose: Choose) => string])[] = [
  ['a port that somebody else has', () => `listen ${TAKEN_PORT};`],
  ['the same port by address', () => `listen 127.0.0.1:${TAKEN_PORT};`],
  ['an address that is not of this machine', (choose) => `listen 203.0.113.${1 + choose(200)}:${NGINX_PORT};`],
  ['a port that is no number', (choose) => `listen 80${pick(choose, [':', '000', '.'])};`],
  ['the same port twice', () => `listen ${NGINX_PORT}; listen ${NGINX_PORT};`],
  ['a second default site', () => `listen ${NGINX_PORT} default_server;`],
  ['a directive that is not there', (choose) => `no_such_${choose(99)} on;`],
  [
    'a directive in the wrong place',
    (choose) => pick(choose, ['worker_processes 4;', 'events {}', 'load_module x.so;']),
  ],
  ['a file that is not there', (choose) => `include /etc/nginx/gone-${choose(99)}.conf;`],
  ['a rule that is no expression', () => 'rewrite ( / last;'],
  ['a location that is no expression', () => 'location ~ ( { }'],
  ['the same location twice', () => 'location / { }'],
  ['a log folder that is not there', (choose) => `access_log /var/log/gone${choose(99)}/x.log;`],
  ['an unknown log format', () => 'access_log /var/log/nginx/x.log gone;'],
  ['a variable that is not there', (choose) => `set $x $gone${choose(99)};`],
  ['a zone that is not there', () => 'limit_req zone=gone;'],
  ['a cipher that is not there', () => 'ssl_ciphers NO-SUCH-CIPHER;'],
  ['a protocol that is not there', () => 'ssl_protocols TLSv9;'],
  ['a size that is none', (choose) => `client_body_buffer_size ${pick(choose, ['x', '-1', '1g1', ''])};`],
  ['a word too many', () => 'root /var/www/html twice;'],
  ['a password file for a folder', () => 'auth_basic "x"; auth_basic_user_file;'],
];

const one = (name: string, path: string, content: string | null): CandidateCase => ({
  name: `nginx: ${name}`,
  server: 'nginx',
  files: new Map([[path, content]]),
});

type Maker = (choose: Choose) => CandidateCase;
const makers: readonly Maker[] = [
  ...Array.from({ length: 3 }, (): Maker => (choose) => {
    const [name, text] = mutateLines(good(), choose);
    return one(`a site in which ${name}`, SITE, text);
  }),
  ...Array.from({ length: 3 }, (): Maker => (choose) => {
    const [name, text] = pick(choose, ADDED);
    const added = text(choose);
    return choose(4) === 0
      ? one(`${name}, for all`, GLOBAL, `${added}\n`)
      : one(`${name}, in a site`, SITE, good().replace('  index index.html;', `  ${added}`));
  }),
  (choose) => {
    const [name, certificate, key] = pick(choose, BROKEN_PAIRS);
    return one(name, SITE, good(certificate, key));
  },
];

export const makeNginxCandidate = (choose: Choose): CandidateCase => pick(choose, makers)(choose);
