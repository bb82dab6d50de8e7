// Bundles the agent: one start chunk that every process of a node loads, and a chunk for each lazily imported part.
//   node bundle.mjs            writes dist/bundle/
//   node bundle.mjs --list     writes nothing; prints the npm packages that would be inside, and which rooms load each
//   node bundle.mjs --update   writes bundle-modules.txt, the list as it was reviewed (test/arch/bundle.test.ts compares)
//   --root <folder>            another package folder than this one
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = process.argv.includes('--root')
  ? process.argv[process.argv.indexOf('--root') + 1]
  : dirname(fileURLToPath(import.meta.url));
const outdir = join(here, 'dist/bundle');
const isDry = process.argv.includes('--list') || process.argv.includes('--update');

/** Native: loaded from node_modules beside the bundle, and only by the process that owns a pty. */
const EXTERNAL = ['node-pty'];

if (!isDry) await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { main: join(here, 'src/main.ts') },
  outdir,
  write: !isDry,
  bundle: true,
  // The source text stays in memory: without white space it is a third smaller. Names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
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

const packageOf = (input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
/** What main.ts loads lazily: output -> room (the folder below src, or the file without `-main`), and main itself: `start`. */
function doorsOf(outputs) {
  const main = Object.keys(outputs).find((path) => path.endsWith('/main.js'));
  const lazy = outputs[main].imports.filter(
    ({ path, kind }) => kind === 'dynamic-import' && outputs[path] !== undefined,
  );
  const roomOf = (path) => /^src\/([^/]+?)(?:-main)?(?:\/|\.ts$)/.exec(outputs[path].entryPoint)[1];
  return new Map([[main, 'start'], ...lazy.map(({ path }) => [path, roomOf(path)])]);
}

/** Outputs that one room loads, at once or later, without those that are the door of another room. */
function chunksOf(outputs, doors, door) {
  const found = new Set();
  const visit = (path) => {
    if (found.has(path) || outputs[path] === undefined) return;
    found.add(path);
    for (const { path: next, kind } of outputs[path].imports) {
      if (kind !== 'dynamic-import' || !doors.has(next)) visit(next);
    }
  };
  visit(door);
  return found;
}

/** Npm packages in some outputs: those inside, and the native ones that they load from node_modules. */
function packagesIn(outputs, paths) {
  const names = new Set();
  for (const path of paths) {
    for (const [input, { bytesInOutput }] of Object.entries(outputs[path].inputs)) {
      if (bytesInOutput > 0) names.add(packageOf(input));
    }
    for (const { path: spec } of outputs[path].imports) {
      names.add(EXTERNAL.find((external) => spec === external || spec.startsWith(`${external}/`)));
    }
  }
  names.delete(undefined);
  return names;
}

/** `name: rooms that load it`, a line for each package; `start` alone when every process loads it. */
function modulesOf({ outputs }) {
  const rooms = new Map();
  const doors = doorsOf(outputs);
  for (const [path, room] of doors) {
    for (const name of packagesIn(outputs, chunksOf(outputs, doors, path))) {
      rooms.set(name, [...(rooms.get(name) ?? []), room]);
    }
  }
  return [...rooms]
    .map(([name, by]) => `${name}: ${by.includes('start') ? 'start' : by.toSorted().join(', ')}`)
    .toSorted();
}

const modules = `${modulesOf(metafile).join('\n')}\n`;
if (process.argv.includes('--list')) process.stdout.write(modules);
else if (process.argv.includes('--update')) writeFileSync(join(here, 'bundle-modules.txt'), modules);
else {
  const kib = (paths) => Math.round([...paths].reduce((sum, path) => sum + metafile.outputs[path].bytes, 0) / 1024);
  const doors = doorsOf(metafile.outputs);
  const sizes = [...doors].map(([path, room]) => `${room} ${kib(chunksOf(metafile.outputs, doors, path))}`);
  process.stdout.write(`agent bundle, KiB a room: ${sizes.toSorted().join(', ')}\n`);
}
