/**
 * The floor: a bare `ws` server that sends one message to each of its connections and counts the answers. Arguments:
 * connections, bytes of the message. Prints its address; when a line comes on standard input it sends, and prints what it
 * measured as one line of JSON (a `FanOut`).
 */
import { WebSocketServer } from 'ws';
import type { FanOut } from './measure-process.ts';

const [connections = 0, messageBytes = 0] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(messageBytes, 1);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
const delaysMs: number[] = [];
let sentAt = 0;

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

function finish(): void {
  delaysMs.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage();
  const result: FanOut = {
    allMs: Date.now() - sentAt,
    p50Ms: quantile(delaysMs, 0.5),
    p99Ms: quantile(delaysMs, 0.99),
    cpuMs: (user + system) / 1000 - cpuBeforeMs,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

let cpuBeforeMs = 0;
server.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    delaysMs.push(data.readDoubleBE(0) - sentAt);
    if (delaysMs.length === connections) finish();
  });
});
server.on('listening', () => {
  const address = server.address();
  process.stdout.write(`ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
process.stdin.once('data', () => {
  const { user, system } = process.cpuUsage();
  cpuBeforeMs = (user + system) / 1000;
  sentAt = Date.now();
  for (const socket of server.clients) socket.send(message);
});
