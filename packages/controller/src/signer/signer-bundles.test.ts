import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  approvalChallenge,
  bundleChallenge,
  bundleHash,
  pinnedKeys,
  systemClock,
  verifyNextBundle,
} from '@hauban/link';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import {
  approvalStatement,
  type ActionOrder,
  type Assertion,
  type Bundle,
  type Order,
  type ShellOrder,
} from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSoftwarePasskey } from '../../../../test/support/software-passkey.ts';
import { createLog } from '../runtime/index.ts';
import { runSigner } from './run-signer.ts';
import { createSignerClient, type SignerClient } from './signer-client.ts';

const site = { rpId: 'hauban.example', origin: 'https://hauban.example' };
const controller = randomUUID();
const person = (name: string) => ({ id: randomUUID(), name, key: createSoftwarePasskey(site) });
const people = { ann: person('ann'), bob: person('bob'), cid: person('cid'), eve: person('eve') };
type Person = (typeof people)['ann'];
const { ann, bob, cid, eve } = people;
const node = randomUUID();
/** `node.ping`, as if it were dangerous: no action of the catalogue is. */
const ping = ACTIONS.get('node.ping') as ActionDefinition;
const actions = new Map([...ACTIONS, ['node.danger', { ...ping, name: 'node.danger', risk: 'high' as const }]]);

const operator = ({ id, name, key }: Person, isOwner: boolean) => ({
  id,
  name,
  isOwner,
  credentials: [key.credential],
});
const first = (change: Partial<Bundle> = {}): Bundle => ({
  v: 1,
  is: 'hauban-bundle',
  controller,
  version: 1,
  previous: null,
  issuedAt: Date.now(),
  rpId: site.rpId,
  origins: [site.origin],
  operators: [operator(ann, true), operator(bob, true), operator(cid, false)],
  quorum: 2,
  needs: { high: 2, rootShell: 1, shell: 0 },
  limits: { startMs: 60_000, queuedMs: 3_600_000, ordersPerMinute: 600 },
  ...change,
});
const next = (before: Bundle, change: Partial<Bundle> = {}): Bundle => ({
  ...before,
  version: before.version + 1,
  previous: bundleHash(before),
  ...change,
});
const by = (bundle: Bundle, ...who: Person[]): Assertion[] =>
  who.map(({ id, key }) => key.approve(id, bundleChallenge(bundle)));

let folder: string;
let client: SignerClient;
let stop: () => Promise<void>;

async function start(): Promise<void> {
  const passphrase = { credential: null, file: null };
  const settings = { socketPath: join(folder, 'signer.sock'), keyDir: join(folder, 'keys'), passphrase };
  const signer = await runSigner(settings, systemClock, createLog('silent'), actions);
  client = createSignerClient(settings.socketPath, systemClock);
  stop = async () => {
    client.close();
    await signer.stop();
  };
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-signer-'));
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

function order(change: Partial<ActionOrder> = {}): ActionOrder {
  const iat = Date.now();
  return {
    v: 1,
    id: randomUUID(),
    aud: node,
    iss: controller,
    iat,
    exp: iat + 60_000,
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
  };
}
function shell(change: Partial<ShellOrder> = {}): ShellOrder {
  const { action: _a, actionVersion: _v, mode: _m, args: _g, planHash: _p, ...base } = order();
  const endsAt = Date.now() + 3_600_000;
  return { ...base, kind: 'shell', session: randomUUID(), user: 'root', columns: 80, rows: 24, endsAt, ...change };
}
/** The order with the approvals of these people over its own statement. */
function approved<T extends Order>(plain: T, who: readonly Person[], targets: readonly string[] = [node]): T {
  const run = plain.kind === 'shell' ? plain.session : randomUUID();
  const draft = { ...plain, approved: { run, targets: [...targets] } };
  const statement = approvalStatement(draft);
  if (statement === null) throw new TypeError('an approved order has a statement');
  return { ...draft, approvals: who.map(({ id, key }) => key.approve(id, approvalChallenge(statement))) };
}
const danger = (): ActionOrder => order({ action: 'node.danger' });

describe('the first policy bundle', () => {
  it('is signed when as many of its own owners as its quorum have proven their passkeys, kept, and given again', async () => {
    const bundle = first();
    expect(await client.bundle(null)).toBeNull();
    const signed = await client.signBundle(bundle, by(bundle, ann, bob));
    const authorityKeys = pinnedKeys((await client.keys()).authorityKeys);
    const verified = await verifyNextBundle(signed, null, { authorityKeys, controllerId: controller });
    expect(verified).toMatchObject({ ok: true, bundle });
    expect(await client.signBundle(bundle, by(bundle, ann, bob))).toEqual(signed);
    await stop();
    await start();
    expect(await client.bundle(null)).toEqual(signed);
    expect(await client.bundle(1)).toEqual(signed);
    expect(await client.bundle(2)).toBeNull();
  });

  it.each<[string, Partial<Bundle>, (bundle: Bundle) => Assertion[], string]>([
    ['that nobody approved', {}, () => [], 'BUNDLE_QUORUM'],
    ['that one of two owners approved', {}, (b) => by(b, ann), 'BUNDLE_QUORUM'],
    ['that one owner approved twice', {}, (b) => by(b, ann, ann), 'BUNDLE_QUORUM'],
    ['that an operator approved in place of an owner', {}, (b) => by(b, ann, cid), 'BUNDLE_QUORUM'],
    ['approved by somebody whom it does not list', {}, (b) => by(b, ann, eve), 'APPROVAL_OPERATOR'],
    ['approved for another content', {}, (b) => by(next(b), ann, bob), 'APPROVAL_CHALLENGE'],
    ['that could never be replaced', { quorum: 3 }, (b) => by(b, ann, bob), 'BUNDLE_UNUSABLE'],
    [
      'that asks for more people than it has',
      { needs: { high: 4, rootShell: 0, shell: 0 } },
      (b) => by(b, ann, bob),
      'BUNDLE_UNUSABLE',
    ],
    [
      'in which nobody is left to approve what somebody with a key asks for',
      { operators: [operator(ann, true), operator(bob, true)], requesterMayApprove: false },
      (b) => by(b, ann, bob),
      'BUNDLE_UNUSABLE',
    ],
    ['with no page to approve on', { origins: [] }, (b) => by(b, ann, bob), 'BUNDLE_UNUSABLE'],
    ['of version 2', { version: 2, previous: 'a'.repeat(64) }, (b) => by(b, ann, bob), 'BUNDLE_SKIPPED'],
    [
      'in which two people share a key',
      { operators: [operator(ann, true), { ...operator(ann, true), id: bob.id }] },
      (b) => by(b, ann),
      'BUNDLE_MALFORMED',
    ],
  ])('a taken-over controller cannot have one signed %s', async (_name, change, approvals, code) => {
    const bundle = first(change);
    await expect(client.signBundle(bundle, approvals(bundle))).rejects.toMatchObject({ code });
    expect(await client.bundle(null)).toBeNull();
    expect(readdirSync(join(folder, 'keys/bundles'))).toEqual([]);
  });
});

describe('the next policy bundle', () => {
  let current: Bundle;
  beforeEach(async () => {
    current = first();
    await client.signBundle(current, by(current, ann, bob));
  });

  it('is signed for a quorum of the owners before it', async () => {
    const bundle = next(current, { operators: [operator(ann, true), operator(bob, true), operator(eve, true)] });
    await client.signBundle(bundle, by(bundle, ann, bob));
    await stop();
    await start();
    const second = next(bundle, { quorum: 1 });
    await client.signBundle(second, by(second, eve, bob));
    expect(readdirSync(join(folder, 'keys/bundles'))).toHaveLength(3);
  });

  it.each<[string, (before: Bundle) => [Bundle, Assertion[]], string]>([
    ['nobody approved it', (b) => [next(b), []], 'BUNDLE_QUORUM'],
    ['an insider alone approved it', (b) => [next(b), by(next(b), ann)], 'BUNDLE_QUORUM'],
    [
      'its new owner approved it',
      (b) => {
        const more = next(b, { operators: [...b.operators, operator(eve, true)] });
        return [more, by(more, ann, eve)];
      },
      'APPROVAL_OPERATOR',
    ],
    ['an operator approved it', (b) => [next(b), by(next(b), ann, cid)], 'APPROVAL_OPERATOR'],
    ['one owner approved it twice', (b) => [next(b), by(next(b), ann, ann)], 'APPROVAL_REPEATED'],
    ['the approvals are those of the version before', (b) => [next(b), by(b, ann, bob)], 'APPROVAL_CHALLENGE'],
    [
      'it follows on another one',
      (b) => {
        const fork = next(b, { previous: 'b'.repeat(64) });
        return [fork, by(fork, ann, bob)];
      },
      'BUNDLE_FORKED',
    ],
    [
      'it is another content of the same version',
      (b) => {
        const same = { ...b, quorum: 1 };
        return [same, by(same, ann, bob)];
      },
      'BUNDLE_FORKED',
    ],
    [
      'it takes the fleet to another controller',
      (b) => {
        const moved = next(b, { controller: randomUUID() });
        return [moved, by(moved, ann, bob)];
      },
      'BUNDLE_CONTROLLER',
    ],
  ])('a taken-over controller cannot have it signed when %s', async (_name, make, code) => {
    const [bundle, approvals] = make(current);
    await expect(client.signBundle(bundle, approvals)).rejects.toMatchObject({ code });
    expect(readdirSync(join(folder, 'keys/bundles'))).toHaveLength(1);
  });

  it('two versions that are asked for at once: one is signed', async () => {
    const drafts = [next(current, { issuedAt: 1 }), next(current, { issuedAt: 2 })];
    const asked = await Promise.allSettled(drafts.map((draft) => client.signBundle(draft, by(draft, ann, bob))));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(join(folder, 'keys/bundles'))).toHaveLength(2);
  });

  it('one edited on the disk keeps the signer from starting: it never forgets what needs approval', async () => {
    const path = join(folder, 'keys/bundles/000001.json');
    const whole = readFileSync(path, 'utf8');
    await stop();
    const signed = JSON.parse(whole) as { jws: string };
    const [head = '', body = '', signature = ''] = signed.jws.split('.');
    const edited = Buffer.from(Buffer.from(body, 'base64url').toString().replace('"high":2', '"high":0'));
    writeFileSync(path, JSON.stringify({ ...signed, jws: [head, edited.toString('base64url'), signature].join('.') }));
    await expect(start()).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    writeFileSync(path, whole);
    await start();
  });
});

describe('under a policy bundle', () => {
  beforeEach(async () => {
    const bundle = first();
    await client.signBundle(bundle, by(bundle, ann, bob));
  });
  const refused = (wanted: Order, code: string) => expect(client.sign(wanted)).rejects.toMatchObject({ code });

  it('what needs no approval is signed for its operators without any', async () => {
    await client.sign(order());
    await client.sign(order({ action: 'node.danger', mode: 'plan' }));
    await client.sign(shell({ user: 'deploy' }));
    await client.sign(order({ requester: { id: 'system', name: 'system', via: 'system' } }));
  });

  it('somebody who left, or was made up in the database, gets nothing signed', async () => {
    await refused(order({ requester: { id: eve.id, name: 'ann', via: 'page' } }), 'REQUESTER_UNKNOWN');
    await refused(order({ requester: { id: 'system', name: 'system', via: 'api' } }), 'REQUESTER_UNKNOWN');
    await refused(order({ requester: { id: ann.id, name: 'ann', via: 'system' } }), 'REQUESTER_UNKNOWN');
  });

  it('the system gets no shell and nothing dangerous, not even with approvals', async () => {
    const requester = { id: 'system', name: 'system', via: 'system' } as const;
    await refused(shell({ user: 'deploy', requester }), 'REQUESTER_UNKNOWN');
    await refused(approved({ ...danger(), requester }, [ann, bob]), 'REQUESTER_UNKNOWN');
  });

  it('a dangerous action is signed with approvals of two people, and not for an insider with one', async () => {
    await client.sign(approved(danger(), [ann, bob]));
    await refused(danger(), 'APPROVAL_MISSING');
    await refused(approved(danger(), [ann]), 'APPROVAL_MISSING');
    await refused(approved(danger(), [ann, ann]), 'APPROVAL_REPEATED');
    await refused(approved(danger(), [ann, eve]), 'APPROVAL_OPERATOR');
  });

  it('approvals cannot be moved to other arguments, another node, another expiry or another controller', async () => {
    const good = approved(danger(), [ann, bob]);
    await refused({ ...good, reason: 'another' }, 'APPROVAL_CHALLENGE');
    await refused({ ...good, exp: good.exp + 1, iat: good.iat + 1 }, 'APPROVAL_CHALLENGE');
    await refused({ ...good, planHash: 'c'.repeat(64) }, 'APPROVAL_CHALLENGE');
    await refused({ ...good, aud: randomUUID() }, 'APPROVAL_TARGETS');
    await refused({ ...good, iss: randomUUID() }, 'ORDER_MALFORMED');
  });

  it('a root shell is signed with an approval for its session only', async () => {
    const good = approved(shell(), [bob]);
    await client.sign(good);
    await refused(shell(), 'APPROVAL_MISSING');
    await refused({ ...good, session: randomUUID() }, 'APPROVAL_TARGETS');
    await refused({ ...approved(shell({ user: 'deploy' }), [bob]), user: 'root' }, 'APPROVAL_CHALLENGE');
  });

  it('what took people time to approve may be older than a minute, within the limit for queued orders', async () => {
    const late = (lifeMs: number): ActionOrder => ({ ...danger(), exp: Date.now() + lifeMs });
    await client.sign(approved(late(900_000), [ann, bob]));
    await refused(approved(late(3_700_000), [ann, bob]), 'ORDER_MALFORMED');
    await refused(order({ exp: Date.now() + 900_000 }), 'ORDER_MALFORMED');
  });

  it("the owners' limit of orders a minute holds whatever the controller asks for", async () => {
    const asked = await Promise.allSettled(Array.from({ length: 660 }, () => client.sign(order())));
    const codes = asked.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
    expect(codes.length).toBeGreaterThan(0);
    expect(new Set(codes)).toEqual(new Set(['RATE_LIMITED']));
  });
});

describe('an operator who has left, while the policy bundle lists them', () => {
  const owners = [operator(ann, true), operator(bob, true), operator(eve, true), operator(cid, false)];
  const bundle = first({ operators: owners });
  const refused = (wanted: Order, code: string) => expect(client.sign(wanted)).rejects.toMatchObject({ code });
  const asked = ({ id, name }: Person) => order({ requester: { id, name, via: 'page' } });
  const restart = async (): Promise<void> => {
    await stop();
    await start();
  };
  beforeEach(async () => {
    await client.signBundle(bundle, by(bundle, ann, bob));
  });

  it('somebody who has left gets nothing signed and no approval of theirs is used, also after a restart', async () => {
    await client.sign(asked(cid));
    const kept = approved(danger(), [ann, cid]);
    await client.leave(cid.id);
    await client.leave(cid.id);
    for (let round = 0; round < 2; round += 1) {
      await refused(asked(cid), 'REQUESTER_UNKNOWN');
      await refused(kept, 'APPROVAL_OPERATOR');
      await client.sign(asked(ann));
      await client.sign(approved(danger(), [ann, bob]));
      await restart();
    }
  });

  it('an owner who has left approves no bundle and no key; the bundle without them ends the mark', async () => {
    await client.leave(eve.id);
    const still = next(bundle);
    await expect(client.signBundle(still, by(still, ann, eve))).rejects.toMatchObject({ code: 'APPROVAL_OPERATOR' });
    await client.signBundle(still, by(still, ann, bob));
    await refused(asked(eve), 'REQUESTER_UNKNOWN');
    const without = next(still, { operators: owners.filter(({ id }) => id !== eve.id) });
    await client.signBundle(without, by(without, ann, bob));
    const back = next(without, { operators: owners });
    await client.signBundle(back, by(back, ann, bob));
    await client.sign(asked(eve));
  });

  it('a taken-over controller cannot mark so many owners that none could approve the next bundle', async () => {
    await client.leave(eve.id);
    for (const { id } of [ann, bob]) await expect(client.leave(id)).rejects.toMatchObject({ code: 'BUNDLE_UNUSABLE' });
    await client.leave(randomUUID());
    await client.sign(asked(ann));
    const following = next(bundle);
    await client.signBundle(following, by(following, ann, bob));
  });

  it('a list that was edited on the disk keeps the signer from starting: it forgets nobody', async () => {
    await client.leave(cid.id);
    const file = join(folder, 'keys/left.json');
    const whole = readFileSync(file, 'utf8');
    await stop();
    for (const text of ['', '{}', whole.replace(cid.id, 'x')]) {
      writeFileSync(file, text);
      await expect(start()).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    }
    writeFileSync(file, whole);
    await start();
    await refused(asked(cid), 'REQUESTER_UNKNOWN');
  });
});
