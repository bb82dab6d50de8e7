import { randomUUID } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyThumbprint, pinnedKeys, systemClock, verifyOrder } from '@hauban/link';
import type { ActionOrder } from '@hauban/shared/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../runtime/index.ts';
import { runSigner } from './run-signer.ts';
import { createSignerClient } from './signer-client.ts';
import {
  createSoftToken,
  hasSoftHsm,
  SOFT_TOKEN_MODULE,
  SOFT_TOKEN_PIN,
  type SoftToken,
} from '../../../../test/support/soft-token.ts';
import { openToken, type TokenSettings } from './token-key.ts';

let made: SoftToken | null = null;
let folder: string;
let settings: TokenSettings;

beforeAll(() => {
  if (!hasSoftHsm) return;
  made = createSoftToken();
  ({ folder, settings } = made);
});
afterAll(() => made?.remove());

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function order(): ActionOrder {
  const iat = Date.now();
  return {
    v: 1,
    id: randomUUID(),
    aud: randomUUID(),
    iss: randomUUID(),
    iat,
    exp: iat + 60_000,
    requester: { id: 'p1', name: 'ann', via: 'api' },
    reason: 'größer',
    approvals: [],
    approved: null,
    kind: 'action',
    action: 'node.ping',
    actionVersion: 1,
    mode: 'apply',
    args: {},
    planHash: null,
  };
}

describe.skipIf(!hasSoftHsm)('a key on a token (SoftHSM; package softhsm2)', () => {
  it("signs orders that nodes believe, stays the same, and never lies in the signer's folder", async () => {
    const keyDir = join(folder, 'keys');
    const socketPath = join(folder, 'signer.sock');
    const passphrase = { credential: null, file: null };
    const start = async () => {
      const signer = await runSigner(
        { socketPath, keyDir, passphrase, token: settings },
        systemClock,
        createLog('silent'),
      );
      const client = createSignerClient(socketPath, systemClock);
      return { client, stop: async () => (client.close(), await signer.stop()) };
    };
    const first = await start();
    const keys = await first.client.keys();
    const wanted = order();
    expect(await verifyOrder(await first.client.sign(wanted), pinnedKeys(keys.authorityKeys))).toMatchObject({
      ok: true,
      value: wanted,
    });
    await first.stop();
    expect(readdirSync(keyDir)).toEqual(['bundles', 'steps']);
    const second = await start();
    cleanUps.push(() => second.stop());
    expect(await second.client.keys()).toEqual(keys);
  });

  it('KEYS13 the next key is made on the token too, and the one before it is removed there when its time is over', async () => {
    const keyDir = join(folder, 'rotated');
    const socketPath = join(folder, 'rotated.sock');
    const passphrase = { credential: null, file: null };
    const signer = await runSigner(
      { socketPath, keyDir, passphrase, token: settings },
      systemClock,
      createLog('silent'),
    );
    const client = createSignerClient(socketPath, systemClock);
    const step = await client.draftStep(randomUUID(), 0);
    await client.signStep(step, []);
    const next = pinnedKeys([{ kid: keyThumbprint(step.next) ?? '', key: step.next }]);
    expect(await verifyOrder(await client.sign(order()), next)).toMatchObject({ ok: true });
    client.close();
    await signer.stop();
    const keys = await openToken(settings);
    cleanUps.push(() => {
      keys.destroy(1);
      keys.destroy(2);
      keys.close();
    });
    expect(keys.open(2).publicText).toBe(step.next);
    // Made anew: the one that was there is gone.
    expect(keys.open(1).publicText).not.toBe(step.before);
  });

  it('its private half cannot be taken off the token', async () => {
    const keys = await openToken(settings);
    keys.open(1);
    keys.close();
    const { default: binding } = await import('pkcs11js');
    const token = new binding.PKCS11();
    token.load(SOFT_TOKEN_MODULE);
    token.C_Initialize();
    cleanUps.push(() => token.C_Finalize());
    const slot = token.C_GetSlotList(true).find((one) => token.C_GetTokenInfo(one).label.trim() === 'hauban');
    const session = token.C_OpenSession(slot ?? Buffer.alloc(0), binding.CKF_SERIAL_SESSION);
    token.C_Login(session, binding.CKU_USER, SOFT_TOKEN_PIN);
    token.C_FindObjectsInit(session, [{ type: binding.CKA_CLASS, value: binding.CKO_PRIVATE_KEY }]);
    const [privateKey, ...others] = token.C_FindObjects(session, 5);
    expect(others).toEqual([]);
    const read = () => token.C_GetAttributeValue(session, privateKey ?? Buffer.alloc(0), [{ type: binding.CKA_VALUE }]);
    expect(read).toThrow('CKR_ATTRIBUTE_SENSITIVE');
  });

  it('a wrong SOFT_TOKEN_PIN, a PIN file that others may read, another token and no library are refused in one sentence', async () => {
    const wrong = join(folder, 'wrong-pin');
    writeFileSync(wrong, '00000000', { mode: 0o600 });
    const open = join(folder, 'open-pin');
    writeFileSync(open, SOFT_TOKEN_PIN);
    chmodSync(open, 0o644);
    for (const [change, says] of [
      [{ pinFile: wrong }, 'CKR_PIN_INCORRECT'],
      [{ pinFile: open }, 'may be read by others'],
      [{ pinFile: join(folder, 'none') }, 'There is no PIN file'],
      [{ tokenLabel: 'other' }, 'no token with the label "other"'],
      [{ module: join(folder, 'none.so') }, 'cannot be used'],
    ] as const)
      await expect(openToken({ ...settings, ...change })).rejects.toMatchObject({
        code: 'CONFIG_BAD',
        detail: expect.stringContaining(says) as string,
      });
    expect(readFileSync(settings.pinFile, 'utf8')).toBe(`${SOFT_TOKEN_PIN}\n`);
    (await openToken(settings)).close();
  });
});
