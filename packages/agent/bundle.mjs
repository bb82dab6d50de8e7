// Bundles the agent: one start chunk that every process of a node loads, and a chunk for each lazily imported part.
//   node bundle.mjs            writes dist/bundle/
//   node bundle.mjs --list     writes nothing; prints the npm packages that would be inside, one a line
//   node bundle.mjs --update   writes bundle-modules.txt, the list as it was reviewed (test/arch/bundle.test.ts compares)
//   --entry <file>             another entry than src/main.ts
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, 'dist/bundle');
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const isDry = process.argv.includes('--list') || process.argv.includes('--update');

/** Native: loaded from node_modules beside the bundle, and only by the process that owns a pty. */
const EXTERNAL = ['node-pty'];

if (!isDry) await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { main: option('--entry') ?? join(here, 'src/main.ts') },
  outdir,
  write: !isDry,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // From source: the bundle must not depend on what tsc wrote when.
  conditions: ['source'],
  external: EXTERNAL,
  // CommonJS packages call require for node's own modules.
  banner: {
    js: "import { createRequire as hostRequire } from 'node:module'; const require = hostRequire(import.meta.url);",
  },
  legalComments: 'eof',
  sourcemap: isDry ? false : 'linked',
  metafile: true,
  logLevel: 'warning',
  absWorkingDir: here,
});

/** Chunks that are loaded before anything runs: the entry and what it imports statically, transitively. */
function startChunks(outputs) {
  const found = new Set();
  const visit = (path) => {
    if (found.has(path) || outputs[path] === undefined) return;
    found.add(path);
    for (const { path: next, kind } of outputs[path].imports) if (kind !== 'dynamic-import') visit(next);
  };
  visit(Object.keys(outputs).find((path) => outputs[path].entryPoint !== undefined && path.endsWith('/main.js')));
  return found;
}

const packageOf = (input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];

/** `start name`, `lazy name`, `native name`: when each npm package is loaded; sorted. */
function modulesOf({ outputs }) {
  const start = startChunks(outputs);
  const when = new Map();
  for (const [path, { inputs, imports }] of Object.entries(outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const name = bytesInOutput > 0 ? packageOf(input) : undefined;
      if (name !== undefined && when.get(name) !== 'start') when.set(name, start.has(path) ? 'start' : 'lazy');
    }
    for (const { path: spec } of imports) {
      const name = EXTERNAL.find((external) => spec === external || spec.startsWith(`${external}/`));
      if (name !== undefined) when.set(name, 'native');
    }
  }
  return [...when].map(([name, load]) => `${load} ${name}`).toSorted();
}

const modules = `${modulesOf(metafile).join('\n')}\n`;
if (process.argv.includes('--list')) process.stdout.write(modules);
else if (process.argv.includes('--update')) writeFileSync(join(here, 'bundle-modules.txt'), modules);
else {
  const start = startChunks(metafile.outputs);
  const kib = (paths) => Math.round(paths.reduce((sum, path) => sum + metafile.outputs[path].bytes, 0) / 1024);
  const code = Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'));
  process.stdout.write(`agent bundle: ${kib([...start])} KiB at start, ${kib(code)} KiB with the lazy parts\n`);
}
