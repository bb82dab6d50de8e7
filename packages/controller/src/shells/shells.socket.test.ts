import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@hauban/link';
import { encodeAttach, encodeOutput, SHELL_OPS } from '@hauban/shared/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createShellDesk, type ShellDesk } from '../../../../test/support/shell-desk.ts';
import { mayAttach } from '../compose-targets.ts';
import { createSocketTickets, createUpgrades } from '../http/index.ts';
import { createLog } from '../runtime/index.ts';
import { createShellSockets } from './shells.socket.ts';

let desk: ShellDesk;
beforeAll(async () => {
  desk = await createShellDesk();
});
afterAll(() => desk.stop());
beforeEach(() => desk.startOver());

describe('the socket', () => {
  let server: Server;
  let base = '';
  let stop: () => void;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    server = createServer();
    const shellSockets = createShellSockets(
      desk.shells,
      { clock: systemClock, log: createLog('silent') },
      mayAttach(desk.targets, desk.clock),
    );
    const upgrades = createUpgrades({
      routes: [shellSockets.route],
      origins: new Set(),
      cookieName: 'c',
      authenticator: desk.authenticator,
      tickets: createSocketTickets(systemClock, { bytes: (n) => new Uint8Array(n), unit: () => 0 }),
      clock: systemClock,
      log: createLog('silent'),
    });
    upgrades.attach(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    stop = () => {
      upgrades.close();
      shellSockets.stop();
    };
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.terminate()));
  afterAll(async () => {
    stop();
    await new Promise((resolve) => server.close(resolve));
  });

  const dial = async (
    session: string,
    role: string,
  ): Promise<{ readonly status: number; readonly socket: WebSocket }> => {
    const socket = new WebSocket(`${base}/api/shells/${session}/socket`, {
      headers: desk.bearer(role),
      perMessageDeflate: false,
    });
    sockets.push(socket);
    return await new Promise((resolve) => {
      socket.on('open', () => resolve({ status: 101, socket }));
      socket.on('unexpected-response', (_request, response) => resolve({ status: response.statusCode ?? 0, socket }));
      socket.on('error', () => undefined);
    });
  };

  it('lets in who opened the shell and an owner, nobody else; knowing the id is no right', async () => {
    const { sessionId } = await desk.shells.open(desk.node, desk.request, { ...desk.olga, id: 'p-operator' });
    const foreign = (await desk.shells.open(desk.node, desk.request, desk.olga)).sessionId;
    expect((await dial(sessionId, 'operator')).status).toBe(101);
    expect((await dial(sessionId, 'owner')).status).toBe(101);
    expect((await dial(sessionId, 'viewer')).status).toBe(403);
    expect((await dial(foreign, 'operator')).status).toBe(403);
    expect((await dial(randomUUID(), 'owner')).status).toBe(404);
    expect((await dial("x';--", 'owner')).status).toBe(404);
    expect((await dial(sessionId, 'nobody')).status).toBe(401);
    await desk.shells.recordingEnded(foreign, 'exited', 5);
    expect((await dial(foreign, 'owner')).status).toBe(410);
  });

  it('carries bytes both ways and closes on what is no message', async () => {
    const { sessionId } = await desk.shells.open(desk.node, desk.request, { ...desk.olga, id: 'p-operator' });
    const { socket } = await dial(sessionId, 'operator');
    const got: Buffer[] = [];
    socket.on('message', (data: Buffer) => got.push(data));
    socket.send(Buffer.concat([Buffer.from([SHELL_OPS.attach]), encodeAttach(0)]));
    socket.send(Buffer.concat([Buffer.from([SHELL_OPS.input]), Buffer.from('ls\r')]));
    await expect
      .poll(() => desk.scene.frames.map(({ op }) => op), { interval: 5 })
      .toEqual([SHELL_OPS.attach, SHELL_OPS.input]);
    const output = (offset: number, text: string): void =>
      desk.shells.frame(desk.link, {
        op: SHELL_OPS.output,
        session: sessionId,
        body: encodeOutput(offset, Buffer.from(text)),
      });
    output(0, '');
    output(0, 'file');
    await expect.poll(() => got.length, { interval: 5 }).toBe(2);
    expect(got[1]?.subarray(9).toString()).toBe('file');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.send('text is not spoken here');
    expect(await closed).toBe(4400);
    await expect.poll(() => desk.scene.frames.at(-1)?.op, { interval: 5 }).toBe(SHELL_OPS.detach);
  });
});
