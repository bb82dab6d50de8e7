import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, signJws } from '@hauban/link';
import { LINK_STEP_TYPE } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLinkKeyWorld, type LinkKeyWorld } from '../../../../test/support/link-key-world.ts';
import { rotateLinkKeyHere } from '../compose-link-keys.ts';
import type { SignerClient } from '../signer/index.ts';

const HOUR_MS = 3_600_000;
let world: LinkKeyWorld;
let folder: LinkKeyWorld['folder'];
let signer: SignerClient;

beforeEach(async () => {
  world = await createLinkKeyWorld();
  ({ folder, signer } = world);
});
afterEach(async () => {
  await world.stop();
});

/** As the command does it, with a signer that somebody has changed. */
async function rotateWith(change: Partial<SignerClient>): Promise<unknown> {
  const { database, signerDir } = world;
  const identity = await world.identity();
  return rotateLinkKeyHere({ database, identity, folder, signer: { ...signer, ...change }, signerDir }, HOUR_MS);
}

describe('a new link key is not brought into force', () => {
  it('when the way to the authority key that signs it is that of another fleet', async () => {
    await signer.signStep(await signer.draftStep(randomUUID(), 0), []);
    const before = folder.current().publicText;
    await expect(rotateWith({})).rejects.toMatchObject({ code: 'AUTHORITY_CONTROLLER' });
    expect(folder.current().publicText).toBe(before);
  });

  it('when another key than the authority has signed it, which every node would refuse', async () => {
    const stranger = createKeyPair();
    const kid = keyThumbprint(stranger.publicText) ?? '';
    const before = folder.current().publicText;
    const signLinkStep: SignerClient['signLinkStep'] = (step) => signJws(step, stranger, { typ: LINK_STEP_TYPE, kid });
    await expect(rotateWith({ signLinkStep })).rejects.toMatchObject({ code: 'LINK_STEP_SIGNATURE' });
    expect(folder.current().publicText).toBe(before);
    expect(await world.fixture.sql`SELECT * FROM link_step`).toEqual([]);
  });
});
