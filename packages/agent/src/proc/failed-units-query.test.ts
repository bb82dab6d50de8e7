import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeBusAnswer, encodeBusCall, uint32OfVariant } from './bus-message.ts';
import { createFailedUnitsQuery } from './index.ts';

let folder: string;
let server: Server | undefined;
let sockets: Socket[];
const clock = new FakeClock();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-bus-'));
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  if (server !== undefined) {
    server.close();
    await once(server, 'close');
  }
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A method return (type 2) or other message with this body; header fields are left out, as nobody here reads them. */
function message(type: number, body: readonly number[], change: (head: Buffer) => void = () => undefined): Buffer {
  const bytes = Buffer.from([0x6c, type, 1, 1, body.length, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, ...body]);
  change(bytes);
  return bytes;
}

/** Starts a bus that answers authentication with `auth` and everything after it with `answers`, in pieces of `piece` bytes. */
async function startBus(
  auth: string,
  answers: Buffer,
  piece = 1000,
): Promise<{ path: string; received: () => string }> {
  let received = '';
  const path = join(folder, 'bus');
  server = createServer((socket) => {
    sockets.push(socket);
    let isAuthenticated = false;
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (!isAuthenticated && received.includes('\r\n')) {
        isAuthenticated = true;
        socket.write(auth);
      } else if (received.includes('NFailedUnits')) {
        for (let at = 0; at < answers.length; at += piece) socket.write(answers.subarray(at, at + piece));
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return { path, received: () => received };
}

const OK = 'OK 1234deadbeef\r\n';
const HELLO_REPLY = message(2, [5, 0, 0, 0, 58, 49, 46, 52, 50, 0]);
const SIGNAL = message(4, [1, 2, 3]);
const count = (value: number): Buffer => message(2, [1, 0x75, 0, 0, value, 0, 0, 0]);

describe('asking the bus for failed units', () => {
  test.each([1, 7, 1000])('gives the number, past signals, in pieces of %i bytes', async (piece) => {
    const bus = await startBus(OK, Buffer.concat([HELLO_REPLY, SIGNAL, count(3)]), piece);
    expect(await createFailedUnitsQuery(bus.path, 1000, clock)()).toBe(3);
    expect(bus.received().startsWith('\0AUTH EXTERNAL 31303030\r\nBEGIN\r\n')).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test.each<[string, string, Buffer]>([
    ['refuses the user', 'REJECTED EXTERNAL\r\n', Buffer.alloc(0)],
    ['answers with an error', OK, Buffer.concat([HELLO_REPLY, message(3, [])])],
    ['answers with a text', OK, Buffer.concat([HELLO_REPLY, message(2, [1, 0x73, 0, 0, 1, 0, 0, 0, 65, 0])])],
    ['claims a message of 4 GiB', OK, message(2, [], (head) => head.fill(255, 4, 8))],
    ['claims header fields of 4 GiB', OK, message(2, [], (head) => head.fill(255, 12, 16))],
    ['speaks another protocol', OK, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['floods', 'x'.repeat(70_000), Buffer.alloc(0)],
  ])('gives nothing when the bus %s', async (_, auth, answers) => {
    const bus = await startBus(auth, answers);
    expect(await createFailedUnitsQuery(bus.path, 0, clock)()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('gives nothing without a bus', async () => {
    expect(await createFailedUnitsQuery(join(folder, 'nothing'), 0, clock)()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('gives nothing when the bus is silent until the deadline', async () => {
    const bus = await startBus('', Buffer.alloc(0));
    const answer = createFailedUnitsQuery(bus.path, 0, clock)();
    clock.advance(5000);
    expect(await answer).toBeUndefined();
  });
});

describe('messages', () => {
  test('a call has the bytes that the specification gives it', () => {
    const bytes = encodeBusCall({
      serial: 7,
      destination: 'a.b',
      path: '/',
      interface: 'i.f',
      member: 'M',
      args: ['x'],
    });
    expect(bytes.subarray(0, 16)).toEqual(Buffer.from([0x6c, 1, 2, 1, 6, 0, 0, 0, 7, 0, 0, 0, 71, 0, 0, 0]));
    expect(bytes.subarray(16, 27)).toEqual(Buffer.from([1, 1, 0x6f, 0, 1, 0, 0, 0, 0x2f, 0, 0]));
    expect(bytes.subarray(-6)).toEqual(Buffer.from([1, 0, 0, 0, 0x78, 0]));
    expect((bytes.length - 6) % 8).toBe(0);
  });

  test('a part of a message is not one yet; a variant of another type is no number', () => {
    const whole = count(9);
    for (let length = 0; length < whole.length; length += 1)
      expect(decodeBusAnswer(whole.subarray(0, length))).toBe('more');
    const answer = decodeBusAnswer(whole);
    expect(typeof answer === 'object' && uint32OfVariant(answer.body)).toBe(9);
    expect(uint32OfVariant(Buffer.from([1, 0x69, 0, 0, 1, 0, 0, 0]))).toBeUndefined();
  });
});
