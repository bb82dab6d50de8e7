// Requests one page again and again from a client in front of a node, and counts what came back.
//   node http-load.mjs <address> <host name> <connections at once>
// Prints "loading" at the first answer; when its standard input ends it finishes what is under way and prints one line
// of JSON: {requests, failed: [{status|fault, count}], bodies: {<first line of the body that matches>: count}}.
import { Agent, request } from 'node:http';

const [address, host, connections] = process.argv.slice(2);
/** What tells PHP versions apart in the page of a new account. */
const MARK = /PHP (\d+\.\d+)/;
const REQUEST_TIMEOUT_MS = 15_000;
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const bodies = {};
const failed = {};
let requests = 0;

const count = (table, key) => (table[key] = (table[key] ?? 0) + 1);

function once() {
  return new Promise((resolve) => {
    const sent = request({ host: address, path: '/', headers: { host }, agent, timeout: REQUEST_TIMEOUT_MS });
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', (error) => resolve({ fault: error.code ?? error.message }));
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, body }));
      response.on('error', (error) => resolve({ fault: error.code ?? error.message }));
    });
    sent.end();
  });
}

async function worker() {
  while (!process.stdin.readableEnded) {
    const answer = await once();
    requests += 1;
    if (requests === 1) process.stdout.write('loading\n');
    const version = MARK.exec(answer.body ?? '')?.[1];
    if (answer.status === 200 && version !== undefined) count(bodies, version);
    else count(failed, answer.fault ?? `status ${answer.status}`);
  }
}

process.stdin.resume();
await Promise.all(Array.from({ length: Number(connections) }, worker));
process.stdout.write(`${JSON.stringify({ requests, failed, bodies })}\n`);
process.exit(0);
