import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleChallenge, systemClock } from '@hauban/link';
import { ACTIONS, type ActionDefinition } from '@hauban/shared/actions';
import type { Access, ActionOrder, Bundle, Order, ShellOrder } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approveOrder,
  createPerson,
  firstBundle,
  nextBundle,
  type Person,
} from '../../../../test/support/approving-people.ts';
import { createLog } from '../runtime/index.ts';
import { runSigner } from './run-signer.ts';
import { createSignerClient, type SignerClient } from './signer-client.ts';

// The signer on its socket, and a controller that has been taken over: it asks for what it likes.
/** An action that changes something, and can be taken back. */
const ping = ACTIONS.get('node.ping') as ActionDefinition;
const actions = new Map([...ACTIONS, ['node.touch', { ...ping, name: 'node.touch', readOnly: false }]]);
const controller = randomUUID();
const node = randomUUID();
const otherNode = randomUUID();
const web = { labels: { tier: 'web' }, roles: ['web'] };
const [ann, bob, cid, jun, kim, ron] = [
  createPerson('ann', true),
  createPerson('bob', true),
  createPerson('cid', false),
  createPerson('jun', false),
  createPerson('kim', false),
  createPerson('ron', false),
] as [Person, Person, Person, Person, Person, Person];
const people = [ann, bob, cid, jun, kim, ron];

type Rule = Access['roles'][number]['rules'][number];
const rule = (what: string[], where: Rule['where'] = 'everywhere', how: Partial<Rule['how']> = {}): Rule => ({
  name: 'rule',
  what,
  where,
  how: { runAs: ['deploy'], needsApproval: false, window: null, ...how },
});
const never = { days: [], fromMinute: 0, toMinute: 1440 };
const access: Access = {
  roles: [
    { name: 'web', rules: [rule(['action:node.*', 'shell'], { labels: { tier: 'web' } })] },
    {
      name: 'junior',
      rules: [rule(['read']), rule(['action:node.*', 'shell'], 'everywhere', { needsApproval: true })],
    },
    { name: 'one', rules: [rule(['action:node.*'], { nodes: [node] })] },
    { name: 'late', rules: [rule(['action:node.*'], 'everywhere', { window: never })] },
    { name: 'reader', rules: [rule(['read'])] },
  ],
  people: [
    { id: ann.operator.id, role: 'owner' },
    { id: bob.operator.id, role: 'reader' },
    { id: cid.operator.id, role: 'web' },
    { id: jun.operator.id, role: 'junior' },
    { id: kim.operator.id, role: 'junior' },
  ],
};
const held = (person: Person, role: string): Access => ({
  ...access,
  people: [...access.people.filter(({ id }) => id !== person.operator.id), { id: person.operator.id, role }],
});

let folder: string;
let client: SignerClient;
let stop: () => Promise<void>;
let current: Bundle;

const sign = async (bundle: Bundle): Promise<void> => {
  const approvals = [ann, bob].map((owner) => owner.approve(bundleChallenge(bundle)));
  await client.signBundle(bundle, approvals);
  current = bundle;
};
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-roles-'));
  const passphrase = { credential: null, file: null };
  const settings = { socketPath: join(folder, 'signer.sock'), keyDir: join(folder, 'keys'), passphrase };
  const signer = await runSigner(settings, systemClock, createLog('silent'), actions);
  client = createSignerClient(settings.socketPath, systemClock);
  stop = async () => {
    client.close();
    await signer.stop();
  };
  await sign(
    firstBundle(controller, people, {
      needs: { high: 1, rootShell: 1, shell: 0 },
      limits: { startMs: 60_000, queuedMs: 3_600_000, ordersPerMinute: 10_000 },
      access,
    }),
  );
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

function order({ operator: { id, name } }: Person, change: Partial<ActionOrder> = {}): ActionOrder {
  const iat = Date.now();
  return {
    v: 1,
    id: randomUUID(),
    aud: node,
    iss: controller,
    iat,
    exp: iat + 60_000,
    requester: { id, name, via: 'page' },
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
function shell(person: Person, change: Partial<ShellOrder> = {}): ShellOrder {
  const { action: _a, actionVersion: _v, mode: _m, args: _g, planHash: _p, ...base } = order(person);
  const endsAt = Date.now() + 3_600_000;
  return { ...base, kind: 'shell', session: randomUUID(), user: 'deploy', columns: 80, rows: 24, endsAt, ...change };
}
/** An order that carries out another action. */
const ofState = (action: string): Partial<ActionOrder> => {
  const args = { name: 'w4a100010', domain: '0.example.net', phpVersion: '8.2', uid: 100_010 };
  const items = [{ action: 'account.create', args }];
  return { action, actionVersion: ACTIONS.get(action)?.version ?? 0, args: { items } };
};
const refused = (wanted: Order, code = 'SIGN_NOT_ALLOWED', place: typeof web | null = web) =>
  expect(client.sign(wanted, 'at-once', place)).rejects.toMatchObject({ code });
const system = (id: string, via: 'system' | 'page' = 'system') => ({ requester: { id, name: id, via } });

describe('a taken-over controller, where the policy bundle carries roles', () => {
  it('gets signed what the roles allow, and the system keeps working', async () => {
    await client.sign(order(ann));
    await client.sign(shell(ann));
    await client.sign(order(cid), 'at-once', web);
    await client.sign(shell(cid), 'at-once', web);
    for (const id of ['system', 'pool']) await client.sign(order(ann, system(id)));
    for (const action of ['state.compare', 'state.apply'])
      await client.sign(order(ann, { ...system('pool'), ...ofState(action) }));
  });

  it('invents a requester with more rights: nobody who is not signed for gets anything', async () => {
    await refused(order({ operator: { id: randomUUID(), name: 'ann' } } as Person), 'REQUESTER_UNKNOWN');
    // Listed, and without a role: nothing says what he may do.
    await refused(order(ron));
    await refused(order(ann, system('pool', 'page')), 'REQUESTER_UNKNOWN');
    await refused(order(ann, system('system', 'page')), 'REQUESTER_UNKNOWN');
    await refused(order(ann, system('root')), 'REQUESTER_UNKNOWN');
  });

  it('names an owner of the bundle whose role is not signed for that action', async () => {
    await refused(order(bob));
    await refused(shell(bob));
    await refused(order(cid, { action: 'system.reboot', actionVersion: 1, args: {} }), 'ACTION_UNKNOWN');
    await refused(order(cid, { action: 'custom.wipe', args: {} }));
    await refused(shell(cid, { user: 'www-data' }));
  });

  it('asks in the name of the system for what changes something', async () => {
    await refused(order(ann, { ...system('system'), action: 'node.touch' }));
    await refused(order(ann, { ...system('pool'), action: 'custom.wipe' }));
    await refused(shell(ann, system('system')), 'REQUESTER_UNKNOWN');
  });

  it('asks on another node, or for one that it says nothing of', async () => {
    await refused(order(cid), 'SIGN_NOT_ALLOWED', null);
    await refused(order(cid), 'SIGN_NOT_ALLOWED', { labels: {}, roles: ['web'] } as never);
    await sign(nextBundle(current, { access: held(cid, 'one') }));
    await client.sign(order(cid));
    await refused(order(cid, { aud: otherNode }));
  });

  it('asks outside of the time window, except to take back', async () => {
    await sign(nextBundle(current, { access: held(cid, 'late') }));
    await refused(order(cid));
    const { planHash: _none, ...rest } = order(cid, { action: 'node.touch' });
    await client.sign({ ...rest, mode: 'undo', undoes: randomUUID() });
  });

  it('puts an action that is not allowed into one that is', async () => {
    const state = { name: 'state', rules: [rule(['action:state.*'])] };
    await sign(nextBundle(current, { access: { ...held(cid, 'state'), roles: [...access.roles, state] } }));
    await refused(order(cid, ofState('state.apply')));
    await client.sign(order(ann, ofState('state.apply')));
  });

  it('rewrites the database so that a viewer is admin: the roles that were signed stay', async () => {
    // A reader of the bundle, and somebody who was a viewer and is not listed at all.
    await refused(order(bob, { requester: { id: bob.operator.id, name: 'admin', via: 'page' } }));
    await refused(order({ operator: { id: randomUUID(), name: 'viewer' } } as Person), 'REQUESTER_UNKNOWN');
    const promoted = nextBundle(current, { access: held(bob, 'owner') });
    await expect(client.signBundle(promoted, [])).rejects.toMatchObject({ code: 'BUNDLE_QUORUM' });
    await expect(client.signBundle(promoted, [jun.approve(bundleChallenge(promoted))])).rejects.toMatchObject({
      code: 'APPROVAL_OPERATOR',
    });
    await refused(order(bob));
    await sign(promoted);
    await client.sign(order(bob));
  });

  it('leaves out the other person whom a role wants', async () => {
    await refused(order(jun));
    await refused(shell(jun));
    await client.sign(order(jun, { mode: 'plan' }));
    await client.sign(approveOrder(order(jun), [ann]));
    await client.sign(approveOrder(order(jun), [kim]));
    await client.sign(approveOrder(shell(jun), [ann]));
  });

  it('has it approved by who asked, or by somebody who may not do it either', async () => {
    await refused(approveOrder(order(jun), [jun]));
    await refused(approveOrder(order(jun), [bob]));
    await refused(approveOrder(order(jun), [ron]));
    await refused(approveOrder(shell(jun, { user: 'deploy' }), [bob]));
  });

  it('uses an approval of another order, or one that is not by a key of the bundle', async () => {
    const good = approveOrder(order(jun), [ann]);
    await refused({ ...good, action: 'node.ping', reason: 'another' });
    await refused({ ...good, requester: { id: kim.operator.id, name: 'kim', via: 'page' } });
    const stranger = createPerson('ann', true);
    await refused(
      approveOrder(order(jun), [{ ...stranger, approve: (c) => stranger.passkey.approve(ann.operator.id, c) }]),
    );
  });
});

it('a bundle with so many roles that no node would take it is not signed', async () => {
  const nodes = Array.from({ length: 1000 }, () => randomUUID());
  const roles = ['a', 'b'].map((name) => ({
    name: `many-${name}`,
    rules: Array.from({ length: 5 }, () => rule(['read'], { nodes })),
  }));
  await expect(sign(nextBundle(current, { access: { ...access, roles } }))).rejects.toMatchObject({
    code: 'BUNDLE_UNUSABLE',
  });
});

it('a bundle without roles does not ask: it is as before', async () => {
  const { access: _none, ...rest } = nextBundle(current);
  await sign(rest);
  await client.sign(order(bob));
  await client.sign(order(ron));
});
