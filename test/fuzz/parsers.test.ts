import { createSecretKey, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  acceptProof,
  answerWelcome,
  createFrameOpener,
  createFrameSealer,
  createKeyPair,
  createLocalReader,
  encodeLocalFrame,
  formatJoinToken,
  keyPairToJwk,
  keyThumbprint,
  parseJoinToken,
  parseKeyPair,
  peekJws,
  pinnedKeys,
  readHello,
  signOrder,
  signReceipt,
  startHandshake,
  systemRandom,
  verifyOrder,
  verifyReceipt,
  verifyRecordingHeader,
  welcomeNode,
} from '@hauban/link';
import {
  decodeAttach,
  decodeCredit,
  decodeOutput,
  decodeResize,
  decodeShellFrame,
  encodeAttach,
  encodeCredit,
  encodeResize,
  encodeShellFrame,
  LOCAL_KINDS,
  parseAgentMessage,
  parseControllerMessage,
  parseFromExecutor,
  parseShellExit,
  parseToExecutor,
  utf8,
  type ActionOrder,
  type Receipt,
} from '@hauban/shared/protocol';
import { parseCast } from '@hauban/shared/recording';
import { SeededRandom } from '@hauban/shared/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { loadLocalPolicy } from '../../packages/agent/src/executor/local-policy.ts';
import { peekChunk } from '../../packages/agent/src/shell/orphan-recording.ts';
import { parseQuestion } from '../../packages/controller/src/signer/signer-messages.ts';
import { mutateBytes } from '../support/mutate-bytes.ts';

/**
 * Every byte that comes from the other side, after faults drawn from a seed: no reader throws, accepts what it would not
 * accept again, or keeps memory. Bodies of the REST interface are tried beside
 * their schemas, in the controller. `FUZZ_SEED=<n>` runs another seed, HAUBAN_REDTEAM=full takes 100,000 inputs for each.
 */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const INPUTS = process.env['HAUBAN_REDTEAM'] === 'full' ? 100_000 : 3000;
/** What all inputs of one reader may leave on the heap, after it was swept. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** A sentence about what is wrong, not a copy of what was sent. */
const SENTENCE_CHARACTERS = 2000;

const key = createKeyPair();
const kid = keyThumbprint(key.publicText) ?? '';
const [id, nodeId, controllerId] = [randomUUID(), randomUUID(), randomUUID()];
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const jws = 'eyJhIjoxfQ.eyJiIjoyfQ.c2ln';

const order: ActionOrder = {
  v: 1,
  id,
  aud: nodeId,
  iss: controllerId,
  iat: 1_700_000_000_000,
  exp: 1_700_000_060_000,
  requester: { id: 'p1', name: 'ann', via: 'api' },
  reason: null,
  approvals: [],
  approved: null,
  kind: 'action',
  action: 'node.ping',
  actionVersion: 1,
  mode: 'apply',
  args: {},
  planHash: null,
};
const signedOrder = await signOrder(order, key, kid);
const signedReceipt = await signReceipt({ v: 1, order: id, node: nodeId } as unknown as Receipt, key);
const identity = { controllerId, key };

/** A node's hello and the controller's welcome to it; each side's secret can be taken once. */
function meet() {
  const sent = startHandshake({ mode: 'node', nodeId, key, random: systemRandom });
  const hello = readHello(sent.message);
  if (!hello.ok) throw new Error('the sample of a hello is none');
  const welcome = welcomeNode(hello, identity, systemRandom, () => null);
  if (!welcome.ok) throw new Error('the sample of a welcome is none');
  return { sent, welcome };
}
const [forWelcome, forProof] = [meet(), meet()];
const expected = { by: 'pinned', linkKey: key.publicText, controllerId } as never;
const answered = answerWelcome(forProof.sent, forProof.welcome.message, expected, () => null);
if (!answered.ok) throw new Error('the sample of a proof is none');
const direction = { key: createSecretKey(Buffer.alloc(32, 7)), baseNonce: Buffer.alloc(12, 3) };
const folder = mkdtempSync(join(tmpdir(), 'hauban-fuzz-'));
const policyFile = join(folder, 'policy.toml');
const POLICY = `version = 1
[[allow]]
actions = ["node.ping", "php.*"]
[allow.args.version]
one_of = ["8.2"]
[shell]
users = ["deploy"]
max_minutes = 60
[firewall]
never_ban = ["192.0.2.0/24", "2001:db8::/32"]
`;

/** A JSON reader, whose accepted values it must accept again. */
const overText =
  (parse: (source: string) => { readonly ok: unknown; readonly value?: unknown }) =>
  (bytes: Buffer): unknown => {
    const first = parse(bytes.toString('utf8'));
    if (first.ok === true) {
      const second = parse(JSON.stringify(first.value));
      expect(second.ok).toBe(true);
      expect(JSON.stringify(second.value)).toBe(JSON.stringify(first.value));
    }
    return first;
  };

interface Reader {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** May give a promise. */
  read(bytes: Buffer): unknown;
}

const session = encodeShellFrame({ op: 2, session: id, body: utf8('ls\r') });
const READERS: readonly Reader[] = [
  {
    name: 'messages of a node',
    samples: [
      { t: 'ping', sentAt: 1 },
      { t: 'receipt', jws },
      { t: 'progress', order: id, step: 'a', done: 1, total: 2 },
      { t: 'shell.refused', session: id, code: 'SHELL_REFUSED', detail: 'no' },
      { t: 'series', list: [{ name: 'cpu.busy', unit: '%' }] },
      { t: 'inventory', takenAt: 1, sections: [{ name: 'os', hash: 'a'.repeat(64), data: { a: [1, null] } }] },
      { t: 'areas.changed', areas: { apache: 12, users: 86_400_000 } },
    ].map(json),
    read: overText(parseAgentMessage),
  },
  {
    name: 'messages of the controller',
    samples: [
      { t: 'ready', session: id, epoch: 1, at: 1, liveMs: 10_000 },
      { t: 'order', jws },
      { t: 'recording.ack', session: id, index: 3 },
      { t: 'inventory.refresh', sections: ['os'] },
      { t: 'areas.watch', areas: ['apache', 'users'] },
    ].map(json),
    read: overText(parseControllerMessage),
  },
  {
    name: 'messages to the executor',
    samples: [{ t: 'sync' }, { t: 'order', jws }, { t: 'receipt.ack', order: id }].map(json),
    read: overText(parseToExecutor),
  },
  {
    name: 'messages of the executor',
    samples: [
      {
        t: 'facts',
        isRoot: true,
        actions: [{ name: 'a', version: 1 }],
        policyText: POLICY,
        shells: [id],
        bundle: 0,
        authority: 1,
      },
      { t: 'recording.ready', session: id, index: 0, file: '/x/0.chunk' },
    ].map(json),
    read: overText(parseFromExecutor),
  },
  {
    name: 'questions to the signer',
    samples: [
      { t: 'keys', n: 1 },
      { t: 'sign', n: 2, order },
    ].map(json),
    read: overText(parseQuestion),
  },
  {
    name: 'the exit of a shell',
    samples: [json({ ending: 'exited', status: 3, signal: null, leftOver: 0, detail: 'Over.' })],
    read: overText(parseShellExit),
  },
  {
    name: 'frames of a shell',
    samples: [session, encodeResize(80, 25), encodeCredit(5), encodeAttach(7)],
    read: (bytes) => [
      decodeShellFrame(bytes),
      decodeOutput(bytes),
      decodeResize(bytes),
      decodeCredit(bytes),
      decodeAttach(bytes),
    ],
  },
  {
    name: 'frames of the link',
    samples: [1, 2, 3].map(
      (type) => createFrameSealer(direction).seal(type as never, utf8('{"t":"ping"}')) ?? utf8(''),
    ),
    read: (bytes) => createFrameOpener(direction).open(bytes),
  },
  {
    name: 'frames of the local sockets',
    samples: [encodeLocalFrame(LOCAL_KINDS.json, json({ t: 'sync' })), encodeLocalFrame(LOCAL_KINDS.shell, session)],
    read: (bytes) => {
      const reader = createLocalReader();
      const half = bytes.length >> 1;
      return [reader.push(bytes.subarray(0, half)), reader.push(bytes.subarray(half))];
    },
  },
  { name: 'the hello of a node', samples: [forWelcome.sent.message], read: (bytes) => readHello(bytes) },
  {
    name: 'the welcome of a controller',
    samples: [forWelcome.welcome.message],
    read: (bytes) => answerWelcome(forWelcome.sent, bytes, expected, () => null),
  },
  { name: 'the proof of a node', samples: [answered.proof], read: (bytes) => acceptProof(forProof.welcome, bytes) },
  {
    name: 'signed orders, receipts and recording headers',
    samples: [signedOrder, signedReceipt].map(utf8),
    read: async (bytes) => {
      const compact = bytes.toString('utf8');
      const verified = await verifyOrder(compact, pinnedKeys([{ kid, key: key.publicText }]));
      // Whatever was changed in it, it is the order that was signed, or none.
      if (verified.ok) expect(verified.value).toEqual(order);
      const receipt = await verifyReceipt(compact, key.publicText);
      const header = await verifyRecordingHeader(compact, key.publicText);
      return [peekJws(compact).ok, verified, receipt.ok, header.ok];
    },
  },
  {
    name: 'chunks of a recording',
    samples: [utf8(`${signedReceipt}\n`), Buffer.concat([Buffer.from([0, 0, 0, 9]), utf8(signedReceipt)])],
    read: (bytes) => peekChunk(bytes),
  },
  {
    name: 'casts',
    samples: [utf8('{"version":3,"term":{"cols":80,"rows":24}}\n[0.1,"o","hi"]\n[0.2,"r","80x25"]\n[0.1,"x","0"]\n')],
    read: (bytes) => parseCast(bytes.toString('utf8')),
  },
  {
    name: 'join tokens',
    samples: [utf8(formatJoinToken({ tokenId: id, secret: 'A'.repeat(43), thumbprint: kid }))],
    read: (bytes) => {
      const parsed = parseJoinToken(bytes.toString('utf8'));
      if (!parsed.ok) expect(parsed.problem).not.toContain('AAAA');
      return parsed;
    },
  },
  { name: 'key files', samples: [utf8(keyPairToJwk(key))], read: (bytes) => parseKeyPair(bytes.toString('utf8')).ok },
  {
    name: 'policy files',
    samples: [utf8(POLICY), utf8(`a = ${'['.repeat(3000)}`), utf8(`${'a.'.repeat(3000)}b = 1`)],
    read: (bytes) => {
      writeFileSync(policyFile, bytes);
      return loadLocalPolicy(policyFile, process.getuid?.() ?? 0).ok;
    },
  },
];

setFlagsFromString('--expose-gc');
const sweep = runInNewContext('gc') as () => void;
const counted = new Map<string, { inputs: number; tookMs: number }>();

async function attack(name: string, samples: readonly Uint8Array[], read: Reader['read']): Promise<void> {
  const random = new SeededRandom(SEED);
  sweep();
  const before = process.memoryUsage().heapUsed;
  const startedMs = performance.now();
  for (let n = 0; n < INPUTS; n += 1) {
    const bytes = mutateBytes(samples, random);
    try {
      const result = await read(bytes);
      if (typeof result === 'object' && result !== null && 'problem' in result)
        expect(String(result.problem).length).toBeLessThanOrEqual(SENTENCE_CHARACTERS);
    } catch (cause) {
      const shown = bytes.toString('base64').slice(0, 2000);
      throw new Error(`input ${n} of seed ${SEED} (${bytes.length} bytes): ${shown}`, { cause });
    }
  }
  counted.set(name, { inputs: INPUTS, tookMs: performance.now() - startedMs });
  sweep();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(KEPT_BYTES);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}

describe('whatever the other side sends, its reader answers and keeps nothing', () => {
  chmodSync(folder, 0o700);
  afterAll(() => {
    rmSync(folder, { recursive: true });
    const all = [...counted.values()];
    const inputs = all.reduce((sum, one) => sum + one.inputs, 0);
    const seconds = all.reduce((sum, one) => sum + one.tookMs, 0) / 1000;
    process.stderr.write(
      `parsers: ${inputs} inputs to ${counted.size} readers in ${seconds.toFixed(1)} s, seed ${SEED}, no crash\n`,
    );
  });

  it.each(READERS.map((reader) => [reader.name, reader] as const))(
    '%s',
    { timeout: 3_600_000 },
    async (name, reader) => {
      // The sample itself is good: the faults begin close to what is accepted.
      const good = await reader.read(Buffer.from(reader.samples[0] ?? []));
      if (typeof good === 'object' && good !== null && 'ok' in good) expect(good).toMatchObject({ ok: true });
      await attack(name, reader.samples, reader.read.bind(reader));
    },
  );

  it('a length that claims gigabytes is refused before a byte is kept for it', () => {
    const reader = createLocalReader();
    const claim = Buffer.alloc(5);
    claim.writeUInt32BE(0xff_ff_ff_ff, 0);
    sweep();
    const before = process.memoryUsage();
    expect(reader.push(claim).ok).toBe(false);
    for (let n = 0; n < 100; n += 1) expect(reader.push(Buffer.alloc(64 * 1024)).ok).toBe(false);
    sweep();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers + heapUsed - before.heapUsed).toBeLessThan(KEPT_BYTES);
  });
});
