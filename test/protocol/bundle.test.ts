import { randomUUID } from 'node:crypto';
import { readFileSync, statSync, symlinkSync, rmSync, truncateSync, writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { bundleChallenge, bundleHash, createKeyPair, signBundle, type KeyPair } from '@hauban/link';
import { BUNDLE_TYPE, type Access, type Bundle, type SignedBundle } from '@hauban/shared/protocol';
import { SeededRandom } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approveOrder,
  createPerson,
  firstBundle,
  nextBundle,
  sealBundle,
  SITE,
  type Person,
} from '../support/approving-people.ts';
import { AUTHORITY_KID, createExecutorNode, type ExecutorNode, type LinkSide } from '../support/executor-harness.ts';

let node: ExecutorNode;
let link: LinkSide;
let ada: Person;
let bo: Person;
let cy: Person;
let first: Bundle;
const seal = async (bundle: Bundle, approvers: readonly Person[] = [], key?: KeyPair): Promise<SignedBundle> =>
  await sealBundle(bundle, { authority: key ?? node.authority, kid: AUTHORITY_KID }, approvers);

beforeEach(async () => {
  node = await createExecutorNode();
  await node.start();
  link = await node.connect();
  ada = createPerson('Ada', true);
  bo = createPerson('Bo', true, -8);
  cy = createPerson('Cy', false);
  first = firstBundle(node.controllerId, [ada, bo, cy]);
});
afterEach(async () => {
  link.close();
  await node.cleanUp();
});

const file = (): string => join(node.config.paths.executorDir, 'bundle.json');

/** The version that the executor says it holds, after everything that was sent before. */
async function versionNow(): Promise<number> {
  // An order waits for the bundles before it.
  await node.run(link, node.actionOrder({ mode: 'plan' }));
  const before = link.messages.filter(({ t }) => t === 'facts').length;
  link.send({ t: 'sync' });
  await expect.poll(() => link.messages.filter(({ t }) => t === 'facts').length).toBeGreaterThan(before);
  const facts = link.messages.findLast((message) => message.t === 'facts');
  return facts?.t === 'facts' ? facts.bundle : -1;
}

async function offer(...items: SignedBundle[]): Promise<number> {
  link.send({ t: 'bundles', items });
  return await versionNow();
}

async function restart(): Promise<void> {
  link.close();
  await node.kill();
  await node.start();
  link = await node.connect();
}

/** Offered, refused with this code, and nothing else is held than before. */
async function expectRefused(signed: SignedBundle, code: string, version: number): Promise<void> {
  const stored = version === 0 ? null : readFileSync(file(), 'utf8');
  const refusals = node.log().split('policy bundle refused').length;
  expect(await offer(signed)).toBe(version);
  await expect.poll(() => node.log().split('policy bundle refused').length).toBe(refusals + 1);
  expect(node.log().split('policy bundle refused').at(-1)).toContain(`"code":"${code}"`);
  if (stored !== null) expect(readFileSync(file(), 'utf8')).toBe(stored);
}

describe('BUNDLE1 who a bundle is of', () => {
  it('BUNDLE1 BUNDLE2 the first version by the authority is taken, told, and kept from others', async () => {
    link.send({ t: 'bundles', items: [await seal(first)] });
    expect((await link.next('facts', ({ bundle }) => bundle === 1)).bundle).toBe(1);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(await versionNow()).toBe(1);
    expect(node.log()).not.toContain('refused');
  });

  it('BUNDLE1 signed by a wrong authority', async () => {
    await expectRefused(await seal(first, [], createKeyPair()), 'BUNDLE_SIGNATURE', 0);
  });

  it('BUNDLE1 under a key id that is not pinned', async () => {
    const jws = await signBundle(first, node.authority, 'authority-2');
    await expectRefused({ jws, approvals: [] }, 'BUNDLE_SIGNATURE', 0);
  });

  it('BUNDLE1 an order in the place of a bundle: type confusion', async () => {
    const jws = await node.sign(node.actionOrder());
    await expectRefused({ jws, approvals: [] }, 'BUNDLE_SIGNATURE', 0);
    expect(BUNDLE_TYPE).toBe('hauban-bundle+jwt');
  });

  it('BUNDLE1 of another controller with the same authority', async () => {
    await expectRefused(await seal({ ...first, controller: randomUUID() }), 'BUNDLE_CONTROLLER', 0);
  });

  it('BUNDLE1 altered under the old signature', async () => {
    const [head = '', , signature = ''] = (await seal(first)).jws.split('.');
    const altered = Buffer.from(JSON.stringify({ ...first, quorum: 1 })).toString('base64url');
    await expectRefused({ jws: `${head}.${altered}.${signature}`, approvals: [] }, 'BUNDLE_SIGNATURE', 0);
  });

  it.each([
    ['one person twice', () => [ada.operator, ada.operator]],
    ['two keys under one id of a person', () => [ada.operator, { ...bo.operator, id: ada.operator.id }]],
    [
      'one name for two keys',
      () => [
        ada.operator,
        { ...bo.operator, credentials: [{ ...bo.passkey.credential, id: ada.passkey.credential.id }] },
      ],
    ],
    ['one key for two people', () => [ada.operator, { ...bo.operator, credentials: ada.operator.credentials }]],
    [
      'one key under two names',
      () => [
        ada.operator,
        { ...bo.operator, credentials: [{ ...ada.passkey.credential, id: bo.passkey.credential.id }] },
      ],
    ],
  ])('BUNDLE1 with %s, who would count as two', async (_attack, operators) => {
    await expectRefused(await seal({ ...first, operators: operators() }), 'BUNDLE_MALFORMED', 0);
  });

  it('BUNDLE1 with a field too many', async () => {
    await expectRefused(await seal({ ...first, sudo: true } as unknown as Bundle), 'BUNDLE_MALFORMED', 0);
  });
});

describe('BUNDLE6 roles in a bundle', () => {
  const rule = {
    name: 'reads',
    what: ['read'],
    where: { labels: { tier: 'web' } },
    how: { runAs: [], needsApproval: false, window: null },
  };
  const access = (): Access => ({
    roles: [{ name: 'reader', rules: [rule] }],
    people: [{ id: ada.operator.id, role: 'reader' }],
  });

  it('BUNDLE6 are held and change nothing of what the node takes: labels are not its own to judge', async () => {
    expect(await offer(await seal({ ...first, access: access() }))).toBe(1);
    const requester = { id: ada.operator.id, name: 'Ada', via: 'page' } as const;
    const { outcome } = await node.run(link, node.actionOrder({ mode: 'plan', requester }));
    expect(outcome).not.toBe('refused');
    await restart();
    expect(await versionNow()).toBe(1);
  });

  it.each<[string, () => unknown]>([
    ['a role twice, of which one would count', () => ({ ...access(), roles: [access().roles[0], access().roles[0]] })],
    ['a person with two roles', () => ({ ...access(), people: [...access().people, ...access().people] })],
    [
      'a rule that is everywhere without saying so',
      () => ({ ...access(), roles: [{ name: 'reader', rules: [{ ...rule, where: {} }] }] }),
    ],
    [
      'a right that nobody knows',
      () => ({ ...access(), roles: [{ name: 'reader', rules: [{ ...rule, what: ['sudo'] }] }] }),
    ],
    ['a role without rules', () => ({ ...access(), roles: [{ name: 'reader', rules: [] }] })],
    ['nothing at all in its place', () => null],
  ])('BUNDLE6 with %s', async (_attack, make) => {
    await expectRefused(await seal({ ...first, access: make() } as Bundle), 'BUNDLE_MALFORMED', 0);
  });
});

describe('BUNDLE2 BUNDLE3 BUNDLE4 which version may follow', () => {
  it('BUNDLE2 a first version that names a predecessor, and a later one that names none', async () => {
    await expectRefused(await seal({ ...first, previous: 'a'.repeat(64) }), 'BUNDLE_MALFORMED', 0);
    await expectRefused(await seal({ ...first, version: 2 }), 'BUNDLE_MALFORMED', 0);
  });

  it('BUNDLE2 a node that holds none takes nothing but version 1', async () => {
    await expectRefused(await seal(nextBundle(first), [ada, bo]), 'BUNDLE_SKIPPED', 0);
  });

  it('BUNDLE3 BUNDLE4 versions come one after the other, also all at once', async () => {
    const second = nextBundle(first, { operators: [ada.operator, bo.operator] });
    const third = nextBundle(second, { quorum: 1 });
    const fourth = nextBundle(third);
    expect(await offer(await seal(first), await seal(second, [ada, bo]), await seal(third, [bo, ada]))).toBe(3);
    expect(await offer(await seal(fourth, [bo]))).toBe(4);
    // The same again changes nothing and is no fault.
    expect(await offer(await seal(fourth, [bo]))).toBe(4);
    expect(node.log()).not.toContain('refused');
    await restart();
    expect(await versionNow()).toBe(4);
  });

  it('BUNDLE4 an older version', async () => {
    const second = nextBundle(first);
    await offer(await seal(first), await seal(second, [ada, bo]));
    await expectRefused(await seal(first), 'BUNDLE_OLD', 2);
    await restart();
    await expectRefused(await seal(first), 'BUNDLE_OLD', 2);
  });

  it('BUNDLE4 a skipped version', async () => {
    const second = nextBundle(first);
    await offer(await seal(first));
    await expectRefused(await seal(nextBundle(second), [ada, bo]), 'BUNDLE_SKIPPED', 1);
  });

  it('BUNDLE4 another content of the same version: a fork', async () => {
    await offer(await seal(first));
    await expectRefused(await seal({ ...first, needs: { high: 0, rootShell: 0, shell: 0 } }), 'BUNDLE_FORKED', 1);
  });

  it('BUNDLE3 the successor of a fork', async () => {
    await offer(await seal(first));
    const fork = { ...first, issuedAt: 1 };
    const successor = nextBundle(fork);
    expect(successor.previous).toBe(bundleHash(fork));
    await expectRefused(await seal(successor, [ada, bo]), 'BUNDLE_FORKED', 1);
  });
});

describe('BUNDLE3 who has to approve a version', () => {
  let second: Bundle;
  beforeEach(async () => {
    second = nextBundle(first, { needs: { high: 0, rootShell: 0, shell: 0 } });
    await offer(await seal(first));
  });

  it('BUNDLE3 nobody: the authority alone', async () => {
    await expectRefused(await seal(second), 'BUNDLE_QUORUM', 1);
  });

  it('BUNDLE3 fewer owners than the quorum', async () => {
    await expectRefused(await seal(second, [ada]), 'BUNDLE_QUORUM', 1);
  });

  it('BUNDLE3 one owner twice', async () => {
    await expectRefused(await seal(second, [ada, ada]), 'APPROVAL_REPEATED', 1);
  });

  it('BUNDLE3 an owner with two keys is one owner', async () => {
    const spare = createPerson('Ada', true);
    const both = { ...ada.operator, credentials: [ada.passkey.credential, spare.passkey.credential] };
    const third = nextBundle(second, { needs: { high: 1, rootShell: 1, shell: 1 } });
    second = { ...second, operators: [both, bo.operator] };
    expect(await offer(await seal(second, [ada, bo]))).toBe(2);
    const next = { ...third, operators: second.operators, previous: bundleHash(second) };
    const signed = await seal(next, [ada]);
    const other = spare.passkey.approve(ada.operator.id, bundleChallenge(next));
    await expectRefused({ ...signed, approvals: [...signed.approvals, other] }, 'APPROVAL_REPEATED', 2);
  });

  it('BUNDLE3 somebody who is not an owner', async () => {
    await expectRefused(await seal(second, [ada, cy]), 'APPROVAL_OPERATOR', 1);
  });

  it('BUNDLE3 an owner of the new version only: nobody lets himself in', async () => {
    const eve = createPerson('Eve', true);
    const taken = nextBundle(first, { operators: [eve.operator, ada.operator], quorum: 1 });
    await expectRefused(await seal(taken, [eve, ada]), 'APPROVAL_OPERATOR', 1);
    const promoted = nextBundle(first, {
      operators: [ada.operator, bo.operator, { ...cy.operator, isOwner: true }],
    });
    await expectRefused(await seal(promoted, [ada, cy]), 'APPROVAL_OPERATOR', 1);
  });

  it('BUNDLE3 approvals of another version', async () => {
    const signed = await seal(second, [ada, bo]);
    const other = await seal({ ...second, quorum: 1 }, [ada, bo]);
    await expectRefused({ jws: other.jws, approvals: signed.approvals }, 'APPROVAL_CHALLENGE', 1);
  });

  it('BUNDLE3 approvals on a page of the new version only', async () => {
    const moved = nextBundle(first, { rpId: 'evil.example', origins: ['https://evil.example'] });
    const site = { rpId: 'evil.example', origin: 'https://evil.example' };
    const approvals = [ada, bo].map((person) => person.approve(bundleChallenge(moved), site));
    const { jws } = await seal(moved);
    await expectRefused({ jws, approvals }, 'APPROVAL_ORIGIN', 1);
    expect(SITE.rpId).not.toBe(site.rpId);
  });

  it.each([
    ['without a touch', { flags: 4 }, 'APPROVAL_PRESENCE'],
    ['without PIN or finger', { flags: 1 }, 'APPROVAL_PRESENCE'],
    ['in a frame of another site', { crossOrigin: true }, 'APPROVAL_ORIGIN'],
  ])('BUNDLE3 an approval %s', async (_attack, change, code) => {
    const { jws } = await seal(second);
    const challenge = bundleChallenge(second);
    await expectRefused({ jws, approvals: [ada.approve(challenge), bo.approve(challenge, change)] }, code, 1);
  });
});

describe('BUNDLE5 the bundle on disk', () => {
  const risky = () => node.actionOrder({ action: 'files.write-risky' });

  it('BUNDLE5 survives a kill right after it was told, and a left-over of a write that was cut off', async () => {
    link.send({ t: 'bundles', items: [await seal(first)] });
    await link.next('facts', ({ bundle }) => bundle === 1);
    await node.kill();
    writeFileSync(`${file()}.${process.pid}.tmp`, '{"v":1');
    await node.start();
    link = await node.connect();
    expect(await versionNow()).toBe(1);
    expect(await node.run(link, risky())).toMatchObject({ outcome: 'refused', code: 'APPROVAL_MISSING' });
  });

  it('BUNDLE5 where it cannot be written it does not count', async () => {
    symlinkSync('/nowhere/at/all', `${file()}.${node.child?.pid ?? 0}.tmp`);
    await expectRefused(await seal(first), 'FILE_FAILED', 0);
  });

  it.each([
    ['truncated', () => truncateSync(file(), 100)],
    ['empty', () => truncateSync(file(), 0)],
    ['not JSON', () => writeFileSync(file(), 'version = 1')],
    ['edited', () => writeFileSync(file(), readFileSync(file(), 'utf8').replace('"high":1', '"high":0'))],
    ['larger than any bundle', () => writeFileSync(file(), Buffer.alloc(2_000_000, 32))],
    [
      'a link to another file',
      () => {
        renameSync(file(), `${file()}.other`);
        symlinkSync(`${file()}.other`, file());
      },
    ],
  ])('BUNDLE5 a bundle file that is %s: dangerous orders are refused, others are not', async (_fault, damage) => {
    await offer(await seal(first));
    await node.kill();
    damage();
    await node.start();
    link = await node.connect();
    expect(node.log()).toContain('the policy bundle on disk is damaged');
    const approved = approveOrder(risky(), [ada, bo]);
    for (const order of [risky(), approved, node.shellOrder(), node.shellOrder({ user: 'daemon' })])
      expect(await node.run(link, order)).toMatchObject({ outcome: 'refused', code: 'BUNDLE_DAMAGED' });
    // A damaged file is no way back to version 1.
    link.send({ t: 'bundles', items: [await seal({ ...first, needs: { high: 0, rootShell: 0, shell: 0 } })] });
    expect(await node.run(link, risky())).toMatchObject({ outcome: 'refused', code: 'BUNDLE_DAMAGED' });
    expect(node.effects()).toEqual([]);
    expect(await node.run(link, { ...risky(), mode: 'plan' })).toMatchObject({ outcome: 'succeeded' });
    expect(await node.run(link, node.actionOrder())).toMatchObject({ outcome: 'succeeded' });
  });

  it('BUNDLE5 every flipped bit of the file is found', async () => {
    await offer(await seal(first));
    await node.kill();
    const bytes = readFileSync(file());
    const random = new SeededRandom(5);
    for (let round = 0; round < 12; round += 1) {
      const damaged = Buffer.from(bytes);
      const at = random.below(bytes.length - 1);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(7));
      writeFileSync(file(), damaged);
      await node.start();
      link = await node.connect();
      const receipt = await node.run(link, risky());
      expect(receipt, `byte ${at}`).toMatchObject({ outcome: 'refused', code: 'BUNDLE_DAMAGED' });
      link.close();
      await node.kill();
    }
  });

  it('BUNDLE5 a damaged file that a person took away is made anew from version 1', async () => {
    await offer(await seal(first));
    await node.kill();
    rmSync(file());
    await node.start();
    link = await node.connect();
    expect(await versionNow()).toBe(0);
    expect(await offer(await seal(first))).toBe(1);
  });
});
