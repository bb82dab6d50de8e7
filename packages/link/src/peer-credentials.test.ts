import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acceptPeers, type PeerGate } from './peer-credentials.ts';

const OWN_UID = process.getuid?.() ?? 0;
/** nobody of Debian */
const OTHER_UID = 65_534;

/** Connects as another user, sends a line, prints what comes back. */
const CLIENT = `
const socket = require('node:net').connect(process.argv[1]);
socket.on('error', (error) => process.stdout.write('error ' + error.code));
socket.on('data', (bytes) => { process.stdout.write('got ' + bytes); socket.end(); });
socket.on('close', () => process.stdout.write('; closed'));
socket.write('hello');
`;

let folder = '';
let path = '';
let server: Server;
let gate: PeerGate;
let refusals: (readonly [number | null, string])[] = [];
let served: Socket[] = [];
let read: string[] = [];

async function listen(allowed: readonly number[]): Promise<void> {
  server = createServer({ pauseOnConnect: true });
  gate = acceptPeers(server, {
    allowed,
    accepted: (socket) => {
      served.push(socket);
      socket.on('data', (bytes: Buffer) => {
        read.push(bytes.toString());
        socket.write('welcome');
      });
      socket.resume();
    },
    refused: (uid, problem) => refusals.push([uid, problem]),
  });
  server.listen(path);
  await once(server, 'listening');
  // Everybody may open the path: only the credentials are between them and the server.
  chmodSync(path, 0o777);
}

async function runAs(uid: number): Promise<string> {
  const child = spawn(
    '/usr/bin/setpriv',
    [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--', process.execPath, '-e', CLIENT, path],
    { stdio: ['ignore', 'pipe', 'inherit'], env: {}, cwd: '/' },
  );
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  await once(child, 'close');
  return said;
}

async function talk(): Promise<string> {
  const socket = connect(path);
  socket.write('hello');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return bytes.toString();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-peer-'));
  chmodSync(folder, 0o755);
  path = join(folder, 'test.sock');
  refusals = [];
  served = [];
  read = [];
});
afterEach(async () => {
  for (const socket of served) socket.destroy();
  if (server.listening) {
    server.close();
    await once(server, 'close');
  }
  rmSync(folder, { recursive: true });
});

it('serves a connection of an allowed user, with what it sent before it was let in', async () => {
  await listen([OWN_UID]);
  expect(await talk()).toBe('welcome');
  expect(read).toEqual(['hello']);
  expect(refusals).toEqual([]);
});

it.skipIf(OWN_UID !== 0)(
  'another local user who reaches the socket is refused, and not a byte of his is read',
  async () => {
    await listen([OWN_UID]);
    const said = await runAs(OTHER_UID);
    expect(said).not.toContain('got');
    expect(said).toContain('closed');
    expect(refusals).toEqual([[OTHER_UID, expect.stringContaining(String(OTHER_UID))]]);
    expect(served).toHaveLength(0);
    expect(read).toEqual([]);
  },
);

it.skipIf(OWN_UID !== 0)('root itself is refused where only another user may connect', async () => {
  await listen([OTHER_UID]);
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'close');
  expect(refusals).toEqual([[0, expect.any(String)]]);
  expect(await runAs(OTHER_UID)).toBe('got welcome; closed');
});

it('a flood of connections is refused beyond what is asked at once, and the next one is served', async () => {
  await listen([OWN_UID]);
  const waiting: Socket[] = [];
  const plain = createServer({ pauseOnConnect: true }, (socket) => waiting.push(socket));
  plain.listen(join(folder, 'plain.sock'));
  await once(plain, 'listening');
  const flood = Array.from({ length: 40 }, () => connect(join(folder, 'plain.sock')).on('error', () => undefined));
  await expect.poll(() => waiting.length).toBe(40);
  // All in one turn of the event loop, as when they waited in the kernel's queue.
  for (const socket of waiting) server.emit('connection', socket);
  expect(refusals).toHaveLength(24);
  expect(refusals.every(([uid, problem]) => uid === null && problem.includes('too many'))).toBe(true);
  await expect.poll(() => served.length).toBe(16);
  expect(await talk()).toBe('welcome');
  for (const socket of flood) socket.destroy();
  plain.close();
  await once(plain, 'close');
});

it('a server that closes while it still asks who connected lets that connection go', async () => {
  await listen([OWN_UID]);
  const client = connect(path);
  await once(server, 'connection');
  const closed = Promise.all([once(server, 'close'), once(client, 'close')]);
  server.close();
  gate.close();
  await closed;
  expect(served).toEqual([]);
});
