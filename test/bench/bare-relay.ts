/** The middle of the bare relay: passes messages between the first socket and the second one, both ways. */
import { WebSocketServer, type WebSocket } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
const waiting: WebSocket[] = [];
server.on('listening', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
server.on('connection', (socket) => {
  const other = waiting.pop();
  if (other === undefined) return void waiting.push(socket);
  for (const [from, to] of [
    [socket, other],
    [other, socket],
  ] as const) {
    from.on('message', (data) => to.send(data));
    from.on('close', () => to.close());
  }
  return undefined;
});
