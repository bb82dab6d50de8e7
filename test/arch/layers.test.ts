import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LAYERS } from './layer-table.ts';
import { checkLayers, findCycles, importsOf, type Manifests } from './layers.ts';
import { listFiles, loadSources, parseSource, ROOT, type Source } from './source-tree.ts';

function loadManifests(): Manifests {
  const files = listFiles('.', (path) => /^(?:packages\/[^/]+\/)?package\.json$/.test(path));
  return new Map(
    files.map((path) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Record<
        'dependencies' | 'devDependencies' | 'optionalDependencies',
        Record<string, string> | undefined
      >;
      return [
        dirname(path).replace(/^\.$/, ''),
        new Set(
          Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }),
        ),
      ];
    }),
  );
}

const manifests = loadManifests();
const check = (sources: readonly Source[]): string[] => checkLayers(sources, { table: LAYERS, manifests });
const seed = (path: string, text: string): string[] => check([parseSource(path, text)]);

describe('the import table', () => {
  it('holds for every source of the repository', () => {
    const sources = loadSources();
    expect(sources.length).toBeGreaterThan(20);
    const found = check(sources);
    if (found.length > 0) expect.fail(`${found.length} violations:\n${found.join('\n')}\n`);
  });

  it('sees the imports that are there: the reader of imports is not blind', () => {
    const blind = loadSources().filter(
      (source) => /^import .*['"];$/m.test(source.text) && importsOf(source).length === 0,
    );
    expect(blind.map(({ path }) => path)).toEqual([]);
  });
});

/** One forbidden import per rule: [rule, file, source, what the message must say]. */
const FORBIDDEN: readonly (readonly [rule: string, path: string, text: string, says: RegExp])[] = [
  [
    'a folder that is not in the table',
    'packages/agent/src/surprise/x.ts',
    'export const x = 1;',
    /no row of the table/,
  ],
  ['a package that is not in the table', 'packages/surprise/src/x.ts', 'export const x = 1;', /no row of the table/],
  ['node in shared', 'packages/shared/src/time/x.ts', "import { readFileSync } from 'node:fs';", /shared is pure/],
  ['node without its prefix in shared', 'packages/shared/src/time/x.ts', "import fs from 'fs';", /shared is pure/],
  [
    'a room above in shared',
    'packages/shared/src/errors/x.ts',
    "import type { Run } from '../api/runs.ts';",
    /may not import/,
  ],
  ['npm in the wire', 'packages/shared/src/protocol/x.ts', "import Type from 'typebox';", /may not import/],
  [
    'the link in shared',
    'packages/shared/src/api/x.ts',
    "import { seal } from '@hauban/link';",
    /packages meet only in shared/,
  ],
  ['fs in link', 'packages/link/src/x.ts', "import fs from 'node:fs';", /may not import/],
  ['ws in link', 'packages/link/src/x.ts', "import { WebSocket } from 'ws';", /may not import/],
  [
    'the controller in the agent',
    'packages/agent/src/main.ts',
    "import { x } from '@hauban/controller';",
    /packages meet only in shared/,
  ],
  [
    'a relative way out of the package',
    'packages/agent/src/main.ts',
    "import { x } from '../../controller/src/app.ts';",
    /may not import/,
  ],
  [
    'the link package in the UI',
    'packages/ui/src/api/client.ts',
    "import { seal } from '@hauban/link';",
    /packages meet only in shared/,
  ],
  [
    'fakes in production code',
    'packages/agent/src/main.ts',
    "import { FakeClock } from '@hauban/shared/testing';",
    /may not import/,
  ],
  ['an undeclared npm package', 'packages/agent/src/main.ts', "import x from 'left-pad';", /not declared/],
  [
    'an undeclared workspace package',
    'packages/cli/src/main.ts',
    "import type { x } from '@hauban/link';",
    /may not import|not declared/,
  ],
  [
    'a devDependency in production code',
    'packages/agent/src/main.ts',
    "import { build } from 'esbuild';",
    /not declared/,
  ],
  [
    'collectors -> link',
    'packages/agent/src/collectors/x.ts',
    "import { send } from '../link/session.ts';",
    /main\.ts wires them/,
  ],
  [
    'collectors -> spool',
    'packages/agent/src/collectors/x.ts',
    "import { put } from '../spool/spool.ts';",
    /main\.ts wires them/,
  ],
  [
    'checks -> executor',
    'packages/agent/src/checks/x.ts',
    "import { run } from '../executor/order-path.ts';",
    /main\.ts wires them/,
  ],
  [
    'inventory -> link',
    'packages/agent/src/inventory/x.ts',
    "import { send } from '../link/session.ts';",
    /main\.ts wires them/,
  ],
  [
    'collectors -> node:fs',
    'packages/agent/src/collectors/x.ts',
    "import { readFile } from 'node:fs/promises';",
    /proc\/ or Host/,
  ],
  [
    'a program started outside host',
    'packages/agent/src/inventory/x.ts',
    "import { execFile } from 'node:child_process';",
    /argument list/,
  ],
  [
    'a program started by dynamic import',
    'packages/agent/src/sampler/x.ts',
    "const c = await import('node:child_process');",
    /argument list/,
  ],
  [
    'a program started by require',
    'packages/agent/src/sampler/x.ts',
    "const c = require('child_process');",
    /argument list/,
  ],
  ['node:fs in the executor', 'packages/agent/src/executor/x.ts', "import fs from 'node:fs';", /store\/ or spool/],
  [
    'executor -> link room',
    'packages/agent/src/executor/x.ts',
    "import type { Session } from '../link/session.ts';",
    /share only formats/,
  ],
  ['ws in the executor', 'packages/agent/src/executor/x.ts', "import { WebSocket } from 'ws';", /sockets live in/],
  [
    'import type of a forbidden room',
    'packages/agent/src/collectors/x.ts',
    "type S = import('../link/session.ts').Session;",
    /main\.ts wires them/,
  ],
  [
    're-export of a forbidden room',
    'packages/agent/src/collectors/index.ts',
    "export * from '../link/session.ts';",
    /main\.ts wires them/,
  ],
  [
    'named re-export of a forbidden room',
    'packages/agent/src/collectors/index.ts',
    "export { send } from '../link/session.ts';",
    /main\.ts wires them/,
  ],
  ['a computed import', 'packages/agent/src/main.ts', 'const m = await import(process.argv[2]!);', /computed import/],
  [
    'routes -> repository',
    'packages/controller/src/nodes/nodes.routes.ts',
    "import { find } from './nodes.repository.ts';",
    /route calls its service/,
  ],
  [
    'routes -> db',
    'packages/controller/src/nodes/nodes.routes.ts',
    "import { sql } from '../db/client.ts';",
    /route calls its service/,
  ],
  [
    'service -> db',
    'packages/controller/src/nodes/nodes.service.ts',
    "import { sql } from '../db/client.ts';",
    /may not import/,
  ],
  [
    'drizzle in a service',
    'packages/controller/src/nodes/nodes.service.ts',
    "import { eq } from 'drizzle-orm';",
    /SQL lives in/,
  ],
  [
    'postgres in the gateway',
    'packages/controller/src/gateway/x.ts',
    "import postgres from 'postgres';",
    /SQL lives in/,
  ],
  [
    'fastify in a service',
    'packages/controller/src/nodes/nodes.service.ts',
    "import type { FastifyRequest } from 'fastify';",
    /HTTP lives in/,
  ],
  [
    'another feature’s repository',
    'packages/controller/src/runs/runs.service.ts',
    "import { find } from '../nodes/nodes.repository.ts';",
    /only through its/,
  ],
  [
    'ws outside the gateway',
    'packages/controller/src/runs/runs.service.ts',
    "import { WebSocket } from 'ws';",
    /sockets live in/,
  ],
  [
    'ws in a route file',
    'packages/controller/src/live/live.routes.ts',
    "import { WebSocketServer } from 'ws';",
    /sockets live in/,
  ],
  [
    'the database in the signer',
    'packages/controller/src/signer/main.ts',
    "import { client } from '../db/client.ts';",
    /may not import/,
  ],
  [
    'TSX: one page in another',
    'packages/ui/src/pages/node/page.tsx',
    "import { Fleet } from '../fleet/page.tsx'; export const X = () => <Fleet />;",
    /may not import/,
  ],
  ['node in the UI', 'packages/ui/src/api/client.ts', "import fs from 'node:fs';", /may not import/],
  [
    'a program started by the CLI',
    'packages/cli/src/main.ts',
    "import { spawn } from 'node:child_process';",
    /may not import/,
  ],
  [
    'a package without a declaration in a test',
    'test/integration/x.test.ts',
    "import x from 'left-pad';",
    /not declared/,
  ],
];

describe('seeded forbidden imports are found', () => {
  it.each(FORBIDDEN)('%s', (_rule, path, text, says) => {
    const found = seed(path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
    expect(found[0]?.startsWith(path)).toBe(true);
  });

  it('a file that imports itself through another, types included', () => {
    const found = check([
      parseSource('packages/agent/src/host/a.ts', "import { b } from './b.ts'; export const a = b;"),
      parseSource('packages/agent/src/host/b.ts', "import type { A } from './c.ts'; export const b = 1;"),
      parseSource('packages/agent/src/host/c.ts', "export * from './a.ts';"),
    ]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(
      'host/a.ts -> packages/agent/src/host/b.ts -> packages/agent/src/host/c.ts -> packages/agent/src/host/a.ts',
    );
  });

  it('two rooms that import each other without a cycle of files', () => {
    const found = check([
      parseSource('packages/controller/src/runs/runs.service.ts', "import { n } from '../nodes/nodes.service.ts';"),
      parseSource('packages/controller/src/nodes/nodes.service.ts', 'export const n = 1;'),
      parseSource('packages/controller/src/nodes/labels.ts', "import { r } from '../runs/queue.service.ts';"),
      parseSource('packages/controller/src/runs/queue.service.ts', 'export const r = 1;'),
    ]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(
      'cycle of rooms: packages/controller/src/nodes -> packages/controller/src/runs -> packages/controller/src/nodes',
    );
  });

  it('all violations at once, not only the first', () => {
    const found = seed(
      'packages/agent/src/collectors/x.ts',
      "import 'node:fs';\nimport 'ws';\nimport '../link/dial.ts';",
    );
    expect(found).toHaveLength(3);
    expect(found[2]).toContain('x.ts:3:');
  });
});

describe('what the table allows stays allowed', () => {
  it.each([
    [
      'packages/controller/src/nodes/nodes.repository.ts',
      "import { eq } from 'drizzle-orm/pg-core'; import { nodes } from '../db/schema/nodes.ts';",
    ],
    ['packages/agent/src/host/run-program.ts', "import { spawn } from 'node:child_process';"],
    ['packages/agent/src/shell/pty-host.ts', "const pty = await import('node-pty');"],
    [
      'packages/shared/src/actions/x.ts',
      "import { HaubanError } from '../errors/index.ts'; // import x from 'node:fs'\nexport const text = \"import fs from 'node:fs'\";",
    ],
  ])('%s', (path, text) => {
    expect(seed(path, text)).toEqual([]);
  });
});

describe('findCycles', () => {
  it('is quiet on a graph without one, and finds a file that imports itself', () => {
    const graph = (edges: Record<string, string[]>): Map<string, Set<string>> =>
      new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)]));
    expect(findCycles(graph({ a: ['b', 'c'], b: ['c'], c: [] }))).toEqual([]);
    expect(findCycles(graph({ a: ['a'] }))).toEqual([['a', 'a']]);
    expect(findCycles(graph({ a: ['b'], b: ['c'], c: ['b'] }))).toEqual([['b', 'c', 'b']]);
  });
});
