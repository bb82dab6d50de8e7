/**
 * A billing system that creates a hosting account when an order is paid: asks the controller once, however often it is
 * started, and goes on when the controller tells it what came of it.
 *
 *   node billing.mjs <order number> <account> <domain> <pool>
 *
 * Environment: HAUBAN_URL, HAUBAN_TOKEN; BILLING_URL (the address of this receiver, exactly as the webhook has it),
 * BILLING_PORT, BILLING_CERT and BILLING_KEY (PEM files). Its only package is jose.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { base64url, createRemoteJWKSet, flattenedVerify } from 'jose';

const { HAUBAN_URL, HAUBAN_TOKEN, BILLING_URL, BILLING_PORT, BILLING_CERT, BILLING_KEY } = process.env;
const [number, account, domain, pool] = process.argv.slice(2);

const say = (line) => void process.stdout.write(`${line}\n`);

/** Sent again until there is an answer: the idempotency key makes it one run. */
async function call(path, body) {
  for (let waitMs = 1000; ; waitMs = Math.min(waitMs * 2, 60_000)) {
    try {
      const reply = await fetch(HAUBAN_URL + path, {
        ...(body === undefined ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) }),
        headers: { authorization: `Bearer ${HAUBAN_TOKEN}`, 'content-type': 'application/json' },
      });
      if (reply.ok) return await reply.json();
      // 429 and 5xx pass; everything else is an answer that does not change.
      if (reply.status !== 429 && reply.status < 500) throw new Error(`${reply.status} ${await reply.text()}`);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // no connection
    }
    await new Promise((resume) => setTimeout(resume, waitMs));
  }
}

/** Keys of the controller, asked for again when one is not among them. */
const keys = createRemoteJWKSet(new URL('/api/webhook-keys', HAUBAN_URL));
const MOST_AGE_S = 300;

/** What the controller told, or an error: it was not the controller, it was told to somebody else, or it is old. */
async function verify(signature, body) {
  const [head, between, tail] = signature.split('.');
  if (between !== '') throw new Error('no detached signature');
  const { protectedHeader: said } = await flattenedVerify(
    { protected: head, payload: base64url.encode(body), signature: tail },
    keys,
    { algorithms: ['EdDSA'] },
  );
  if (said.typ !== 'hauban-webhook+jws') throw new Error('a signature of another kind');
  if (said.aud !== BILLING_URL) throw new Error('meant for another receiver');
  if (Math.abs(Date.now() / 1000 - said.iat) > MOST_AGE_S) throw new Error('too old');
  const told = JSON.parse(body.toString('utf8'));
  if (told.id !== said.jti) throw new Error('the id is another one');
  return told;
}

/** Ids that were taken: a real one keeps them in its database, with what it did about them. */
const taken = new Set();
const ended = new Map();
let wake = () => {};

async function receive(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const told = await verify(String(request.headers['hauban-signature']), Buffer.concat(chunks));
    // At least once: it may come again, and what is told in which order is not promised.
    const isEnd = told.type === 'run.finished' || told.type === 'run.failed';
    if (isEnd && !taken.has(told.id)) ended.set(told.data.runId, told);
    taken.add(told.id);
    wake();
    response.writeHead(204).end();
  } catch (error) {
    say(`refused: ${error.message}`);
    response.writeHead(400).end();
  }
}

const server = createServer(
  { cert: readFileSync(BILLING_CERT), key: readFileSync(BILLING_KEY) },
  (request, response) => void receive(request, response),
);
await new Promise((listening) => server.listen(Number(BILLING_PORT), listening));

const run = await call('/api/runs', {
  action: 'account.create',
  args: { name: account, domain, phpVersion: '8.4' },
  on: `pool=${pool}`,
  mode: 'apply',
  strategy: 'at-once',
  reason: `order ${number}`,
  startWithinMs: 43_200_000,
  idempotencyKey: `billing-order-${number}-create`,
});
say(`order ${number} is run ${run.id}`);

// It is over already when this program was started again. Else the webhook says when; and should none come, ask now and then.
const ASK_MS = 5 * 60_000;
let isOver = run.finishedAt !== null;
while (!isOver && !ended.has(run.id)) {
  const isWoken = await new Promise((resume) => {
    const timer = setTimeout(resume, ASK_MS, false);
    wake = () => (clearTimeout(timer), resume(true));
  });
  if (!isWoken) isOver = (await call(`/api/runs/${run.id}`)).finishedAt !== null;
}

const { counts } = await call(`/api/runs/${run.id}`);
const isGood = Object.keys(counts).every((state) => state === 'succeeded' || state === 'unchanged');
if (isGood) say(`order ${number}: ${account} is ready`);
else {
  const failures = await call(`/api/runs/${run.id}/failures`);
  say(`order ${number}: ${failures.map(({ says }) => says).join('; ')}`);
}
server.close();
process.exitCode = isGood ? 0 : 1;
