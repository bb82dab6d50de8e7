import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedKeys, systemClock, verifyOrder } from '@hauban/link';
import type { ActionOrder, ShellOrder } from '@hauban/shared/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, type SignerClient } from './signer-client.ts';
import { runSigner } from './run-signer.ts';
import { createRateLimit, DEFAULT_SIGN_LIMITS, judgeOrder } from './sign-rules.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const log = createLog('silent');

function order(change: Partial<Record<keyof ActionOrder, unknown>> = {}): ActionOrder {
  const iat = Date.now();
  return {
    v: 1,
    id: randomUUID(),
    aud: randomUUID(),
    iss: randomUUID(),
    iat,
    exp: iat + 60_000,
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
    ...change,
  } as ActionOrder;
}

async function start(
  folder = mkdtempSync(join(tmpdir(), 'hauban-signer-')),
): Promise<{ client: SignerClient; folder: string; socketPath: string; stop: () => Promise<void> }> {
  const settings = { socketPath: join(folder, 'run/signer.sock'), keyDir: join(folder, 'keys') };
  const signer = await runSigner(settings, systemClock, log);
  const client = createSignerClient(settings.socketPath, systemClock);
  cleanUps.push(
    () => rmSync(folder, { recursive: true, force: true }),
    () => signer.stop(),
    () => client.close(),
  );
  return { client, folder, socketPath: settings.socketPath, stop: () => signer.stop() };
}

describe('signer', () => {
  it('signs a well-formed order with a key that only it holds and that stays the same', async () => {
    const first = await start();
    expect(statSync(join(first.folder, 'keys/authority-key.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(first.folder, 'keys')).mode & 0o777).toBe(0o700);
    const keys = await first.client.keys();
    const wanted = order();
    const verified = await verifyOrder(await first.client.sign(wanted), pinnedKeys(keys));
    expect(verified).toMatchObject({ ok: true, value: wanted });
    await first.stop();
    const second = await start(first.folder);
    expect(await second.client.keys()).toEqual(keys);
  });

  it.each<[string, Partial<Record<keyof ActionOrder, unknown>>, string]>([
    ['an extra field', { ['evil' as never]: 1 }, 'ORDER_MALFORMED'],
    ['another kind', { kind: 'policy' }, 'ORDER_MALFORMED'],
    ['a lifetime of a day', { exp: Date.now() + 86_400_000 }, 'ORDER_MALFORMED'],
    ['a date in the future', { iat: Date.now() + 120_000, exp: Date.now() + 180_000 }, 'ORDER_NOT_YET_VALID'],
    ['a back date', { iat: Date.now() - 120_000, exp: Date.now() + 10_000 }, 'ORDER_EXPIRED'],
    ['an expiry before its issue', { exp: 1 }, 'ORDER_EXPIRED'],
  ])('a controller that was taken over cannot have an order with %s signed', async (_name, change, code) => {
    const { client } = await start();
    await expect(client.sign(order(change))).rejects.toMatchObject({ code });
    await expect(client.sign(order())).resolves.toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('a shell permit lives a minute and a shell a day at most', () => {
    const now = Date.now();
    const { action: _a, actionVersion: _v, mode: _m, args: _g, planHash: _p, ...base } = order();
    const shell = (change: Partial<ShellOrder>): unknown => ({
      ...base,
      kind: 'shell',
      session: randomUUID(),
      user: 'root',
      columns: 80,
      rows: 24,
      endsAt: now + 3_600_000,
      ...change,
    });
    const judge = (change: Partial<ShellOrder>): boolean => judgeOrder(shell(change), now, DEFAULT_SIGN_LIMITS).ok;
    expect(judge({})).toBe(true);
    expect(judge({ exp: base.iat + 61_000 })).toBe(false);
    expect(judge({ endsAt: now + 25 * 3_600_000 })).toBe(false);
    expect(judge({ endsAt: now - 1 })).toBe(false);
    expect(judge({ user: 'root; reboot' })).toBe(false);
  });

  it('a flood of orders is refused once the burst is used up, and taken again later', () => {
    const rate = createRateLimit({ burst: 3, perSecond: 2 });
    expect([0, 0, 0, 0].map((at) => rate.take(at))).toEqual([true, true, true, false]);
    expect(rate.take(400)).toBe(false);
    expect(rate.take(1000)).toBe(true);
  });

  it('garbage on the socket closes that connection and nothing else', async () => {
    const { client, socketPath } = await start();
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0, 0, 0, 2, 1, 0x7b, 0x7d]),
      Buffer.alloc(70_000, 255),
    ]) {
      const socket = connect(socketPath);
      socket.on('error', (error) => void error);
      socket.write(bytes);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await expect(client.keys()).resolves.toHaveLength(1);
  });

  it('a signer that is gone is UNAVAILABLE at once, and asked again when it is back', async () => {
    const first = await start();
    await first.client.keys();
    await first.stop();
    await expect(first.client.sign(order())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await start(first.folder);
    await expect(first.client.sign(order())).resolves.toMatch(/\./);
  });

  it('a second signer on the same socket, a file in its place and a key that others may read are refused', async () => {
    const { folder, socketPath } = await start();
    await expect(runSigner({ socketPath, keyDir: join(folder, 'keys') }, systemClock, log)).rejects.toMatchObject({
      code: 'DATA_IN_USE',
    });
    const other = mkdtempSync(join(tmpdir(), 'hauban-signer-'));
    cleanUps.push(() => rmSync(other, { recursive: true, force: true }));
    writeFileSync(join(other, 'signer.sock'), 'x');
    await expect(
      runSigner({ socketPath: join(other, 'signer.sock'), keyDir: other }, systemClock, log),
    ).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    writeFileSync(join(other, 'authority-key.json'), '{}', { mode: 0o644 });
    await expect(
      runSigner({ socketPath: join(other, 'other.sock'), keyDir: other }, systemClock, log),
    ).rejects.toMatchObject({ code: 'CONFIG_BAD' });
  });
});
