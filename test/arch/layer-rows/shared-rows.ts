import { CONTRACT, PURE_NODE, FILES, TEST_TOOLS, type Layer } from './layer.ts';

const shared = (...rooms: string[]): string[] => rooms.map((room) => `packages/shared/src/${room}/**`);

/** Shared is pure: each room sees its own files and the rooms below it, and typebox where it writes REST schemas. */
export const SHARED_ROWS: readonly Layer[] = [
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

export const LINK_ROWS: readonly Layer[] = [
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
