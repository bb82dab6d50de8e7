import { randomUUID } from 'node:crypto';
import { bundleHash, createKeyPair, parseBundle, verifyNextBundle } from '@hauban/link';
import type { Bundle } from '@hauban/shared/protocol';
import { describe, expect, it } from 'vitest';
import { createPerson, firstBundle, nextBundle, sealBundle, type Person } from '../support/approving-people.ts';

const authority = createKeyPair();
const controllerId = randomUUID();
const kid = 'authority-1';
const trust = { authorityKeys: new Map([[kid, authority.publicKey]]), controllerId };
const [ada, bo, cy] = [createPerson('Ada', true), createPerson('Bo', true, -8), createPerson('Cy', false)];
const first = firstBundle(controllerId, [ada, bo, cy]);

/** What the rules alone say, with no node around them. */
async function offer(next: Bundle, current: Bundle | null, approvers: readonly Person[] = []): Promise<string> {
  const verdict = await verifyNextBundle(await sealBundle(next, { authority, kid }, approvers), current, trust);
  return verdict.ok ? `version ${verdict.bundle.version}${verdict.isNew ? '' : ' again'}` : verdict.code;
}

describe('a version of the policy bundle', () => {
  it('BUNDLE1 is taken as the first, again, and as the next one with enough owners', async () => {
    const second = nextBundle(first);
    expect(await offer(first, null)).toBe('version 1');
    expect(await offer(first, first)).toBe('version 1 again');
    expect(await offer(second, first, [ada, bo])).toBe('version 2');
  });

  it('BUNDLE1 that is of another shape is refused by its shape, under a right signature', async () => {
    expect(await offer({ ...first, quorum: 0 }, null)).toBe('BUNDLE_MALFORMED');
    expect(parseBundle(null)).toMatchObject({ ok: false });
  });

  it('BUNDLE1 that another key signed is refused by its signature', async () => {
    const forged = await sealBundle(first, { authority: createKeyPair(), kid });
    expect(await verifyNextBundle(forged, null, trust)).toMatchObject({ ok: false, code: 'BUNDLE_SIGNATURE' });
  });

  it('BUNDLE1 of another controller is refused', async () => {
    expect(await offer({ ...first, controller: randomUUID() }, null)).toBe('BUNDLE_CONTROLLER');
  });

  it('BUNDLE1 that lists somebody or a key twice is refused', () => {
    const own = ada.passkey.credential;
    const bos = (change: object): readonly object[] => [ada.operator, { ...bo.operator, ...change }];
    for (const operators of [
      bos({ id: ada.operator.id }),
      bos({ credentials: [{ ...bo.passkey.credential, id: own.id }] }),
      bos({ credentials: [{ ...own, id: bo.passkey.credential.id }] }),
    ])
      expect(parseBundle({ ...first, operators }).ok).toBe(false);
    expect(parseBundle({ ...first, operators: bos({}) }).ok).toBe(true);
  });

  it('BUNDLE2 names a predecessor exactly when it is not the first', () => {
    expect(parseBundle({ ...first, previous: 'a'.repeat(64) }).ok).toBe(false);
    expect(parseBundle({ ...first, version: 2 }).ok).toBe(false);
  });

  it('BUNDLE4 that goes back, stands still or jumps is refused, though it names what is held and owners approve it', async () => {
    const third = { ...nextBundle(nextBundle(first)) };
    const over = (version: number): Bundle => ({ ...third, version, previous: bundleHash(third), quorum: 1 });
    expect(await offer(over(2), third, [ada, bo])).toBe('BUNDLE_OLD');
    expect(await offer(over(3), third, [ada, bo])).toBe('BUNDLE_FORKED');
    expect(await offer(over(5), third, [ada, bo])).toBe('BUNDLE_SKIPPED');
    expect(await offer(over(4), third, [ada, bo])).toBe('version 4');
  });

  it('BUNDLE3 over another content than the one that is held is refused', async () => {
    const fork = nextBundle({ ...first, quorum: 1 });
    expect(await offer(fork, first, [ada, bo])).toBe('BUNDLE_FORKED');
  });

  it('BUNDLE3 that one owner, one owner twice, or somebody who is no owner approves is refused', async () => {
    const second = nextBundle(first);
    expect(await offer(second, first, [])).toBe('BUNDLE_QUORUM');
    expect(await offer(second, first, [ada])).toBe('BUNDLE_QUORUM');
    expect(await offer(second, first, [ada, ada])).toBe('APPROVAL_REPEATED');
    expect(await offer(second, first, [ada, cy])).toBe('APPROVAL_OPERATOR');
    expect(await offer(second, first, [ada, bo, cy])).toBe('APPROVAL_OPERATOR');
  });
});
