import { CONTRACT, PURE_NODE, FILES, type Layer } from './layer.ts';

/** Parts import each other freely as long as no two rooms need each other (a cycle of rooms is found). */
const UI_PARTS = '{parts,diff,forms,graphs,player,terminal}';
/** The addresses of pages, known without the pages. */
const UI_PATHS = 'packages/ui/src/paths.ts';
const ui = (...rooms: string[]): string => `packages/ui/src/{${rooms.join(',')}}/**`;
export const UI_ROWS: readonly Layer[] = [
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

export const CLI_ROWS: readonly Layer[] = [
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
