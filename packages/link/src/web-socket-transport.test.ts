import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createWebSocketTransport } from './web-socket-transport.ts';

/** The events of a WebSocket; nothing is sent by it. */
function wrap() {
  const nothing = (): void => undefined;
  const unused = { bufferedAmount: 0, send: nothing, close: nothing, terminate: nothing };
  const socket = Object.assign(new EventEmitter(), unused, { pause: nothing, resume: nothing, pong: nothing });
  const seen: string[] = [];
  createWebSocketTransport(socket, {
    message: (bytes) => seen.push(`message of ${bytes.length}`),
    text: () => seen.push('text'),
    closed: (code) => seen.push(`closed ${code}`),
  });
  return { socket, seen };
}

describe('a WebSocket as transport', () => {
  it('tells binary from text, and takes a message in pieces for a fault of its maker', () => {
    const { socket, seen } = wrap();
    socket.emit('message', Buffer.from('ab'), true);
    socket.emit('message', Buffer.from('ab'), false);
    expect(() => socket.emit('message', [Buffer.from('a'), Buffer.from('b')], true)).toThrow(TypeError);
    expect(() => socket.emit('message', new ArrayBuffer(2), true)).toThrow(TypeError);
    expect(seen).toEqual(['message of 2', 'text']);
  });

  it('says of a message that is too large that it was that, and of no other fault', () => {
    const { socket, seen } = wrap();
    socket.emit('error', new Error('broken'));
    socket.emit('close', 1006);
    socket.emit('error', Object.assign(new Error('large'), { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }));
    socket.emit('close', 1009);
    expect(seen).toEqual(['closed 1006', 'closed 4413']);
  });
});
