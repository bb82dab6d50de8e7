import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOutput, encodeAttach, encodeCredit, SHELL_OPS } from '@hauban/shared/protocol';
import { WebSocket } from 'ws';
import { bundleProgram } from '../support/bundle-program.ts';
import type { RestClient } from '../support/first-account.ts';
import { freePort } from '../support/standalone-stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** A way to a terminal, whatever lies between: type into it, count what comes back. */
export interface TerminalPath {
  type(text: string): void;
  onOutput(listener: (bytes: Buffer) => void): void;
  close(): void;
}

const firstLine = async (child: ChildProcess): Promise<string> =>
  await new Promise((resolve) => child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString('utf8').trim())));

async function opened(socket: WebSocket): Promise<WebSocket> {
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

/** node-pty → ws → ws relay → here: three processes that do nothing else. */
export async function openBareRelay(): Promise<TerminalPath> {
  const [pty, relay] = await Promise.all([bundleProgram('bench/bare-pty.ts'), bundleProgram('bench/bare-relay.ts')]);
  const middle = spawn(process.execPath, [relay], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = `ws://127.0.0.1:${await firstLine(middle)}`;
  const socket = await opened(new WebSocket(url, { perMessageDeflate: false }));
  const node = spawn(process.execPath, [pty, url, '/bin/bash', '--norc', '-i'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // The prompt: both ends are there.
  await new Promise((resolve) => socket.once('message', resolve));
  return {
    type: (text) => socket.send(text),
    onOutput: (listener) => void socket.on('message', (data: Buffer) => listener(data)),
    close: () => {
      socket.terminate();
      node.kill('SIGKILL');
      middle.kill('SIGKILL');
    },
  };
}

/** Our own path, as the page goes it: shell host → link process → controller → here, recorded, with credit. */
export async function openHauban(client: RestClient, nodeId: string): Promise<TerminalPath> {
  const { sessionId } = await client.call<{ sessionId: string }>('POST', `/api/nodes/${nodeId}/shells`, {
    columns: 80,
    rows: 24,
  });
  const url = `${client.url.replace(/^http/, 'ws')}/api/shells/${sessionId}/socket`;
  const headers = { authorization: `Bearer ${client.token}` };
  const socket = await opened(new WebSocket(url, { headers, perMessageDeflate: false }));
  const send = (op: number, body: Uint8Array): void => socket.send(Buffer.concat([Buffer.from([op]), body]));
  let unpaid = 0;
  const listeners: ((bytes: Buffer) => void)[] = [];
  socket.on('message', (message: Buffer) => {
    const output = message[0] === SHELL_OPS.output ? decodeOutput(message.subarray(1)) : null;
    if (output === null) return;
    unpaid += output.data.length;
    // In the steps of the page.
    if (unpaid >= 32 * 1024) {
      send(SHELL_OPS.credit, encodeCredit(unpaid));
      unpaid = 0;
    }
    for (const listener of listeners) listener(Buffer.from(output.data));
  });
  send(SHELL_OPS.attach, encodeAttach(0));
  return {
    type: (text) => send(SHELL_OPS.input, Buffer.from(text)),
    onOutput: (listener) => void listeners.push(listener),
    close: () => {
      send(SHELL_OPS.close, new Uint8Array(0));
      socket.close();
    },
  };
}

const run = async (program: string, args: readonly string[]): Promise<void> => {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env: {} });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${String(code)}`)),
    );
  });
};

/** ssh to an sshd of its own on loopback: keys of its own, nobody else's files. Needs root. */
export async function openSsh(): Promise<TerminalPath> {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-sshd-'));
  const keyOf = (name: string): string => join(folder, name);
  for (const name of ['host', 'user'])
    await run('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyOf(name)]);
  writeFileSync(keyOf('authorized'), readFileSync(keyOf('user.pub')));
  chmodSync(keyOf('authorized'), 0o600);
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${keyOf('host')}`,
    `AuthorizedKeysFile ${keyOf('authorized')}`,
    'PasswordAuthentication no',
    'PermitRootLogin yes',
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
  ];
  writeFileSync(keyOf('sshd_config'), `${config.join('\n')}\n`);
  await run('/bin/mkdir', ['-p', '/run/sshd']);
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', keyOf('sshd_config')], { stdio: 'ignore' });
  const args = [
    '-tt',
    '-q',
    '-p',
    String(port),
    '-i',
    keyOf('user'),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    `UserKnownHostsFile=${keyOf('known')}`,
  ];
  const start = (): ChildProcess =>
    spawn('/usr/bin/ssh', [...args, `${userInfo().username}@127.0.0.1`, '/bin/bash --norc -i'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { TERM: 'xterm', PATH: '/usr/bin:/bin' },
    });
  const child = await waitFor(
    'ssh to its own sshd',
    async () => {
      const tried = start();
      tried.stdin?.on('error', () => tried.kill('SIGKILL'));
      // The prompt; without a listener the stream then waits for one.
      const isUp = await new Promise<boolean>((resolve) => {
        tried.stdout?.once('data', () => resolve(true));
        tried.once('close', () => resolve(false));
      });
      return isUp ? tried : null;
    },
    { timeoutMs: 15_000 },
  );
  return {
    type: (text) => void child.stdin?.write(text),
    onOutput: (listener) => void child.stdout?.on('data', listener),
    close: () => {
      child.kill('SIGKILL');
      server.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
