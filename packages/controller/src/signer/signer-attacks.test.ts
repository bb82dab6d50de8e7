import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  approvalChallenge,
  authorityStepHash,
  bundleChallenge,
  bundleHash,
  createKeyPair,
  createLocalConnection,
  linkStepHash,
} from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import {
  approvalStatement,
  LOCAL_KINDS,
  utf8,
  type ActionOrder,
  type Assertion,
  type AuthorityStep,
  type Bundle,
  type LinkStep,
} from '@hauban/shared/protocol';
import { FakeClock } from '@hauban/shared/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import { createLog } from '../runtime/index.ts';
import { authorityKid, type AuthorityKey } from './authority-key.ts';
import { loadAuthorityRing, type AuthorityRing } from './authority-ring.ts';
import { loadBundleStore, type BundleStore } from './bundle-store.ts';
import { createKeyFolder } from './key-source.ts';
import { loadLeavers, type Leavers } from './leavers.ts';
import { signNextBundle } from './sign-bundle.ts';
import { signAllowedLinkStep } from './sign-link-step.ts';
import { DEFAULT_SIGN_LIMITS, judgeOrder } from './sign-rules.ts';
import { draftStep, signNextStep } from './sign-step.ts';
import { createSignerClient } from './signer-client.ts';
import { parseAnswer, parseQuestion } from './signer-messages.ts';
import { createSignerServer } from './signer-server.ts';

const DAY_MS = 86_400_000;
const site = { rpId: 'hauban.example', origin: 'https://hauban.example' };
const person = (name: string) => ({ id: randomUUID(), name, key: createSoftwarePasskey(site) });
const people = { ann: person('ann'), bob: person('bob'), eve: person('eve') };
type Person = (typeof people)['ann'];
const { ann, bob, eve } = people;
const operator = ({ id, name, key }: Person) => ({ id, name, isOwner: true, credentials: [key.credential] });
const controller = randomUUID();
const first: Bundle = {
  v: 1,
  is: 'hauban-bundle',
  controller,
  version: 1,
  previous: null,
  issuedAt: 1,
  rpId: site.rpId,
  origins: [site.origin],
  operators: [operator(ann), operator(bob), operator(eve)],
  quorum: 2,
  needs: { high: 2, rootShell: 1, shell: 0 },
  limits: { startMs: 60_000, queuedMs: 3_600_000, ordersPerMinute: 600 },
};
const next: Bundle = { ...first, version: 2, previous: bundleHash(first) };
const by = (challenge: Uint8Array, ...who: Person[]): Assertion[] =>
  who.map(({ id, key }) => key.approve(id, challenge));
const byOwners = (bundle: Bundle): Assertion[] => by(bundleChallenge(bundle), ann, bob);

const clock = new FakeClock(Date.now());
const nowMs = clock.nowMs();
const cleanUps: (() => unknown)[] = [];
let folder: string;
let ring: AuthorityRing;
let store: BundleStore;
let leavers: Leavers;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-signer-'));
  ring = await loadAuthorityRing(folder, createKeyFolder(folder, null, createLog('silent')));
  store = await loadBundleStore(folder, ring.chain);
  leavers = loadLeavers(folder);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

const ground = () => ({ ring, store, nowMs });
const draft = (): AuthorityStep => draftStep({ controller, overlapMs: DAY_MS }, ground());
const byOwnersOf = (step: AuthorityStep): Assertion[] => by(Buffer.from(authorityStepHash(step), 'hex'), ann, bob);
/** The same ring; this happens before a signature of its newest key (of the next one) is given out. */
function ringWith(before: () => Promise<unknown>, of: 'newest' | 'next' = 'newest'): AuthorityRing {
  const wrapped = new Map<AuthorityKey, AuthorityKey>();
  const wrap = (key: AuthorityKey): AuthorityKey => {
    const sign: AuthorityKey['sign'] = async (payload, kind) => {
      const signed = await key.sign(payload, kind);
      await before();
      return signed;
    };
    const known = wrapped.get(key) ?? { ...key, sign };
    wrapped.set(key, known);
    return known;
  };
  const newest = { get: () => wrap(ring.newest) };
  const candidate = { value: () => wrap(ring.candidate()) };
  return Object.create(ring, of === 'newest' ? { newest } : { candidate }) as AuthorityRing;
}
const unused = (): AuthorityRing => ringWith(() => expect.fail('the key was used'));

describe('the authority key is not used at all', () => {
  beforeEach(async () => {
    expect(await signNextBundle(first, byOwners(first), ground())).toMatchObject({ ok: true });
  });

  it('for a policy bundle or a step that nobody approved', async () => {
    const quiet = { ...ground(), ring: unused() };
    expect(await signNextBundle(next, [], quiet)).toMatchObject({ code: 'BUNDLE_QUORUM' });
    expect(await signNextStep(draft(), [], quiet)).toMatchObject({ code: 'AUTHORITY_QUORUM' });
  });

  it('for a step out of its time', async () => {
    const quiet = { ...ground(), ring: unused() };
    const step = draft();
    const changes: [Partial<AuthorityStep>, string][] = [
      [{ issuedAt: nowMs + 60_001, retireAt: nowMs + DAY_MS }, 'AUTHORITY_STALE'],
      [{ issuedAt: nowMs - 7 * DAY_MS - 1 }, 'AUTHORITY_STALE'],
      [{ retireAt: step.issuedAt - 1 }, 'AUTHORITY_MALFORMED'],
      [{ retireAt: step.issuedAt + 30 * DAY_MS + 1 }, 'AUTHORITY_MALFORMED'],
    ];
    for (const [change, code] of changes)
      expect(await signNextStep({ ...step, ...change }, byOwnersOf(step), quiet)).toMatchObject({ code });
  });
});

describe('of two questions at once one is answered', () => {
  const step = async () => signNextStep(draft(), [], ground());

  it('two policy bundles of one version', async () => {
    expect(await signNextBundle(first, byOwners(first), ground())).toMatchObject({ ok: true });
    const other = { ...next, issuedAt: 2 };
    const late = { store, ring: ringWith(() => signNextBundle(other, byOwners(other), ground())) };
    expect(await signNextBundle(next, byOwners(next), late)).toMatchObject({ code: 'BUNDLE_FORKED' });
    expect(store.current).toEqual(other);
  });

  it('a policy bundle by a key that a step replaces meanwhile', async () => {
    expect(await signNextBundle(first, byOwners(first), { store, ring: ringWith(step) })).toMatchObject({
      code: 'BUNDLE_FORKED',
    });
    expect(store.current).toBeNull();
  });

  it('two steps from one key', async () => {
    expect(await signNextStep(draft(), [], { ...ground(), ring: ringWith(step, 'next') })).toMatchObject({
      code: 'AUTHORITY_FORKED',
    });
    expect(ring.steps).toHaveLength(1);
  });

  it('a step under a policy bundle that is replaced meanwhile by one with owners', async () => {
    const during = { ...ground(), ring: ringWith(() => signNextBundle(first, byOwners(first), ground())) };
    expect(await signNextStep(draft(), [], during)).toMatchObject({ code: 'AUTHORITY_FORKED' });
    expect(ring.steps).toEqual([]);
  });

  it('and nothing is stored that does not follow on what is stored', async () => {
    const signed = await signNextBundle(first, byOwners(first), ground());
    if (!signed.ok) expect.fail(signed.detail);
    expect(() => store.add(signed.signed, first)).toThrow(TypeError);
    const stepped = await signNextStep(draft(), byOwnersOf(draft()), ground());
    if (!stepped.ok) expect.fail(stepped.detail);
    expect(() => ring.add(stepped.signed, { ...draft(), previous: null })).toThrow(TypeError);
  });
});

describe('a link key that root allowed is not signed for', () => {
  const make = (change: Partial<LinkStep> = {}): LinkStep => ({
    v: 1,
    is: 'hauban-link-step',
    controller,
    version: 2,
    previous: null,
    before: createKeyPair().publicText,
    next: createKeyPair().publicText,
    authority: 1,
    issuedAt: nowMs,
    retireAt: nowMs + DAY_MS,
    ...change,
  });
  const ask = (step: LinkStep, value: unknown = step) =>
    signAllowedLinkStep(value, { ...ground(), allowed: { hash: () => linkStepHash(step), used: () => undefined } });

  it.each<[string, Partial<LinkStep>, string]>([
    ['when the statement is an old one', { issuedAt: nowMs - 300_001 }, 'LINK_STEP_MALFORMED'],
    ['when it is of tomorrow', { issuedAt: nowMs + 300_001 }, 'LINK_STEP_MALFORMED'],
    ['when the old key ends before it', { retireAt: nowMs - 1 }, 'LINK_STEP_MALFORMED'],
    ['when the old key is taken for ever', { retireAt: nowMs + 30 * DAY_MS + 1 }, 'LINK_STEP_MALFORMED'],
    ['of another fleet', { controller: randomUUID() }, 'LINK_STEP_CONTROLLER'],
    ['under another authority key', { authority: 2 }, 'LINK_STEP_AUTHORITY'],
  ])('%s', async (_name, change, code) => {
    expect(await signNextBundle(first, byOwners(first), ground())).toMatchObject({ ok: true });
    expect(await ask(make(change))).toMatchObject({ ok: false, code });
    expect(await ask(make())).toMatchObject({ ok: true });
  });

  it('when the statement has a field too many', async () => {
    const step = make();
    expect(await ask(step, { ...step, more: 1 })).toMatchObject({ ok: false, code: 'LINK_STEP_MALFORMED' });
  });
});

describe('an order', () => {
  const order = (change: Partial<ActionOrder>): ActionOrder => ({
    v: 1,
    id: randomUUID(),
    aud: randomUUID(),
    iss: controller,
    iat: nowMs,
    exp: nowMs + 60_000,
    requester: { id: ann.id, name: 'ann', via: 'page' },
    reason: null,
    approvals: [],
    approved: null,
    kind: 'action',
    action: 'node.ping',
    actionVersion: 1,
    mode: 'apply',
    args: {},
    planHash: null,
    ...change,
  });
  const judge = (value: ActionOrder) =>
    judgeOrder(value, {
      nowMs,
      limits: DEFAULT_SIGN_LIMITS,
      bundle: null,
      leavers,
      actions: ACTIONS,
      isQueued: false,
      place: null,
    });

  it('is not signed in a second spelling of the same arguments', () => {
    const { version = 1 } = ACTIONS.get('firewall.ban') ?? {};
    const ban = (target: string): ActionOrder =>
      order({ action: 'firewall.ban', actionVersion: version, args: { targets: [target], durationS: 600 } });
    const judged = judge(ban('2001:0DB8:0::7'));
    expect(judged).toMatchObject({
      ok: false,
      code: 'ACTION_ARGUMENTS',
      detail: expect.stringContaining('canonical') as string,
    });
  });

  it('is not signed with approvals where no policy bundle says whose they are', () => {
    const plain = order({ approved: { run: randomUUID(), targets: [randomUUID()] } });
    const statement = approvalStatement(plain);
    if (statement === null) expect.fail('it has approvals');
    const approvals = by(approvalChallenge(statement), ann);
    expect(judge({ ...plain, approvals })).toMatchObject({ ok: false, code: 'ORDER_MALFORMED' });
    expect(judge({ ...plain, approvals, approved: null })).toMatchObject({ ok: false, code: 'ORDER_MALFORMED' });
  });
});

describe('on the socket of the signer', () => {
  const listen = async (server: Server): Promise<string> => {
    const path = join(folder, 'signer.sock');
    await new Promise<void>((done) => void server.listen(path, done));
    const sockets = new Set<Socket>();
    server.on('connection', (socket) => void sockets.add(socket));
    cleanUps.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => void server.close(done));
    });
    return path;
  };

  async function runServer(): Promise<{ readonly path: string; readonly said: { problem?: string }[] }> {
    const said: { problem?: string }[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void said.push(JSON.parse(line) as object) });
    const callers = [process.getuid?.() ?? 0];
    const allowed = { hash: () => null, used: () => undefined };
    const parts = { ring, store, leavers, allowed, actions: ACTIONS, callers, clock, log };
    return { path: await listen(createSignerServer(parts)), said };
  }

  it('a question of no known form ends the connection, and the log says why', async () => {
    const { path, said } = await runServer();
    for (const [kind, text, problem] of [
      [LOCAL_KINDS.shell, '{"t":"keys","n":1}', 'not JSON'],
      [LOCAL_KINDS.json, '{"t":"keys","n":1,"more":1}', 'more'],
      [LOCAL_KINDS.json, '{"t":"constructor","n":1}', 't must be a known type'],
    ] as const) {
      const socket = connect(path);
      const ended = new Promise<void>((done) => {
        const connection = createLocalConnection(socket, { frame: () => undefined, ended: () => done() });
        connection.send(kind, utf8(text));
      });
      await ended;
      await vi.waitFor(() => expect(said.at(-1)?.problem).toContain(problem));
    }
  });

  it('an owner who has left approves no new authority key', async () => {
    expect(await signNextBundle(first, byOwners(first), ground())).toMatchObject({ ok: true });
    const { path } = await runServer();
    const client = createSignerClient(path, clock);
    cleanUps.push(() => client.close());
    await client.leave(eve.id);
    const step = await client.draftStep(controller, 0);
    const challenge = Buffer.from(authorityStepHash(step), 'hex');
    await expect(client.signStep(step, by(challenge, ann, eve))).rejects.toMatchObject({ code: 'APPROVAL_OPERATOR' });
    await client.signStep(step, by(challenge, ann, bob));
  });

  it.each<[string, (n: number) => string]>([
    ['no JSON', () => '{'],
    ['nothing where there has to be a signed text', (n) => JSON.stringify({ t: 'bundle', n, signed: null })],
    ['an answer to another question', (n) => JSON.stringify({ t: 'left', n })],
    ['a signature that is none', (n) => JSON.stringify({ t: 'signed', n, jws: '<script>' })],
  ])('whoever sits there in its place and answers with %s is not believed', async (_name, answer) => {
    const server = createServer((socket) => {
      const connection = createLocalConnection(socket, {
        frame: ({ body }) => {
          const { n } = JSON.parse(Buffer.from(body).toString('utf8')) as { readonly n: number };
          connection.send(LOCAL_KINDS.json, utf8(answer(n)));
        },
        ended: () => undefined,
      });
    });
    const client = createSignerClient(await listen(server), clock);
    cleanUps.push(() => client.close());
    await expect(client.signBundle(first, byOwners(first))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('a client that was closed asks nobody any more', async () => {
    const { path } = await runServer();
    const client = createSignerClient(path, clock);
    client.close();
    await expect(client.keys()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a message of the signer', () => {
  it('is of a type in the table, and of none that the language adds', () => {
    for (const parse of [parseQuestion, parseAnswer])
      for (const text of ['{"t":"evil","n":1}', '{"t":"toString","n":1}', '{"n":1}', 'null', '[]'])
        expect(parse(text)).toEqual({ ok: false, problem: 't must be a known type' });
    const broken = parseQuestion('{"t":"keys",');
    expect(broken.ok ? '' : broken.problem).toContain('JSON');
  });

  it('names no key that is none', () => {
    expect(() => authorityKid('AAAA')).toThrow('an Ed25519 key has 32 bytes');
  });
});
