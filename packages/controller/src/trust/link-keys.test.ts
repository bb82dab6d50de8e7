import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyPair, followLinkItems, linkStepHash, pinnedKeys, verifyJws } from '@hauban/link';
import { LINK_STEP_TYPE, type LinkStep } from '@hauban/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLinkKeyWorld, type LinkKeyWorld } from '../../../../test/support/link-key-world.ts';
import { rotateLinkKeyHere, type LinkKeyMachine } from '../compose-link-keys.ts';
import type { LinkKeyFolder } from '../enrolment/link-key-folder.ts';
import { allowLinkStep, type SignerClient } from '../signer/index.ts';
import { createLinkKeysRepository } from './link-keys.repository.ts';
import { LinkKeysService } from './link-keys.service.ts';

const HOUR_MS = 3_600_000;
let world: LinkKeyWorld;
let database: LinkKeyWorld['database'];
let folder: LinkKeyFolder;
let signer: SignerClient;
let controllerId: string;

beforeEach(async () => {
  world = await createLinkKeyWorld();
  ({ database, folder, signer } = world);
  ({ controllerId } = await identity());
});
afterEach(async () => {
  await world.stop();
});

const identity = async () => world.identity();
const keyFile = (): string => readFileSync(join(world.root, 'controller', 'link-key.json'), 'utf8');
const machine = async (change: Partial<LinkKeyMachine> = {}): Promise<LinkKeyMachine> => ({
  database,
  identity: await identity(),
  folder,
  signer,
  signerDir: world.signerDir,
  ...change,
});
const serviceOf = async (): Promise<LinkKeysService> =>
  new LinkKeysService({
    repository: createLinkKeysRepository(database),
    identity: await identity(),
    loadKey: folder.find,
    log: world.log,
  });

/** What a taken-over controller would have signed. */
const stepTo = async (next: string, change: Partial<LinkStep> = {}): Promise<LinkStep> => ({
  v: 1,
  is: 'hauban-link-step',
  controller: controllerId,
  version: 2,
  previous: null,
  before: (await identity()).key.publicText,
  next,
  authority: 1,
  issuedAt: Date.now(),
  retireAt: Date.now() + HOUR_MS,
  ...change,
});

describe('rotation of the link key', () => {
  it('is taken up by a controller that runs, and gives nodes the way from each former key', async () => {
    const running = await serviceOf();
    const [first, node] = [running.identity.key.publicText, (await signer.keys()).authorityKeys];
    for (const version of [2, 3]) {
      expect(await rotateLinkKeyHere(await machine(), HOUR_MS)).toMatchObject({ version });
      expect(await running.refresh()).toBe(true);
      expect(running.identity.key.publicText).toBe(folder.current().publicText);
      expect(running.state([])).toMatchObject({ version, since: expect.any(Number) });
    }
    const items = running.after(first, { after: () => [] });
    const chain = { controllerId, root: first, steps: [], authority: { root: node, steps: [] }, obeyed: 1 };
    const followed = await followLinkItems(items, chain);
    expect(followed).toMatchObject({ ok: true, chain: { steps: [{}, { next: folder.current().publicText }] } });
    expect(running.after(folder.current().publicText, { after: () => [] })).toEqual([]);
    expect(running.after(createKeyPair().publicText, { after: () => [] })).toEqual([]);
    // One started anew says the same.
    const anew = await serviceOf();
    await anew.refresh();
    expect(anew.after(first, { after: () => [] })).toEqual(items);
    const [{ code } = { code: '' }] = await world.fixture.sql`SELECT code FROM audit_entry ORDER BY seq DESC LIMIT 1`;
    expect(code).toBe('A7020W');
  });

  it.each(['the signature', 'the commit'])('that is killed after %s leaves exactly one key in use', async (death) => {
    const before = (await identity()).key.publicText;
    const dying: LinkKeyFolder = {
      ...folder,
      adoptNext: () => {
        throw new Error('killed');
      },
    };
    const deadSigner: SignerClient = {
      ...signer,
      signLinkStep: (step) => signer.signLinkStep(step).then(() => Promise.reject(new Error('killed'))),
    };
    const change = death === 'the commit' ? { folder: dying } : { signer: deadSigner };
    await expect(rotateLinkKeyHere(await machine(change), HOUR_MS)).rejects.toThrow('killed');
    const after = (await identity()).key.publicText;
    expect(after === before).toBe(death === 'the signature');
    // As the next start does.
    if (after !== folder.current().publicText) folder.adoptNext();
    expect(folder.current().publicText).toBe(after);
    expect(await rotateLinkKeyHere(await machine(), 0)).toMatchObject({ version: death === 'the commit' ? 3 : 2 });
    expect((await identity()).key.publicText).not.toBe(after);
  });

  it('of two at once brings one into force', async () => {
    // Both have seen the key of before: one after the other would be two rotations.
    const machines = await Promise.all([machine(), machine()]);
    const both = await Promise.allSettled(machines.map(async (one) => rotateLinkKeyHere(one, 0)));
    expect(both.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    const [{ count } = { count: 0 }] = await world.fixture.sql`SELECT count(*)::int AS count FROM link_step`;
    expect(count).toBe(both.filter(({ status }) => status === 'fulfilled').length);
    const { key } = await identity();
    expect(folder.find(key.publicText)).not.toBeNull();
  });

  it('KEYS24 a taken-over controller has no link key signed for: root of the signer’s machine has not allowed it', async () => {
    const own = createKeyPair().publicText;
    const step = await stepTo(own);
    await expect(signer.signLinkStep(step)).rejects.toMatchObject({ code: 'LINK_STEP_NOT_ALLOWED' });
    // Nor in place of the one that was allowed, nor a second time.
    const allowed = await stepTo(createKeyPair().publicText);
    allowLinkStep(world.signerDir, linkStepHash(allowed));
    await expect(signer.signLinkStep(step)).rejects.toMatchObject({ code: 'LINK_STEP_NOT_ALLOWED' });
    const jws = await signer.signLinkStep(allowed);
    const { authorityKeys } = await signer.keys();
    expect(await verifyJws(jws, { typ: LINK_STEP_TYPE }, pinnedKeys(authorityKeys))).toMatchObject({ ok: true });
    await expect(signer.signLinkStep(allowed)).rejects.toMatchObject({ code: 'LINK_STEP_NOT_ALLOWED' });
    expect(existsSync(join(world.signerDir, 'link-step.allowed'))).toBe(false);
  });

  it.each<[string, string, Partial<LinkStep>]>([
    ['of last week', 'LINK_STEP_MALFORMED', { issuedAt: Date.now() - 7 * 86_400_000 }],
    ['with the old key taken for ever', 'LINK_STEP_MALFORMED', { retireAt: Date.now() + 31 * 86_400_000 }],
    ['by another authority key', 'LINK_STEP_AUTHORITY', { authority: 2 }],
  ])('KEYS24 a step %s is not signed, though it is allowed', async (_name, code, change) => {
    const step = await stepTo(createKeyPair().publicText, change);
    allowLinkStep(world.signerDir, linkStepHash(step));
    await expect(signer.signLinkStep(step)).rejects.toMatchObject({ code });
  });

  it('without the right to write into the signer’s folder says so, and changes nothing', async () => {
    const before = keyFile();
    const elsewhere = join(world.root, 'nowhere');
    await expect(rotateLinkKeyHere(await machine({ signerDir: elsewhere }), 0)).rejects.toMatchObject({
      code: 'CONFIG_BAD',
    });
    expect(keyFile()).toBe(before);
  });
});
