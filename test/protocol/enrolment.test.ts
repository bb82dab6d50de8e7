import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKeyPair,
  formatJoinToken,
  keyThumbprint,
  loadKeyPair,
  parseJoinToken,
  sha256Hex,
  signReceiptProof,
  systemRandom,
} from '@hauban/link';
import { FakeClock } from '@hauban/shared/testing';
import { resolvePaths, type AgentPaths } from '../../packages/agent/src/config.ts';
import { enrolNode, type EnrolOptions, type EnrolOutcome } from '../../packages/agent/src/enrol/index.ts';
import { loadLocalPolicy } from '../../packages/agent/src/executor/local-policy.ts';
import { createWebSocketDial } from '../../packages/agent/src/link/index.ts';
import { loadTrust } from '../../packages/agent/src/store/trust-file.ts';
import { runAgentProgram } from '../support/agent-program.ts';
import { FakeController } from '../support/fake-controller.ts';
import { AUTHORITY_KID } from '../support/fake-services.ts';
import { FakeNode } from '../support/fake-node.ts';

let clock: FakeClock;
let controller: FakeController;
let root: string;
let paths: AgentPaths;

beforeEach(async () => {
  clock = new FakeClock();
  controller = await FakeController.start({ clock });
  root = mkdtempSync(join(tmpdir(), 'hb-'));
  paths = resolvePaths({ root }, {});
});
afterEach(async () => {
  await controller.stop();
  rmSync(root, { recursive: true });
});

const enrol = (token: string, change: Partial<EnrolOptions> = {}): Promise<EnrolOutcome> =>
  enrolNode({
    paths,
    clock,
    random: systemRandom,
    dialWith: createWebSocketDial,
    url: controller.url,
    token,
    ca: null,
    isForced: false,
    hostName: 'web1.example.org',
    agentVersion: '0.1.0',
    os: 'Debian',
    linkOwner: null,
    ...change,
  });
const codeOf = (outcome: EnrolOutcome): string => (outcome.ok ? 'ok' : outcome.code);
const isEnrolled = (): boolean => existsSync(paths.trustFile);

describe('join token', () => {
  it('ENROL1 holds id, secret and thumbprint; the controller keeps only a hash of the secret', () => {
    const text = controller.joinToken();
    const token = parseJoinToken(text);
    if (!token.ok) throw new Error(token.problem);
    expect(text).toMatch(/^hbj1\.[0-9a-f-]{36}\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/);
    expect(token.value.thumbprint).toBe(keyThumbprint(controller.identity.key.publicText));
    const kept = JSON.stringify([...controller.state.tokens]);
    expect(kept).toContain(sha256Hex(token.value.secret));
    expect(kept).not.toContain(token.value.secret);
  });

  it.each([
    ['is no token', 'hello'],
    ['is cut', 'hbj1.00000000-0000-4000-8000-000000000001.AAAA.BBBB'],
    ['has a path for an id', `hbj1.../../etc.${'A'.repeat(43)}.${'A'.repeat(43)}`],
  ])('ENROL1 a text that %s is refused before anything is dialled or written', async (_name, token) => {
    expect(codeOf(await enrol(token))).toBe('BAD_REQUEST');
    expect(readdirSync(root)).toEqual([]);
    expect(controller.gateway.counts.halfOpen).toBe(0);
  });
});

describe('enrolment', () => {
  it('ENROL2 ENROL6 makes a node: keys, trust and a policy that allows nothing', async () => {
    const outcome = await enrol(controller.joinToken());
    expect(outcome).toMatchObject({ ok: true, isResumed: false, hasNewPolicy: true });
    const trust = loadTrust(paths.trustFile);
    expect(trust).toEqual({
      v: 1,
      url: controller.url,
      nodeId: [...controller.state.nodes.keys()][0],
      controllerId: controller.identity.controllerId,
      controllerKey: controller.identity.key.publicText,
      authorityKeys: [{ kid: AUTHORITY_KID, key: controller.state.authority.publicText }],
      authoritySteps: [],
      ca: null,
    });
    const [request] = controller.told.enrolments;
    expect(request).toMatchObject({ hostName: 'web1.example.org', os: 'Debian', agentVersion: '0.1.0' });
    expect(request?.linkKey).toBe(loadKeyPair(paths.linkKeyFile)?.publicText);
    expect(request?.receiptKey).toBe(loadKeyPair(paths.receiptKeyFile)?.publicText);
    expect(loadLocalPolicy(paths.policyFile, process.getuid!())).toMatchObject({
      ok: true,
      policy: { allow: [], shell: { users: [] } },
    });
    for (const file of [paths.linkKeyFile, paths.receiptKeyFile]) expect(statSync(file).mode & 0o777).toBe(0o600);
    const node = await FakeNode.up(controller, { nodeId: trust!.nodeId, key: loadKeyPair(paths.linkKeyFile)! });
    await node.peer.close();
  });

  it('ENROL2 the secret is never on the wire in clear, nor said before the controller is proven', async () => {
    const seen: Buffer[] = [];
    const token = controller.joinToken();
    const secret = parseJoinToken(token);
    const dialWith = (ca: string | null) => {
      const dial = createWebSocketDial(ca);
      return ((url, events) =>
        dial(url, {
          ...events,
          message: (bytes) => events.message(bytes),
          text: () => events.text(),
          closed: (code) => events.closed(code),
          failed: (why) => events.failed(why),
          opened: (transport, exporter) => {
            const send = transport.send.bind(transport);
            transport.send = (bytes, written) => {
              seen.push(Buffer.from(bytes));
              send(bytes, written);
            };
            events.opened(transport, exporter);
          },
        })) as typeof dial;
    };
    expect(codeOf(await enrol(token, { dialWith }))).toBe('ok');
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(Buffer.concat(seen).includes(secret.ok ? secret.value.secret : '')).toBe(false);
  });

  it('ENROL2 HELLO7 another controller than the one of the thumbprint learns nothing', async () => {
    const other = await FakeController.start({ clock });
    const outcome = await enrol(controller.joinToken(), { url: other.url });
    expect(codeOf(outcome)).toBe('LINK_CONTROLLER_IDENTITY');
    expect(other.told.enrolments).toEqual([]);
    expect(isEnrolled()).toBe(false);
    await other.stop();
  });

  it.each<[string, () => string]>([
    ['TOKEN_UNKNOWN', () => tokenWith({ tokenId: randomUUID() })],
    ['TOKEN_UNKNOWN', () => tokenWith({ secret: randomBytes(32).toString('base64url') })],
    ['TOKEN_EXPIRED', () => controller.joinToken({ lifeMs: -1 })],
    ['TOKEN_USED_UP', () => controller.joinToken({ uses: 0 })],
    ['TOKEN_WRONG_HOST', () => controller.joinToken({ hostName: 'db1.example.org' })],
  ])('ENROL3 a token is refused: %s', async (code, token) => {
    expect(codeOf(await enrol(token()))).toBe(code);
    expect(isEnrolled()).toBe(false);
    expect(controller.state.nodes.size).toBe(0);
    expect(controller.told.refusals).toMatchObject([{ mode: 'enrol', code: 4401, why: code }]);
    // The next attempt begins with keys of its own.
    expect(readdirSync(paths.linkDir)).toEqual([]);
  });

  it('ENROL2 KEYS13 steps of the authority key that nobody signed are not followed: no node is made of them', async () => {
    const jws = ['{}', '{}', 'x'.repeat(64)].map((part) => Buffer.from(part).toString('base64url')).join('.');
    controller.state.authoritySteps.push({ byBefore: jws, byNext: jws, approvals: [] });
    expect(codeOf(await enrol(controller.joinToken()))).toBe('AUTHORITY_MALFORMED');
    expect(isEnrolled()).toBe(false);
  });

  it('ENROL3 a token that was used is refused for the next machine', async () => {
    const token = controller.joinToken();
    expect(codeOf(await enrol(token))).toBe('ok');
    const elsewhere = resolvePaths({ root: join(root, 'other') }, {});
    expect(codeOf(await enrol(token, { paths: elsewhere }))).toBe('TOKEN_USED_UP');
    expect(controller.state.nodes.size).toBe(1);
  });

  it('ENROL4 a join whose answer was lost is the same join when it is done again: one node, the same keys', async () => {
    const token = controller.joinToken();
    const lossy = await FakeController.start({
      clock,
      state: controller.state,
      ports: (ports) => ({
        enrolment: {
          enrol: async (request) => {
            const result = await ports.enrolment.enrol(request);
            lossy.cutAll();
            return result;
          },
        },
      }),
    });
    expect(codeOf(await enrol(token, { url: lossy.url }))).toBe('LINK_LOST');
    expect(isEnrolled()).toBe(false);
    expect(controller.state.nodes.size).toBe(1);
    expect(codeOf(await enrol(token))).toBe('ok');
    expect(controller.state.nodes.size).toBe(1);
    expect(loadTrust(paths.trustFile)?.nodeId).toBe([...controller.state.nodes.keys()][0]);
    await lossy.stop();
  });

  it('ENROL4 a crash after the answer was written is brought to its end by running it again, without a token', async () => {
    expect(codeOf(await enrol(controller.joinToken()))).toBe('ok');
    const key = readFileSync(paths.linkKeyFile, 'utf8');
    const trust = readFileSync(paths.trustFile, 'utf8');
    // As a crash leaves it: the answer is written, nothing is in its place yet.
    for (const file of [paths.linkKeyFile, paths.receiptKeyFile, paths.trustFile]) {
      writeFileSync(`${file}.next`, readFileSync(file), { mode: 0o600 });
      rmSync(file);
    }
    expect(await enrol('not even a token')).toMatchObject({ ok: true, isResumed: true });
    expect(readFileSync(paths.linkKeyFile, 'utf8')).toBe(key);
    expect(readFileSync(paths.trustFile, 'utf8')).toBe(trust);
    expect(readdirSync(paths.configDir).toSorted()).toEqual(['policy.toml', 'trust.json']);
  });

  it.each<[string, (linkKey: string, tokenId: string) => Promise<string>]>([
    ['by another key', (linkKey, tokenId) => signReceiptProof({ linkKey, tokenId }, createKeyPair())],
    ['for another token', (linkKey) => signReceiptProof({ linkKey, tokenId: randomUUID() }, receiptKey)],
    [
      'for another link key',
      (_linkKey, tokenId) => signReceiptProof({ linkKey: receiptKey.publicText, tokenId }, receiptKey),
    ],
    ['of no signature', async () => `a.b.${'A'.repeat(86)}`],
  ])('ENROL5 a receipt proof %s refuses the enrolment, and the token stays unused', async (_name, proof) => {
    const parsed = parseJoinToken(controller.joinToken());
    if (!parsed.ok) throw new Error(parsed.problem);
    const { tokenId, secret } = parsed.value;
    const key = createKeyPair();
    const node = await FakeNode.connect(controller, { nodeId: '', key });
    const receiptProof = await proof(key.publicText, tokenId);
    const facts = { hostName: 'x', agentVersion: '1', os: 'Debian' };
    node.say({ t: 'enrol', tokenId, secret, receiptKey: receiptKey.publicText, receiptProof, ...facts });
    expect(await node.control('enrol.refused')).toMatchObject({ code: 'ENROLMENT_REFUSED' });
    expect((await node.peer.ended).code).toBe(4401);
    expect(controller.told.enrolments).toEqual([]);
    expect(controller.state.tokens.get(tokenId)?.usesLeft).toBe(1);
  });

  it('ENROL6 the link closes 1000 after the answer', async () => {
    const parsed = parseJoinToken(controller.joinToken());
    if (!parsed.ok) throw new Error(parsed.problem);
    const { tokenId, secret } = parsed.value;
    const key = createKeyPair();
    const node = await FakeNode.connect(controller, { nodeId: '', key });
    const receiptProof = await signReceiptProof({ linkKey: key.publicText, tokenId }, receiptKey);
    const facts = { hostName: 'x', agentVersion: '1', os: 'Debian' };
    node.say({ t: 'enrol', tokenId, secret, receiptKey: receiptKey.publicText, receiptProof, ...facts });
    expect(await node.control('enrolled')).toMatchObject({
      controllerId: controller.identity.controllerId,
      roles: ['web'],
    });
    expect((await node.peer.ended).code).toBe(1000);
  });

  it.each([
    ['a status', { t: 'status' }],
    ['a receipt', { t: 'receipt', jws: 'a.b.c' }],
  ])('ENROL2 in mode enrol %s closes 4400', async (_name, message) => {
    const node = await FakeNode.connect(controller, { nodeId: '' });
    node.say(message);
    expect((await node.peer.ended).code).toBe(4400);
  });

  it('ENROL2 TRANS4 a peer in mode enrol that asks nothing is closed 4408', async () => {
    const node = await FakeNode.connect(controller, { nodeId: '' });
    node.say({ t: 'ping', sentAt: 1 } as never);
    await node.control('pong');
    clock.advance(10_000);
    expect((await node.peer.ended).code).toBe(4408);
  });

  it('ENROL7 the private keys are in their files and nowhere else', async () => {
    await enrol(controller.joinToken());
    const secrets = [paths.linkKeyFile, paths.receiptKeyFile].map(
      (file) => (JSON.parse(readFileSync(file, 'utf8')) as { d: string }).d,
    );
    const told = JSON.stringify([controller.told.enrolments, controller.told.refusals, [...controller.state.nodes]]);
    const config = readdirSync(paths.configDir).map((name) => readFileSync(join(paths.configDir, name), 'utf8'));
    for (const secret of secrets) expect([told, ...config].join('')).not.toContain(secret);
  });

  it('ENROL6 a node that is enrolled says so and refuses, unless forced: then it is another node with other keys', async () => {
    await enrol(controller.joinToken());
    const before = loadTrust(paths.trustFile);
    const key = loadKeyPair(paths.linkKeyFile)?.publicText;
    writeFileSync(paths.policyFile, '# mine\nversion = 1\n');
    const again = await enrol(controller.joinToken());
    expect(again).toMatchObject({ ok: false, code: 'CONFLICT' });
    expect(again.ok ? '' : again.detail).toContain(before?.nodeId);
    expect(codeOf(await enrol('hbj1.x', { isForced: true }))).toBe('BAD_REQUEST');
    expect(codeOf(await enrol(controller.joinToken({ lifeMs: -1 }), { isForced: true }))).toBe('TOKEN_EXPIRED');
    expect(loadTrust(paths.trustFile)).toEqual(before);
    expect(loadKeyPair(paths.linkKeyFile)?.publicText).toBe(key);
    expect(codeOf(await enrol(controller.joinToken(), { isForced: true }))).toBe('ok');
    expect(loadTrust(paths.trustFile)?.nodeId).not.toBe(before?.nodeId);
    expect(loadKeyPair(paths.linkKeyFile)?.publicText).not.toBe(key);
    expect(readFileSync(paths.policyFile, 'utf8')).toBe('# mine\nversion = 1\n');
  });
});

describe('the command', () => {
  it('ENROL6 enrols, says what it did, and refuses a second time with status 3', async () => {
    const real = await FakeController.start();
    const [url, token] = [real.url.replace('ws:', 'http:').replace('/link', ''), real.joinToken({ uses: 2 })];
    const first = await runAgentProgram(['enrol', '--root', root, '--url', url, '--token', token]);
    expect(first.output).toMatch(
      /This node is enrolled\.\nNode [0-9a-f-]{36}; trust in .*\nEverything is refused until/,
    );
    expect(first.status).toBe(0);
    const second = await runAgentProgram(['enrol', '--root', root, '--url', url, '--token', token]);
    expect(second.output).toMatch(/^CONFLICT: This node is enrolled already/);
    expect(second.status).toBe(3);
    await real.stop();
  });

  it.each([
    [['enrol', '--token', 'x'], /needs --url and --token/],
    [['enrol', '--url', 'ftp://x', '--token', 'x'], /must begin with https/],
    [['enrol', '--nonsense'], /nonsense/],
    [['surprise'], /no command "surprise"/],
    [['link'], /not enrolled/],
  ])('%j ends with one clear sentence', async (args, says) => {
    const run = await runAgentProgram([...args, '--root', root]);
    expect(run.output).toMatch(says);
    expect(run.status).not.toBe(0);
    expect(run.output).not.toMatch(/at .*:\d+:\d+/);
  });
});

const receiptKey = createKeyPair();

function tokenWith(change: { tokenId?: string; secret?: string }): string {
  const parsed = parseJoinToken(controller.joinToken());
  if (!parsed.ok) throw new Error(parsed.problem);
  return formatJoinToken({ ...parsed.value, ...change });
}
