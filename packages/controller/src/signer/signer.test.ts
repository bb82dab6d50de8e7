import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, keyPairToJwk, keyThumbprint, pinnedKeys, systemClock, verifyOrder } from '@hauban/link';
import { ACTIONS } from '@hauban/shared/actions';
import type { ActionOrder, AuthorityStep, ShellOrder } from '@hauban/shared/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, type SignerClient } from './signer-client.ts';
import { runSigner } from './run-signer.ts';
import { openSealedKey, sealKey } from './key-seal.ts';
import { loadAuthorityKey, loadPassphrase, type PassphraseFiles } from './load-authority-key.ts';
import { createRateLimit, DEFAULT_SIGN_LIMITS, judgeOrder } from './sign-rules.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

const log = createLog('silent');
const NO_PASSPHRASE: PassphraseFiles = { credential: null, file: null };
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-signer-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

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
  const settings = {
    socketPath: join(folder, 'run/signer.sock'),
    keyDir: join(folder, 'keys'),
    passphrase: NO_PASSPHRASE,
  };
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
    const verified = await verifyOrder(await first.client.sign(wanted), pinnedKeys(keys.authorityKeys));
    expect(verified).toMatchObject({ ok: true, value: wanted });
    await first.stop();
    const second = await start(first.folder);
    expect(await second.client.keys()).toEqual(keys);
  });

  it.each<[string, Partial<Record<keyof ActionOrder, unknown>>, string]>([
    ['an extra field', { ['evil' as never]: 1 }, 'ORDER_MALFORMED'],
    ['another kind', { kind: 'policy' }, 'ORDER_MALFORMED'],
    ['a lifetime of a day', { exp: Date.now() + 86_400_000 }, 'ORDER_MALFORMED'],
    ['the life of a queued run that nobody queued', { exp: Date.now() + 120_000 }, 'ORDER_MALFORMED'],
    ['an action that does not exist', { action: 'rm.rf' }, 'ACTION_UNKNOWN'],
    ['an action by a name of the language', { action: 'to.string' }, 'ACTION_UNKNOWN'],
    ['another version of an action', { actionVersion: 2 }, 'ACTION_UNKNOWN'],
    ['an argument that the action does not have', { args: { command: 'id' } }, 'ACTION_ARGUMENTS'],
    [
      'an argument that the schema refuses',
      { action: 'firewall.ban', args: { targets: ['0/0;id'] } },
      'ACTION_ARGUMENTS',
    ],
    ['approvals that nothing can check', { approved: { run: randomUUID(), targets: [] } }, 'ORDER_MALFORMED'],
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
    const ground = {
      nowMs: now,
      limits: DEFAULT_SIGN_LIMITS,
      bundle: null,
      leavers: { has: () => false },
      actions: ACTIONS,
      place: null,
    };
    const judge = (change: Partial<ShellOrder>, isQueued = false): boolean =>
      judgeOrder(shell(change), { ...ground, isQueued }).ok;
    expect(judge({})).toBe(true);
    expect(judge({ exp: base.iat + 61_000 })).toBe(false);
    expect(judge({ exp: base.iat + 61_000 }, true)).toBe(false);
    expect(judge({ endsAt: now + 25 * 3_600_000 })).toBe(false);
    expect(judge({ endsAt: now - 1 })).toBe(false);
    expect(judge({ user: 'root; reboot' })).toBe(false);
  });

  it('a queued run may live twelve hours, and no longer', async () => {
    const { client } = await start();
    const iat = Date.now();
    await expect(client.sign(order({ iat, exp: iat + 12 * 3_600_000 }), 'queued')).resolves.toMatch(/\./);
    await expect(client.sign(order({ iat, exp: iat + 12 * 3_600_000 + 1 }), 'queued')).rejects.toMatchObject({
      code: 'ORDER_MALFORMED',
    });
  });

  it('a flood of orders is refused once the burst is used up, and taken again later', () => {
    const rate = createRateLimit();
    const limits = { burst: 3, perSecond: 2 };
    expect([0, 0, 0, 0].map((at) => rate.take(at, limits))).toEqual([true, true, true, false]);
    expect(rate.take(400, limits)).toBe(false);
    expect(rate.take(1000, limits)).toBe(true);
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
    expect((await client.keys()).authorityKeys).toHaveLength(1);
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
    await expect(
      runSigner({ socketPath, keyDir: join(folder, 'keys'), passphrase: NO_PASSPHRASE }, systemClock, log),
    ).rejects.toMatchObject({
      code: 'DATA_IN_USE',
    });
    const other = mkdtempSync(join(tmpdir(), 'hauban-signer-'));
    cleanUps.push(() => rmSync(other, { recursive: true, force: true }));
    writeFileSync(join(other, 'signer.sock'), 'x');
    await expect(
      runSigner({ socketPath: join(other, 'signer.sock'), keyDir: other, passphrase: NO_PASSPHRASE }, systemClock, log),
    ).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    writeFileSync(join(other, 'authority-key.json'), '{}', { mode: 0o644 });
    await expect(
      runSigner({ socketPath: join(other, 'other.sock'), keyDir: other, passphrase: NO_PASSPHRASE }, systemClock, log),
    ).rejects.toMatchObject({ code: 'CONFIG_BAD' });
  });
});

describe('the key file', () => {
  const PASSPHRASE = 'a long passphrase of the tests';

  function passphraseFile(folder: string, content = `${PASSPHRASE}\n`): string {
    const file = join(folder, 'passphrase');
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  it('sealed: whoever copies it has nothing without the passphrase, and its own text betrays nothing', () => {
    const pair = createKeyPair();
    const sealed = sealKey(pair, PASSPHRASE);
    const { d } = JSON.parse(keyPairToJwk(pair)) as { readonly d: string };
    expect(sealed).not.toContain(d);
    expect(openSealedKey(sealed, PASSPHRASE)).toMatchObject({ ok: true, value: { publicText: pair.publicText } });
    expect(openSealedKey(sealed, `${PASSPHRASE}!`).ok).toBe(false);
    expect(sealKey(pair, PASSPHRASE)).not.toBe(sealed);
  });

  it('altered in any field: it does not open, and a cheaper derivation cannot be written into it', () => {
    const sealed = JSON.parse(sealKey(createKeyPair(), PASSPHRASE)) as Record<string, unknown>;
    const flip = (text: string): string => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`);
    for (const name of ['salt', 'iv', 'tag', 'data']) {
      const changed = { ...sealed, [name]: flip(String(sealed[name])) };
      expect(openSealedKey(JSON.stringify(changed), PASSPHRASE).ok, name).toBe(false);
    }
    for (const change of [{ logN: 4 }, { logN: 17 }, { logN: 40 }, { r: 1 }, { p: 0 }, { tag: 'AAAA' }, { v: 2 }])
      expect(openSealedKey(JSON.stringify({ ...sealed, ...change }), PASSPHRASE).ok).toBe(false);
  });

  it('plain until now: sealed with the first start that has a passphrase, and never opened without it again', () => {
    const folder = newFolder();
    const path = join(folder, 'authority-key.json');
    const plain = loadAuthorityKey(join(folder, 'authority-key.json'), null, log);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('d');
    const passphrase = loadPassphrase({ credential: null, file: passphraseFile(folder) });
    expect(loadAuthorityKey(join(folder, 'authority-key.json'), passphrase, log).publicText).toBe(plain.publicText);
    expect(JSON.parse(readFileSync(path, 'utf8'))).not.toHaveProperty('d');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadAuthorityKey(join(folder, 'authority-key.json'), passphrase, log).publicText).toBe(plain.publicText);
    expect(() => loadAuthorityKey(join(folder, 'authority-key.json'), null, log)).toThrow('is sealed');
    expect(() => loadAuthorityKey(join(folder, 'authority-key.json'), 'another long passphrase', log)).toThrow(
      'not the right one',
    );
  });

  it('a passphrase comes from systemd before the named file; one that is missing, short or open to others is refused', () => {
    const folder = newFolder();
    const file = passphraseFile(folder);
    const credential = join(folder, 'hauban-signer-passphrase');
    expect(loadPassphrase({ credential, file })).toBe(PASSPHRASE);
    writeFileSync(credential, 'from systemd, and longer', { mode: 0o440 });
    expect(loadPassphrase({ credential, file })).toBe('from systemd, and longer');
    expect(loadPassphrase({ credential: null, file: null })).toBeNull();
    expect(() => loadPassphrase({ credential: null, file: join(folder, 'none') })).toThrow('there is no file');
    chmodSync(file, 0o644);
    expect(() => loadPassphrase({ credential: null, file })).toThrow('may be read by others');
    chmodSync(file, 0o600);
    writeFileSync(file, 'short');
    expect(() => loadPassphrase({ credential: null, file })).toThrow('shorter than');
  });

  it('a bundle file that is missing in between or damaged keeps the signer from starting', async () => {
    const folder = newFolder();
    const settings = {
      socketPath: join(folder, 's.sock'),
      keyDir: join(folder, 'keys'),
      passphrase: NO_PASSPHRASE,
    };
    const bundles = join(folder, 'keys/bundles');
    mkdirSync(bundles, { recursive: true });
    for (const [name, content] of [
      ['000002.json', '{}'],
      ['000001.json', 'half a fi'],
    ] as const) {
      writeFileSync(join(bundles, name), content);
      await expect(runSigner(settings, systemClock, log)).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    }
  });
});

describe('a new authority key', () => {
  const controller = randomUUID();
  const HOUR_MS = 3_600_000;

  it('KEYS13 is made by the signer and signed for by both; orders move over to it at half time; the old one ends', async () => {
    const running = await start();
    const { client } = running;
    const [root] = (await client.keys()).authorityKeys;
    const step = await client.draftStep(controller, HOUR_MS);
    expect(step).toMatchObject({ version: 2, previous: null, before: root?.key, bundle: 0, controller });
    const signed = await client.signStep(step, []);
    expect(await client.signStep(step, [])).toEqual(signed);
    expect(await client.keys()).toEqual({ authorityKeys: [root], authoritySteps: [signed] });
    expect(await client.step(2)).toEqual(signed);
    expect(await client.step(3)).toBeNull();
    const keys = pinnedKeys(root === undefined ? [] : [root]);
    expect(await verifyOrder(await client.sign(order()), keys)).toMatchObject({ ok: true });
    expect(statSync(join(running.folder, 'keys/authority-key-2.json')).mode & 0o777).toBe(0o600);
    await running.stop();
    // Without overlap, the next one is used at once; private halves of keys that are over are gone.
    const again = await start(running.folder);
    const now = await again.client.draftStep(controller, 0);
    await again.client.signStep(now, []);
    const third = pinnedKeys([{ kid: keyThumbprint(now.next) ?? '', key: now.next }]);
    expect(await verifyOrder(await again.client.sign(order()), third)).toMatchObject({ ok: true });
    const files = readdirSync(join(running.folder, 'keys')).filter((name) => name.startsWith('authority-key'));
    expect(files).toEqual(['authority-key-3.json']);
    await again.stop();
    const after = await start(running.folder);
    expect((await after.client.keys()).authoritySteps).toHaveLength(2);
    expect(await verifyOrder(await after.client.sign(order()), third)).toMatchObject({ ok: true });
  });

  it.each<[string, (step: AuthorityStep) => AuthorityStep, string]>([
    ['to a key of its own', (step) => ({ ...step, next: createKeyPair().publicText }), 'AUTHORITY_FORKED'],
    ['over another key', (step) => ({ ...step, before: createKeyPair().publicText }), 'AUTHORITY_FORKED'],
    ['of a later version', (step) => ({ ...step, version: 3 }), 'AUTHORITY_SKIPPED'],
    ['of another bundle', (step) => ({ ...step, bundle: 1 }), 'AUTHORITY_SKIPPED'],
    [
      'with an overlap of years',
      (step) => ({ ...step, retireAt: step.issuedAt + 99_999 * HOUR_MS }),
      'AUTHORITY_MALFORMED',
    ],
    ['from last month', (step) => ({ ...step, issuedAt: step.issuedAt - 800 * HOUR_MS }), 'AUTHORITY_STALE'],
    ['with a field too many', (step) => ({ ...step, more: 1 }) as AuthorityStep, 'AUTHORITY_MALFORMED'],
  ])('KEYS13 a taken-over controller cannot have a step signed %s', async (_attack, change, code) => {
    const { client } = await start();
    const step = await client.draftStep(controller, HOUR_MS);
    await expect(client.signStep(change(step), [])).rejects.toMatchObject({ code });
    expect((await client.keys()).authoritySteps).toEqual([]);
  });

  it('KEYS13 a taken-over controller cannot move the fleet to another one', async () => {
    const { client } = await start();
    await client.signStep(await client.draftStep(controller, 0), []);
    const other = await client.draftStep(randomUUID(), 0);
    await expect(client.signStep(other, [])).rejects.toMatchObject({ code: 'AUTHORITY_CONTROLLER' });
  });

  it('a step that was edited on the disk, or is gone, keeps the signer from starting', async () => {
    const running = await start();
    await running.client.signStep(await running.client.draftStep(controller, 0), []);
    await running.client.signStep(await running.client.draftStep(controller, 0), []);
    await running.stop();
    const path = join(running.folder, 'keys/steps/000002.json');
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.replace('"byNext":"e', '"byNext":"f'));
    await expect(start(running.folder)).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    rmSync(path);
    await expect(start(running.folder)).rejects.toMatchObject({ code: 'CONFIG_BAD' });
    writeFileSync(path, whole);
    await start(running.folder);
  });
});
