// Constant load on several sites from a client in front of a node; every answer is judged.
//   node site-load.mjs <address> <clients> <period of a client in ms> <name of the site>:<uid>[:<path>[:<port>]]...
// Lines of JSON on standard input say which PHP versions may answer for a site from now on, {"site", "versions"}, which
// phase is measured, {"phase"}, or ask for what came back since the last time, {"report": true}; standard input's end ends
// it. An answer is right when it has status 200, the site's uid, one of its versions and the digest of what was sent.
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';

const [address, clients, periodMs, ...names] = process.argv.slice(2);
const TIMEOUT_MS = 20_000;
const kinds = ['get kept', 'post kept', 'get new', 'post new'];
const sites = names.map((text) => {
  const [host, uid, path = '/', port = '80'] = text.split(':');
  // A plain file takes no POST.
  return {
    host,
    path,
    port: Number(port),
    kinds: path === '/' ? kinds : kinds.slice(0, 1),
    uid: Number(uid),
    versions: [],
    lastRightMs: null,
    lastPhase: '',
  };
});
let phase = 'still';
const state = { isOver: false };
let report = newReport();

function newReport() {
  return {
    requests: 0,
    retried: 0,
    failed: {},
    versions: {},
    kinds: {},
    latency: {},
    gaps: {},
    lastFailures: [],
  };
}

const count = (table, key) => (table[key] = (table[key] ?? 0) + 1);
/** Buckets 4 % apart, from a microsecond. */
const bucketOf = (ms) => Math.round(Math.log(Math.max(ms, 0.001) * 1000) / Math.log(1.04));

function exchange({ host, path, port }, kind, agent, body) {
  return new Promise((resolve) => {
    const isNew = kind.endsWith('new');
    const sent = request({
      host: address,
      port,
      path,
      method: body === null ? 'GET' : 'POST',
      headers: {
        host,
        ...(body === null ? {} : { 'content-type': 'application/octet-stream', 'content-length': body.length }),
      },
      agent: isNew ? false : agent,
      timeout: TIMEOUT_MS,
    });
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', (error) =>
      // A server may close a connection that it keeps at any time; a client sends again then (RFC 9110, 9.3.1).
      resolve({ fault: error.code ?? error.message, isClosedKept: sent.reusedSocket && error.code === 'ECONNRESET' }),
    );
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', (error) => resolve({ fault: error.code ?? error.message }));
    });
    sent.end(body ?? undefined);
  });
}

/** Null when the answer is right. */
function faultOf(answer, site, body, allowed) {
  if (answer.fault !== undefined) return answer.fault;
  if (answer.status !== 200) return `status ${answer.status}`;
  let said;
  try {
    said = JSON.parse(answer.text);
  } catch {
    return 'no JSON';
  }
  if (said.uid !== site.uid) return `uid ${said.uid} for ${site.uid}`;
  if (
    said.digest !==
    createHash('md5')
      .update(body ?? '')
      .digest('hex')
  )
    return 'another body';
  const version = String(said.version).split('.').slice(0, 2).join('.');
  if (!allowed.includes(version) && !site.versions.includes(version)) return `PHP ${version}`;
  count(report.versions, version);
  return null;
}

async function client(index) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let turn = index; !state.isOver; turn += 1) {
    const startMs = performance.now();
    const site = sites[turn % sites.length];
    const kind = site.kinds[Math.floor(turn / sites.length) % site.kinds.length];
    const body = kind.startsWith('post') ? randomBytes(1 + Math.floor(Math.random() * 6000)) : null;
    const [inPhase, allowed] = [phase, [...site.versions]];
    const first = await exchange(site, kind, agent, body);
    if (first.isClosedKept) report.retried += 1;
    const answer = first.isClosedKept ? await exchange(site, kind.replace('kept', 'new'), agent, body) : first;
    const tookMs = performance.now() - startMs;
    report.requests += 1;
    count(report.kinds, kind);
    const fault = faultOf(answer, site, body, allowed);
    if (fault !== null) {
      count(report.failed, fault);
      if (report.lastFailures.length < 20) report.lastFailures.push(`${site.host} ${kind}: ${fault}`);
    } else {
      const nowMs = performance.now();
      // One that began in another phase belongs to neither.
      if (site.lastPhase === phase) count((report.gaps[phase] ??= {}), bucketOf(nowMs - site.lastRightMs));
      [site.lastRightMs, site.lastPhase] = [nowMs, phase];
    }
    count((report.latency[inPhase] ??= {}), bucketOf(tookMs));
    const waitMs = Number(periodMs) - (performance.now() - startMs);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  agent.destroy();
}

const running = Promise.all(
  Array.from({ length: Number(clients) }, async (_, index) => {
    // Not all at the same moment.
    await new Promise((resolve) => setTimeout(resolve, (index * Number(periodMs)) / Number(clients)));
    return client(index * 7);
  }),
);
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.phase !== undefined) phase = message.phase;
  if (message.site !== undefined) sites.find(({ host }) => host === message.site).versions = message.versions;
  if (message.report === true) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    report = newReport();
  }
}
state.isOver = true;
await running;
