import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeLocalFrame } from '@hauban/link';
import { LOCAL_KINDS, utf8, type ToExecutor } from '@hauban/shared/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inheritedSocket, startExecutorServer, type ExecutorServer } from './executor-server.ts';

const OWN_UID = process.getuid?.() ?? 0;
const OTHER_UID = 65_534;
const SYNC = encodeLocalFrame(LOCAL_KINDS.json, utf8(JSON.stringify({ t: 'sync' })));
const CLIENT = `
const socket = require('node:net').connect(process.argv[1]);
socket.on('error', () => undefined);
socket.on('data', () => process.stdout.write('answered'));
socket.on('close', () => process.stdout.write('closed'));
socket.write(Buffer.from(process.argv[2], 'base64'));
`;

let folder = '';
let path = '';
let server: ExecutorServer;
let messages: ToExecutor[] = [];
let warnings: { readonly fields: object; readonly message: string }[] = [];

async function start(peers: readonly number[]): Promise<void> {
  server = await startExecutorServer(
    { kind: 'path', path, gid: null },
    peers,
    { message: (message) => void messages.push(message) },
    {
      info: () => undefined,
      warn: (fields, message) => void warnings.push({ fields, message }),
      error: (fields, message) => void warnings.push({ fields, message }),
    },
  );
  // A mistake of somebody else: the way to the socket is open to all.
  chmodSync(path, 0o777);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-executor-server-'));
  chmodSync(folder, 0o755);
  path = join(folder, 'executor.sock');
  messages = [];
  warnings = [];
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

it.skipIf(OWN_UID !== 0)(
  'an order handed over by another local user is refused before a byte of it is read',
  async () => {
    await start([0]);
    const args = [
      `--reuid=${OTHER_UID}`,
      `--regid=${OTHER_UID}`,
      '--clear-groups',
      '--',
      process.execPath,
      '-e',
      CLIENT,
    ];
    const child = spawn('/usr/bin/setpriv', [...args, path, Buffer.from(SYNC).toString('base64')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {},
      cwd: '/',
    });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    await once(child, 'close');
    expect(said).toBe('closed');
    expect(messages).toEqual([]);
    expect(warnings).toEqual([
      { fields: { uid: OTHER_UID, problem: expect.any(String) }, message: 'a connection to the executor was refused' },
    ]);
  },
);

it('serves the users it is told to, what they sent at once included', async () => {
  await start([OWN_UID]);
  const socket = connect(path);
  socket.write(SYNC);
  await expect.poll(() => messages).toEqual([{ t: 'sync' }]);
  socket.destroy();
});

it.each([
  ['a frame that is no message', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a frame of a shell', encodeLocalFrame(LOCAL_KINDS.shell, utf8('{"t":"sync"}'))],
  ['a message of no known kind', encodeLocalFrame(LOCAL_KINDS.json, utf8('{"t":"exec","command":"id"}'))],
])('%s ends the connection', async (_what, bytes) => {
  await start([OWN_UID]);
  const socket = connect(path);
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  await once(socket, 'close');
  expect(messages).toEqual([]);
  expect(warnings).toHaveLength(1);
});

it('a second executor at the socket of a living one is refused, and takes nothing away from it', async () => {
  await start([OWN_UID]);
  const first = server;
  await expect(start([OWN_UID])).rejects.toMatchObject({ code: 'DATA_IN_USE' });
  expect(server).toBe(first);
  const socket = connect(path);
  socket.write(SYNC);
  await expect.poll(() => messages).toEqual([{ t: 'sync' }]);
  socket.destroy();
});

it('a socket that was handed to another process is not taken', async () => {
  await start([OWN_UID]);
  expect(inheritedSocket({ LISTEN_PID: '12', LISTEN_FDS: '1' }, 12)).toEqual({ kind: 'inherited', descriptor: 3 });
  expect(inheritedSocket({ LISTEN_PID: '12', LISTEN_FDS: '1' }, 13)).toBeNull();
  expect(inheritedSocket({ LISTEN_PID: '12', LISTEN_FDS: '0' }, 12)).toBeNull();
});
