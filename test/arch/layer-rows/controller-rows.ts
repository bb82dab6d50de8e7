import { CONTRACT, LINK, PURE_NODE, FILES, type Layer } from './layer.ts';

/** The one decision about who may do what; pure, so that every room may ask it. */
const AUTHORIZATION = 'packages/controller/src/authorization/index.ts';
/** Files of the controller that may hold a WebSocket: the agents' gateway and the browser's socket files. */
const FEATURES =
  '{nodes,enrolment,runs,pools,schedules,shells,recordings,metrics,inventory,people,audit,live,actions,trust,windows,webhooks}';
/** Clock, randomness and log come in as arguments; the interface of the log is named there. */
const RUNTIME = 'packages/controller/src/runtime/index.ts';
const SERVICES = `packages/controller/src/${FEATURES}/*.service.ts`;
export const CONTROLLER_ROWS: readonly Layer[] = [
  {
    files: 'packages/controller/src/**/*.test.ts',
    // test/support: a database of one's own, cloned from a template.
    may: ['packages/controller/src/**', 'test/support/**', '@hauban/shared/*', LINK, 'node:**', 'npm:**'],
    isTool: true,
    why: 'tests run the real parts',
  },
  {
    files: 'packages/controller/src/{main.ts,app.ts,compose-*.ts,commands/**}',
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
    // authorization: the one decision about roles, which is pure, by the roles that the owners have signed.
    may: [
      'own',
      RUNTIME,
      'packages/controller/src/authorization/**',
      CONTRACT,
      LINK,
      PURE_NODE,
      FILES,
      'node:net',
      'npm:pkcs11js',
    ],
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
    files: 'packages/controller/src/webhooks/{send-webhook,receiver-address,resolve-name}.ts',
    may: ['own', CONTRACT, PURE_NODE, 'node:{https,net,tls,dns/promises}'],
    why: 'the one place that connects to where somebody asked for, and what it may not connect to',
  },
  {
    files: 'packages/controller/src/webhooks/key-ring.ts',
    may: ['own', CONTRACT, LINK, FILES, PURE_NODE],
    why: 'the keys that sign webhooks: files beside the link key',
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
