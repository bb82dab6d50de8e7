import { socketUrl } from '../api/dial.ts';
import type { BinarySocket, BinarySocketEvents } from './shell-link.ts';

/** Dials a binary socket with a fresh one-time ticket. */
export async function dialBinary(
  path: string,
  getTicket: () => Promise<string>,
  events: BinarySocketEvents,
): Promise<BinarySocket> {
  const socket = new WebSocket(socketUrl(location.origin, path, await getTicket()));
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => events.onOpen());
  socket.addEventListener('message', (event) => {
    if (event.data instanceof ArrayBuffer) events.onBytes(new Uint8Array(event.data));
  });
  socket.addEventListener('close', () => events.onClose());
  return { send: (bytes) => socket.send(bytes), close: () => socket.close() };
}
