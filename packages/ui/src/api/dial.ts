import type { SocketEvents, TextSocket } from './live-link.ts';

/** Address of a WebSocket of our own origin. */
export function socketUrl(origin: string, path: string, ticket: string): string {
  const url = new URL(path, origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('ticket', ticket);
  return url.href;
}

/** Dials a text socket with a fresh one-time ticket. */
export async function dialText(
  path: string,
  getTicket: () => Promise<string>,
  events: SocketEvents,
): Promise<TextSocket> {
  const socket = new WebSocket(socketUrl(location.origin, path, await getTicket()));
  socket.addEventListener('open', () => events.onOpen());
  socket.addEventListener('message', (message) => {
    if (typeof message.data === 'string') events.onText(message.data);
  });
  socket.addEventListener('close', () => events.onClose());
  return { send: (text) => socket.send(text), close: () => socket.close() };
}
