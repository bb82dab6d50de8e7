import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FIRST_ACCOUNT, spendSetupLink } from '../support/first-account.ts';
import { freePort, launchStandalone, type Launched, type StandaloneStack } from '../support/standalone-stack.ts';

/**
 * The edge of a whole controller, over plain TCP, as somebody without an account meets it. Runs what is in `dist`:
 * `node scripts/build.mjs` first.
 */
const home = resolve(fileURLToPath(new URL('../..', import.meta.url)));
/** Deadlines of the server are 10 s for headers and 30 s for a whole request, looked at every 5 s. */
const LET_GO_MS = 60_000;

let launched: Launched;
let stack: StandaloneStack;
let dataDir = '';
let port = 0;
const sockets: Socket[] = [];

interface Peer {
  readonly socket: Socket;
  said(): string;
  readonly closed: Promise<void>;
}

/** A client that never ends its half of the connection by itself. */
async function dial(bytes: string): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  // With a half left open only the other side's destroying, or its silence, ends it.
  const closed = new Promise<void>((done) => {
    socket.on('end', () => done());
    socket.on('close', () => done());
  });
  await once(socket, 'connect');
  socket.write(bytes);
  return { socket, said: () => text, closed };
}

const head = (line: string, ...headers: string[]): string =>
  [`${line} HTTP/1.1`, `Host: localhost:${port}`, ...headers, '', ''].join('\r\n');

const health = async (): Promise<number> => (await fetch(`${stack.url}/api/health`)).status;

/** What the server says to these bytes until it closes. */
async function answerTo(bytes: string): Promise<string> {
  const peer = await dial(bytes);
  await peer.closed;
  peer.socket.destroy();
  return peer.said().split('\r\n', 1)[0] ?? '';
}

async function signIn(): Promise<Response> {
  return await fetch(`${stack.url}/api/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: stack.url },
    body: JSON.stringify(FIRST_ACCOUNT),
  });
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'hauban-edges-'));
  chmodSync(dataDir, 0o755);
  port = await freePort();
  launched = launchStandalone({ home, dataDir, port });
  stack = await launched.ready;
  await spendSetupLink(stack);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it('slowloris: a hundred clients that drip their headers are let go, and the others are served meanwhile', async () => {
  const peers = await Promise.all(
    Array.from({ length: 100 }, () => dial(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n`)),
  );
  const drip = setInterval(() => {
    for (const { socket } of peers) if (!socket.destroyed && socket.writable) socket.write('X-a: b\r\n');
  }, 500);
  try {
    expect(await health()).toBe(200);
    await Promise.race([
      Promise.all(peers.map(({ closed }) => closed)),
      new Promise((_done, late) => setTimeout(() => late(new Error('still held')), LET_GO_MS).unref()),
    ]);
    expect(await health()).toBe(200);
  } finally {
    clearInterval(drip);
    for (const { socket } of peers) socket.destroy();
  }
});

it('a body that never comes does not hold a connection', async () => {
  const post = head(
    'POST /api/sign-in',
    'Content-Type: application/json',
    'Content-Length: 900',
    `Origin: ${stack.url}`,
  );
  expect(await answerTo(`${post}{"name":`)).toMatch(/^(HTTP\/1\.1 408 .*)?$/);
});

it.each([
  ['a header without end', () => head('GET /', `X-Long: ${'a'.repeat(40_000)}`), /^HTTP\/1\.1 431 /],
  ['a path without end', () => head(`GET /${'a'.repeat(40_000)}`), /^HTTP\/1\.1 431 /],
  [
    'a request smuggled behind two lengths',
    () =>
      `${head('POST /api/sign-in', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\nGET /api/people HTTP/1.1\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'two lengths that differ',
    () => head('POST /api/sign-in', 'Content-Length: 4', 'Content-Length: 5'),
    /^HTTP\/1\.1 400 /,
  ],
  ['bytes that are no HTTP', () => '\u0016\u0003\u0001\u0002\u0000\u0001', /^HTTP\/1\.1 400 /],
  [
    'a body that says it is too large',
    () =>
      head(
        'POST /api/sign-in',
        ...['Content-Type: application/json', 'Content-Length: 9999999', `Origin: ${stack.url}`, 'Connection: close'],
      ),
    /^HTTP\/1\.1 413 /,
  ],
])('%s is refused', async (_what, bytes, wanted) => {
  expect(await answerTo(bytes())).toMatch(wanted);
  expect(await health()).toBe(200);
});

it('a body without end, in chunks that never say how long it is, is cut off', async () => {
  const type = 'Content-Type: application/json';
  const peer = await dial(head('POST /api/sign-in', type, 'Transfer-Encoding: chunked', `Origin: ${stack.url}`));
  const piece = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  // Sixteen are a MiB: what comes after that is not read to its end.
  for (let n = 0; n < 64 && !peer.socket.destroyed; n += 1) peer.socket.write(piece);
  await expect.poll(() => peer.said(), { timeout: 20_000 }).toMatch(/^HTTP\/1\.1 413 /);
  await peer.closed;
  peer.socket.destroy();
});

it('a flood of WebSocket upgrades without a ticket leaves no connection open, though no client ever closes', async () => {
  const upgrade = (path: string): string =>
    head(
      `GET ${path}`,
      ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    );
  const paths = ['/api/live', '/api/live?ticket=AAAA', '/api/shells/x/socket', '/nowhere', '/api/nodes'];
  const peers = await Promise.all(Array.from({ length: 300 }, (_, n) => dial(upgrade(paths[n % paths.length] ?? ''))));
  await Promise.all(peers.map(({ closed }) => closed));
  for (const [n, peer] of peers.entries())
    expect(peer.said(), paths[n % paths.length]).toMatch(
      n % paths.length < 3 ? /^HTTP\/1\.1 401 / : /^HTTP\/1\.1 404 /,
    );
  // Our half is still open; that the server has destroyed its own shows in a reset of what we still send.
  await Promise.all(
    peers.map(async ({ socket }) => {
      const knock = setInterval(() => socket.write('x'), 50);
      if (!socket.destroyed) await new Promise<void>((over) => socket.once('close', () => over()));
      clearInterval(knock);
    }),
  );
  expect(await health()).toBe(200);
});

it('an address that opens connections without end is cut off, and is served again when it lets go', async () => {
  const peers = await Promise.all(Array.from({ length: 1100 }, () => dial('')));
  const isOver = (peer: Peer): boolean => peer.socket.destroyed || peer.socket.readableEnded;
  await expect.poll(() => peers.filter(isOver).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(100);
  expect(peers.filter(isOver).length).toBeLessThan(300);
  for (const { socket } of peers) socket.destroy();
  await expect.poll(() => health().catch(() => 0), { timeout: 20_000 }).toBe(200);
});

it('the cookie of a session is for this page and no script, and no other site may send it', async () => {
  const reply = await signIn();
  expect(reply.status).toBe(200);
  const [line = '', ...more] = reply.headers.getSetCookie();
  expect(more).toEqual([]);
  expect(line).toMatch(/^hauban-session=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = line.split(';')[0] ?? '';
  for (const headers of [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ]) {
    const stolen = await fetch(`${stack.url}/api/tokens`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', ...headers } as Record<string, string>,
      body: JSON.stringify({ name: 'stolen', expiresInDays: 1 }),
    });
    expect(stolen.status).toBe(403);
    expect(await stolen.json()).toMatchObject({ code: 'ORIGIN_REFUSED' });
  }
});

it('the page has nothing inline that its policy would have to let through', async () => {
  const reply = await fetch(`${stack.url}/`, { headers: { accept: 'text/html' } });
  const policy = reply.headers.get('content-security-policy') ?? '';
  expect(/script-src ([^;]*)/.exec(policy)?.[1]).toBe("'self' 'wasm-unsafe-eval'");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("base-uri 'none'");
  const page = await reply.text();
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>/i);
  expect(page).not.toMatch(/\son[a-z]+\s*=/i);
  expect(page).not.toMatch(/javascript:/i);
});

it('guessing a password from one address is stopped, whatever the account', async () => {
  const statuses: number[] = [];
  for (let n = 0; n < 40; n += 1) {
    const reply = await fetch(`${stack.url}/api/sign-in`, {
      method: 'POST',
      // A forged forwarding header changes nothing: there is no proxy in front.
      headers: { 'content-type': 'application/json', origin: stack.url, 'x-forwarded-for': `192.0.2.${n}` },
      body: JSON.stringify({ name: `guess${n}`, password: 'not the right one' }),
    });
    statuses.push(reply.status);
  }
  expect(statuses[0]).toBe(401);
  expect(statuses.at(-1)).toBe(429);
});
