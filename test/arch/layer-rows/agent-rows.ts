import { CONTRACT, LINK, PURE_NODE, FILES, type Layer } from './layer.ts';

const agent = (...rooms: string[]): string[] => rooms.map((room) => `packages/agent/src/${room}/**`);

export const AGENT_ROWS: readonly Layer[] = [
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
      // async_hooks: which action is going on where a program is started.
      'node:{async_hooks,child_process,os,net,http,https,tls}',
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
