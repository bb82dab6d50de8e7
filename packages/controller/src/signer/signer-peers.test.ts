import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeLocalFrame, systemClock } from '@hauban/link';
import { LOCAL_KINDS, utf8 } from '@hauban/shared/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSignerConfig } from '../config.ts';
import { createLog } from '../runtime/index.ts';
import { runSigner, type RunningSigner } from './run-signer.ts';

const IS_ROOT = process.getuid?.() === 0;
/** Users of Debian that have nothing to do with each other. */
const [CONTROLLER, STRANGER] = [33, 65_534];
const CLIENT = `
const socket = require('node:net').connect(process.argv[1]);
socket.on('error', () => undefined);
socket.on('data', () => { process.stdout.write('answered '); socket.destroy(); });
socket.on('close', () => process.stdout.write('closed'));
socket.write(Buffer.from(process.argv[2], 'base64'));
`;
const QUESTION = Buffer.from(encodeLocalFrame(LOCAL_KINDS.json, utf8(JSON.stringify({ t: 'keys', n: 1 }))));

let folder = '';
let signer: RunningSigner;

async function askAs(uid: number): Promise<string> {
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  const socket = join(folder, 'signer.sock');
  const child = spawn(
    '/usr/bin/setpriv',
    [...ids, process.execPath, '-e', CLIENT, socket, QUESTION.toString('base64')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {},
      cwd: '/',
    },
  );
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  await once(child, 'close');
  return said;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-signer-peers-'));
  signer = await runSigner(
    {
      socketPath: join(folder, 'signer.sock'),
      keyDir: join(folder, 'keys'),
      passphrase: { credential: null, file: null },
      callerUid: CONTROLLER,
    },
    systemClock,
    createLog('silent'),
  );
  // A mistake of an administrator: the way to the socket is open to every local user.
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'signer.sock'), 0o777);
});
afterEach(async () => {
  await signer.stop();
  rmSync(folder, { recursive: true });
});

it.skipIf(!IS_ROOT)('a local user who reaches the socket gets nothing signed, not even the public keys', async () => {
  expect(await askAs(STRANGER)).toBe('closed');
  expect(await askAs(CONTROLLER)).toBe('answered closed');
  expect(await askAs(0)).toBe('answered closed');
});

it('a caller who is no user of this machine is refused at the start, in words', () => {
  const env = { HAUBAN_SIGNER_SOCKET: '/run/x/signer.sock', HAUBAN_SIGNER_DIR: '/var/lib/x' };
  expect(loadSignerConfig(env).callerUid).toBeNull();
  expect(loadSignerConfig({ ...env, HAUBAN_SIGNER_CALLER: 'root' }).callerUid).toBe(0);
  expect(() => loadSignerConfig({ ...env, HAUBAN_SIGNER_CALLER: 'nobody-of-that-name' })).toThrow(/no user/);
});
