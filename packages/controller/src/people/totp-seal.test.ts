import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@hauban/link';
import type { TotpOffered } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { Secret, TOTP } from 'otpauth';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';
import { createDatabase } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import { loadTotpSeal } from './load-totp-seal.ts';
import { createTotpSeal, TOTP_KEY_BYTES } from './totp-seal.ts';
import { createTotpSecretsRepository } from './totp-secrets.repository.ts';

const PASSWORD = 'correct horse battery';
const PLAIN = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
let world: ControllerWorld;
let folder: string;
let people = 0;

beforeAll(async () => {
  world = await createControllerWorld();
});
afterAll(() => world.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-totp-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keyFile = (): string => join(folder, 'totp-key.json');
const codeOf = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error instanceof HaubanError ? error.code : error;
  }
  return 'nothing was refused';
};
const appCode = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
const signIn = (name: string, code: string) =>
  world.call('POST', '/api/sign-in', { body: { name, password: PASSWORD, code } });

/** Somebody with an authenticator app, by way of the page. */
async function withApp(): Promise<{ name: string; id: string; secret: string; recovery: readonly string[] }> {
  people += 1;
  const name = `app${people}`;
  const session = await world.addPerson(name, 'viewer');
  const { secret } = (await world.call('POST', '/api/me/totp', { session, body: {} })).json<TotpOffered>();
  const confirmed = await world.call('POST', '/api/me/totp/confirm', { session, body: { code: appCode(secret, -1) } });
  return { name, id: await world.personId(name), secret, recovery: confirmed.json<{ codes: string[] }>().codes };
}
const stored = async (id: string): Promise<string> => {
  const [row] = await world.fixture.sql`SELECT totp_secret FROM person WHERE id = ${id}`;
  return String(row?.['totp_secret']);
};
const store = (id: string, value: string): Promise<unknown> =>
  world.fixture.sql`UPDATE person SET totp_secret = ${value}, totp_step = NULL WHERE id = ${id}`;

/** One start of a controller on that folder and this database. */
const load = async () => {
  const database = createDatabase({ url: world.fixture.url });
  try {
    const { transaction } = database;
    const parts = { transaction, random: systemRandom, log: createLog('silent') };
    return await loadTotpSeal(keyFile(), { ...parts, repository: createTotpSecretsRepository(database) });
  } finally {
    await database.close();
  }
};
const clearAll = (): Promise<unknown> =>
  world.fixture.sql`UPDATE person SET totp_secret = NULL, totp_pending = NULL, totp_step = NULL`;

describe('secrets of authenticator apps in the database', () => {
  it('cannot be read by whoever reads the database, active or only offered', async () => {
    const { id, secret } = await withApp();
    const other = await world.addPerson(`offered${people}`, 'viewer');
    const offered = (await world.call('POST', '/api/me/totp', { session: other, body: {} })).json<TotpOffered>();
    const everything = JSON.stringify(await world.fixture.sql`SELECT * FROM person`);
    for (const each of [secret, offered.secret]) {
      expect(everything).not.toContain(each);
      expect(everything).not.toContain(Buffer.from(each).toString('base64url').slice(0, 20));
    }
    expect(await stored(id)).toMatch(/^sealed1\./);
  });

  it('an attacker who moves the row of his own app to somebody else gets nowhere', async () => {
    const [victim, attacker] = [await withApp(), await withApp()];
    await store(victim.id, await stored(attacker.id));
    const reply = await signIn(victim.name, appCode(attacker.secret));
    expect(reply.json()).toMatchObject({ code: 'SECOND_FACTOR_UNREADABLE' });
    expect(reply.cookies).toEqual([]);
  });

  it('an attacker who writes a plain secret of his own gets nowhere', async () => {
    const victim = await withApp();
    await store(victim.id, PLAIN);
    expect((await signIn(victim.name, appCode(PLAIN))).json()).toMatchObject({ code: 'SECOND_FACTOR_UNREADABLE' });
  });

  it('one altered bit, a cut end and an empty one are refused', async () => {
    const seal = createTotpSeal(systemRandom.bytes(TOTP_KEY_BYTES), systemRandom);
    const sealed = seal.seal('ann', PLAIN);
    expect(seal.open('ann', sealed)).toBe(PLAIN);
    const bytes = Buffer.from(sealed.slice('sealed1.'.length), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      const text = `sealed1.${altered.toString('base64url')}`;
      expect(await codeOf(() => seal.open('ann', text))).toBe('SECOND_FACTOR_UNREADABLE');
      const cut = `sealed1.${bytes.subarray(0, at).toString('base64url')}`;
      expect(await codeOf(() => seal.open('ann', cut))).toBe('SECOND_FACTOR_UNREADABLE');
    }
    expect(seal.seal('ann', PLAIN)).not.toBe(sealed);
  });

  it('do not open with a lost key: recovery codes go on, and the answer says what to do', async () => {
    const { name, id, secret, recovery } = await withApp();
    const other = createTotpSeal(systemRandom.bytes(TOTP_KEY_BYTES), systemRandom);
    await store(id, other.seal(id, secret));
    const refused = await signIn(name, appCode(secret));
    expect(refused.statusCode).toBe(503);
    expect(refused.json<{ detail: string }>().detail).toContain('by a passkey or a recovery code');
    expect((await signIn(name, recovery[0] ?? '')).statusCode).toBe(200);
  });
});

describe('the key file of that seal', () => {
  beforeEach(clearAll);

  it('is made by the first start, for its owner only, and seals what was plain', async () => {
    const { id } = await withApp();
    await store(id, PLAIN);
    await world.fixture.sql`UPDATE person SET totp_pending = ${PLAIN} WHERE id = ${id}`;
    const seal = await load();
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(await world.fixture.sql`SELECT * FROM person`)).not.toContain(PLAIN);
    expect(seal.open(id, await stored(id))).toBe(PLAIN);
    // The next start reads the same key.
    expect((await load()).open(id, await stored(id))).toBe(PLAIN);
  });

  it('goes on sealing after a start that was cut off, and never again after it was done', async () => {
    const { id } = await withApp();
    await clearAll();
    await load();
    const done = readFileSync(keyFile(), 'utf8');
    writeFileSync(keyFile(), done.replace('"isComplete":true', '"isComplete":false'));
    await store(id, PLAIN);
    await load();
    expect(await stored(id)).toMatch(/^sealed1\./);
    expect(readFileSync(keyFile(), 'utf8')).toBe(done);
    await store(id, PLAIN);
    const seal = await load();
    expect(await stored(id)).toBe(PLAIN);
    expect(await codeOf(() => seal.open(id, PLAIN))).toBe('SECOND_FACTOR_UNREADABLE');
  });

  it('lost: no other is made beside what it sealed, nothing opens, and nothing new is sealed', async () => {
    const { id } = await withApp();
    const seal = await load();
    expect(statSync(folder).isDirectory()).toBe(true);
    expect(await codeOf(() => statSync(keyFile()))).toMatchObject({ code: 'ENOENT' });
    const text = await stored(id);
    expect(await codeOf(() => seal.open(id, text))).toBe('SECOND_FACTOR_UNREADABLE');
    expect(await codeOf(() => seal.seal(id, PLAIN))).toBe('SECOND_FACTOR_UNREADABLE');
  });

  it('damaged, or open to others: the start says so instead of making another', async () => {
    await load();
    const whole = readFileSync(keyFile(), 'utf8');
    for (const text of ['', '{}', whole.slice(0, 40), whole.replace('"key":"', '"key":"!')]) {
      writeFileSync(keyFile(), text);
      expect(await codeOf(load)).toBe('CONFIG_BAD');
    }
    rmSync(keyFile());
    writeFileSync(keyFile(), whole, { mode: 0o644 });
    expect(await codeOf(load)).toBe('CONFIG_BAD');
  });
});
