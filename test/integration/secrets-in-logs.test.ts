import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JoinTokenCreated, NodePage, TokenCreated } from '@hauban/shared/api';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../../packages/standalone/src/postgres/embedded-postgres.ts';
import { createRestClient, FIRST_ACCOUNT, runOnNode, spendSetupLink } from '../support/first-account.ts';
import { openShell } from '../support/shell-viewer.ts';
import { freePort, launchStandalone, type StandaloneStack } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * A whole run of everything, with every secret that is made in it written down, and then a look for each of them in
 * every log and every row of the database. Runs what is in `dist`: `node scripts/build.mjs` first.
 */
const home = resolve(fileURLToPath(new URL('../..', import.meta.url)));
/** Shorter ones would be found by chance. */
const SHORTEST = 12;

const secrets = new Map<string, string>();
let stack: StandaloneStack;
let database: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
let dataDir = '';
let databaseDir = '';

function keep(name: string, secret: string): string {
  expect(secret.length, name).toBeGreaterThanOrEqual(SHORTEST);
  secrets.set(name, secret);
  return secret;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Members of key files that nobody else may know. */
function keepPrivateKeys(): void {
  const isPrivate = /^(d|key|private|privateKey|secret|seed)$/;
  for (const path of filesBelow(dataDir).filter((name) => name.endsWith('-key.json'))) {
    JSON.parse(readFileSync(path, 'utf8'), (name: string, value: unknown) => {
      if (isPrivate.test(name) && typeof value === 'string') keep(`${path}: ${name}`, value);
      return value;
    });
  }
}

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(stack.url + path, {
    method: 'POST',
    headers: { origin: stack.url, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** Where a secret, or the part of it that is one, is found. */
function findIn(place: string, text: string): string[] {
  return [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => `${name} is in ${place}`);
}

beforeAll(async () => {
  databaseDir = mkdtempSync(join(tmpdir(), 'hauban-secrets-db-'));
  dataDir = mkdtempSync(join(tmpdir(), 'hauban-secrets-'));
  for (const folder of [databaseDir, dataDir]) chmodSync(folder, 0o755);
  database = await startEmbeddedPostgres({ dataDir: databaseDir });
  const env = { DATABASE_URL: database.url, HAUBAN_LOG_LEVEL: 'debug' };
  stack = await launchStandalone({ home, dataDir, port: await freePort(), env }).ready;
});
afterAll(async () => {
  await stack.stop();
  await database.stop();
  for (const folder of [databaseDir, dataDir]) rmSync(folder, { recursive: true, force: true });
});

it(
  'makes every kind of secret: sign-in, tokens, a join, a shell with a typed password, orders',
  { timeout: 180_000 },
  async () => {
    keep('password of the database', decodeURIComponent(new URL(database.url).password));
    keep('token of the set-up link', new URL(stack.setupUrl ?? '').searchParams.get('token') ?? '');
    await spendSetupLink(stack);
    keep('password', FIRST_ACCOUNT.password);
    const wrong = keep('password that is wrong', `wrong-${randomBytes(12).toString('hex')}`);
    expect((await post('/api/sign-in', { ...FIRST_ACCOUNT, password: wrong })).status).toBe(401);
    const signIn = await post('/api/sign-in', FIRST_ACCOUNT);
    expect(signIn.status).toBe(200);
    const cookie = signIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    keep('session cookie', cookie.split('=')[1] ?? '');
    const made = await post('/api/tokens', { name: 'secrets', expiresInDays: 1 }, { cookie });
    const client = createRestClient(stack.url, keep('API token', ((await made.json()) as TokenCreated).secret));
    const forged = keep('API token that is forged', randomBytes(32).toString('base64url'));
    const refused = await fetch(`${stack.url}/api/nodes`, { headers: { authorization: `Bearer ${forged}` } });
    expect(refused.status).toBe(401);
    const { token } = await client.call<JoinTokenCreated>('POST', '/api/join-tokens', { roles: ['web'] });
    // Prefix, id, secret, thumbprint: the third part is the secret one.
    keep('join token', token.split('.')[2] ?? '');
    const ticket = (await (await post('/api/socket-tickets', {}, { cookie })).json()) as { ticket: string };
    keep('socket ticket', ticket.ticket);
    expect((await fetch(`${stack.url}/api/live?ticket=${ticket.ticket}`)).status).toBe(404);

    const node = await waitFor('the node is up', async () => {
      const { nodes } = await client.call<NodePage>('GET', '/api/nodes');
      return nodes.find(({ state }) => state === 'up') ?? null;
    });
    expect(await runOnNode(client, node.id, 'node.ping')).toMatchObject({ state: 'succeeded' });
    const shell = await openShell(client, node.id);
    const typed = keep('password typed into a shell', `typed-${randomBytes(12).toString('hex')}`);
    // A login shell may have much to read before it listens; what is typed until then the terminal echoes.
    shell.type('echo up-$((40+2))\r');
    await shell.waitForOutput('up-42', 90_000);
    // As `sudo` and `mysql -p` ask: the terminal does not echo.
    shell.type('stty -echo; echo re""ady; read -r secret; stty echo; printf "got %s characters\\n" "${#secret}"\r');
    await shell.waitForOutput(/ready/);
    shell.type(`${typed}\r`);
    await shell.waitForOutput(`got ${typed.length} characters`);
    shell.type('exit\r');
    await shell.waitForExit();
    shell.leave();
    expect(shell.output()).not.toContain(typed);
    expect(await client.text(`/api/recordings/${shell.sessionId}/cast`).catch(() => '')).not.toContain(typed);
    keepPrivateKeys();
    expect([...secrets.keys()].filter((name) => name.includes('-key.json')).length).toBeGreaterThanOrEqual(3);
  },
);

it('writes none of them into a log', () => {
  const logs = filesBelow(join(dataDir, 'logs'));
  expect(logs.length).toBeGreaterThanOrEqual(4);
  const texts = logs.map((path) => [path, readFileSync(path, 'utf8')] as const);
  const all = texts.map(([, text]) => text).join('\n');
  // It is a log of that run, and something would be found in it.
  expect(all).toContain('/api/sign-in');
  expect(all).toContain('/api/socket-tickets');
  expect(texts.flatMap(([path, text]) => findIn(path, text))).toEqual([]);
});

it('prints none of them but the link for the first account, which is how it is handed over', () => {
  const found = findIn('the output', stack.output());
  expect(found).toEqual(['token of the set-up link is in the output']);
});

it('keeps none of them in the database, the audit log least of all', async () => {
  const { searchParams, port, username, password, pathname } = new URL(database.url);
  const sql = postgres({
    host: searchParams.get('host') ?? '127.0.0.1',
    port: Number(port || 5432),
    user: username,
    password,
    database: pathname.slice(1),
    max: 1,
  });
  try {
    const tables = await sql<{ name: string }[]>`
      SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`;
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining([expect.stringContaining('audit')]));
    let rows = 0;
    for (const { name } of tables) {
      const found = await sql<{ row: string }[]>`SELECT t::text AS row FROM ${sql(name)} AS t`;
      rows += found.length;
      expect(findIn(`table ${name}`, found.map(({ row }) => row).join('\n'))).toEqual([]);
    }
    expect(rows).toBeGreaterThan(10);
  } finally {
    await sql.end();
  }
  process.stderr.write(`secrets: ${secrets.size} made, looked for in every log and every row\n`);
});
