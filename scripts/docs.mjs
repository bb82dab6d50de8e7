// Writes the pages of docs/ that are made from tables in the sources: error codes, audit codes, metrics,
// actions, permissions.
//   node scripts/docs.mjs                    writes them
//   node scripts/docs.mjs --check            changes nothing; ends with 1 and says which page differs, line by line
//   node scripts/docs.mjs ... --docs <folder>  another folder than docs/
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const HEAD = '<!-- Made by scripts/docs.mjs from the sources. Change the table there, then run it. -->\n\n';

/** The rooms of shared that hold tables, loaded from source: this script must not depend on what was built when. */
async function loadTables() {
  const result = await build({
    stdin: {
      contents: ['errors', 'audit', 'metrics', 'actions']
        .map((room) => `export * from './${room}/index.ts';`)
        .join('\n'),
      resolveDir: join(root, 'packages/shared/src'),
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString('base64')}`);
}

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const yes = (flag) => (flag ? 'yes' : 'no');

function errorsPage({ ERROR_CODES }) {
  const rows = Object.entries(ERROR_CODES).map(([code, { title, http, retryable, isSafe }]) => [
    `\`${code}\``,
    title,
    http,
    yes(retryable),
    yes(isSafe),
  ]);
  return [
    '# Error codes',
    'A code is stable for ever; programs compare codes, never text. *Again*: the same request may succeed later without a change. *Detail*: the detail is shown to the person who asked; otherwise it is only in the log.',
    table(['code', 'what it means', 'HTTP', 'again', 'detail'], rows),
  ];
}

function auditPage({ AUDIT_CODES }) {
  const level = { I: 'information', W: 'warning', E: 'error' };
  const rows = Object.entries(AUDIT_CODES).map(([code, event]) => [`\`${code}\``, event, level[code.at(-1)]]);
  return [
    '# Audit codes',
    'Every entry of the audit log has one of these. The last letter is the level; the rest never changes its meaning.',
    table(['code', 'event', 'level'], rows),
  ];
}

function metricsPage({ CATALOGUE }) {
  const rows = [...CATALOGUE.values()].map((entry) => {
    const name = [entry.family, ...(entry.instance === undefined ? [] : [`<${entry.instance}>`]), entry.metric].join(
      '.',
    );
    return [`\`${name}\``, entry.unit, entry.kind, entry.says];
  });
  return [
    '# Metrics',
    'Every series that an agent may report. A gauge is the level at the tick, a rate the mean since the tick before.',
    table(['series', 'unit', 'kind', 'what it is'], rows),
  ];
}

function argumentRows(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, argument]) => {
    const { description = '', title: _title, type = '', ...limits } = argument;
    const kind = Array.isArray(argument.anyOf) ? 'one of' : type;
    return [`\`${name}\``, kind, yes(required.has(name)), description, `\`${JSON.stringify(limits)}\``];
  });
}

/** Look-ups of users and rights apart, which every action may make. */
function programsLine({ programs, programsFor }) {
  if (programsFor !== undefined) return 'Starts the programs of the actions that it is given.';
  if (programs.length === 0) return 'Starts no programs.';
  return `Starts no programs but ${programs
    .toSorted()
    .map((name) => `\`${name}\``)
    .join(', ')}.`;
}

function actionsPage({ ACTIONS }) {
  const sections = [...ACTIONS.values()]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((action) => [
      `## ${action.name}`,
      `${action.title}. Version ${action.version}, risk ${action.risk}, ${action.needsRoot ? 'needs root' : 'needs no root'}, ${action.readOnly ? 'reads only' : 'can be undone'}, at most ${action.timeoutMs / 1000} s.`,
      action.docs,
      programsLine(action),
      ...(Object.keys(action.args.properties ?? {}).length === 0
        ? []
        : [table(['argument', 'type', 'required', 'what it is', 'limits'], argumentRows(action.args))]),
    ]);
  return [
    '# Actions',
    'Every change that a node can be asked to make. Its own policy file decides whether it does. The agent refuses to start any program but those that the running action lists; who somebody is (`getent`) and what somebody may (`test`), every action may ask.',
    ...sections,
  ];
}

/** Who may call what, from the routes as the controller registers them and the function that decides about requests. */
function permissionsPage({ PERMISSIONS: { routes, roles, places, cell: decide, hasPlaces } }) {
  const rows = routes
    .flatMap((route) =>
      (hasPlaces(route) ? places : ['']).map((place) => [
        `${route.method} \`${route.url}\``,
        place,
        ...roles.map((role) => decide(route, role, place === '' ? 'inside' : place)),
      ]),
    )
    .toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  return [
    '# Permissions',
    'Who may call which route and open which WebSocket, before the scope of an API token takes something away. *part*: a list that shows what the role may read. *inside* and *outside*: a target with the label `tier=web`, and one without. The last column is a role as an owner makes it; the others are built in. Routes that anybody may call prove the caller in another way, or say nothing secret.',
    table(['route', 'target', ...roles], rows),
  ];
}

/** The real controller, bundled from source and built without a database; nothing listens and nothing runs. */
async function loadPermissions() {
  const outfile = join(root, 'packages/controller/dist', `permissions-${process.pid}.mjs`);
  const onlyOurs = {
    name: 'only-ours',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
        kind === 'entry-point' || path.startsWith('@hauban/') ? undefined : { path, external: true },
      ),
  };
  const contents = [
    "export { createController } from './app.ts';",
    "export { createDatabase } from './db/index.ts';",
    "export { createLog } from './runtime/index.ts';",
    "export { createKeyPair } from '@hauban/link';",
    "export * from './authorization/permission-matrix.ts';",
  ].join('\n');
  try {
    await build({
      stdin: { contents, resolveDir: join(root, 'packages/controller/src') },
      bundle: true,
      outfile,
      format: 'esm',
      platform: 'node',
      conditions: ['source'],
      plugins: [onlyOurs],
      logLevel: 'error',
    });
    const made = await import(outfile);
    const nothing = { cancel: () => undefined };
    const clock = { nowMs: () => 0, monotonicMs: () => 0, after: () => nothing, every: () => nothing };
    const database = made.createDatabase({ url: 'postgres://nobody@localhost/none' });
    const controller = await made.createController({
      database,
      identity: { controllerId: '00000000-0000-4000-8000-000000000000', key: made.createKeyPair() },
      signer: {},
      log: made.createLog('silent'),
      publicUrl: new URL('http://localhost'),
      tls: null,
      uiDir: null,
      trustedProxies: [],
      version: '0',
      clock,
    });
    const sockets = controller.upgrades.routes
      .filter(({ access }) => access !== 'public')
      .map(({ path, access, needs }) => ({ method: 'WebSocket', url: path, access, needs }));
    const routes = [...controller.app.routes.filter(({ method }) => method !== 'HEAD'), ...sockets];
    const { MATRIX_ROLES: roles, MATRIX_PLACES: places, matrixCell, hasPlaces } = made;
    return { PERMISSIONS: { routes, roles, places, cell: matrixCell, hasPlaces } };
  } finally {
    rmSync(outfile, { force: true });
  }
}

/** A page whose table does not exist is not written; `--check` reports the page that is left over. */
const PAGES = [
  ['errors.md', 'ERROR_CODES', errorsPage],
  ['audit-codes.md', 'AUDIT_CODES', auditPage],
  ['metrics.md', 'CATALOGUE', metricsPage],
  ['actions.md', 'ACTIONS', actionsPage],
  ['permissions.md', 'PERMISSIONS', permissionsPage],
];

/** Lines that one text has and the other has not. */
function difference(file, wanted, found) {
  const [want, have] = [wanted, found].map((text) => text.split('\n'));
  const missing = want.filter((line) => !have.includes(line)).map((line) => `${file}: missing: ${line}`);
  const stale = have.filter((line) => !want.includes(line)).map((line) => `${file}: not in the sources: ${line}`);
  return missing.length + stale.length === 0 ? [`${file}: the lines are in another order`] : [...missing, ...stale];
}

const folder = process.argv.includes('--docs') ? process.argv[process.argv.indexOf('--docs') + 1] : join(root, 'docs');
const isCheck = process.argv.includes('--check');
const tables = { ...(await loadTables()), ...(await loadPermissions()) };
const problems = [];
for (const [file, name, render] of PAGES) {
  if (tables[name] === undefined) continue;
  const wanted = `${HEAD}${render(tables).join('\n\n')}\n`;
  const path = join(folder, file);
  if (!isCheck) writeFileSync(path, wanted);
  else {
    const found = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (found !== wanted) problems.push(...difference(file, wanted, found));
  }
}
if (problems.length > 0) {
  process.stdout.write(`${problems.join('\n')}\nRun: node scripts/docs.mjs\n`);
  process.exitCode = 1;
}
