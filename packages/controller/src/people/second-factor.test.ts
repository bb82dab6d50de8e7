import type { RecoveryCodes, TotpOffered } from '@hauban/shared/api';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createControllerWorld,
  sessionOf,
  type ControllerWorld,
  type WorldReply,
} from '../../../../test/support/controller-world.ts';
import { totpStepOf } from './totp.ts';

const PASSWORD = 'correct horse battery';
let world: ControllerWorld;
let name: string;
let session: string;
let secret: string;
let recovery: readonly string[];
let people = 0;

const codeOf = (reply: WorldReply): unknown => reply.json<{ code?: string }>().code;
const mine = (url: string, body: object) => world.call('POST', url, { session, body });
const signIn = (code?: string, password = PASSWORD) =>
  world.call('POST', '/api/sign-in', { body: { name, password, ...(code === undefined ? {} : { code }) } });
/** The code of the app, `steps` half minutes from now. */
const appCode = (steps = 0, from = secret): string =>
  new TOTP({ secret: Secret.fromBase32(from) }).generate({ timestamp: Date.now() + steps * 30_000 });

beforeAll(async () => {
  world = await createControllerWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  people += 1;
  name = `person${people}`;
  session = await world.addPerson(name, 'viewer');
  ({ secret } = (await mine('/api/me/totp', {})).json<TotpOffered>());
  // A step in the past, so that the code of now and the next are still unused.
  recovery = (await mine('/api/me/totp/confirm', { code: appCode(-1) })).json<RecoveryCodes>().codes;
});

describe('codes of an authenticator app', () => {
  it('are those of RFC 6238', () => {
    const rfc = new Secret({ buffer: new TextEncoder().encode('12345678901234567890').buffer }).base32;
    expect(totpStepOf(rfc, '287082', 59_000)).toBe(1);
    expect(totpStepOf(rfc, '081804', 1_111_111_109_000)).toBe(37_037_036);
    expect(totpStepOf(rfc, '287082', 59_000 + 90_000)).toBeNull();
    for (const odd of ['', '28708', '2870822', '28708a', ' 287082']) expect(totpStepOf(rfc, odd, 59_000)).toBeNull();
  });
});

describe('a password with a second factor', () => {
  it('lets in with a code only, and says so only to whoever knows the password', async () => {
    expect(codeOf(await signIn())).toBe('SECOND_FACTOR_NEEDED');
    expect(codeOf(await signIn(undefined, 'wrong horse battery'))).toBe('SIGN_IN_REFUSED');
    expect(codeOf(await signIn(appCode(), 'wrong horse battery'))).toBe('SIGN_IN_REFUSED');
    const reply = await signIn(appCode());
    expect(reply.statusCode).toBe(200);
    expect(sessionOf(reply)).not.toBe('');
    expect((await world.call('GET', '/api/me', { session })).json()).toMatchObject({
      hasTotp: true,
      hasPassword: true,
    });
  });

  it('a code that was used is refused, and so is an older one', async () => {
    const [now, next] = [appCode(), appCode(1)];
    expect((await signIn(next)).statusCode).toBe(200);
    for (const code of [next, now, appCode(-1)]) expect(codeOf(await signIn(code))).toBe('SIGN_IN_REFUSED');
  });

  it('one code lets in one of two who use it at the same time', async () => {
    const code = appCode();
    const replies = await Promise.all([signIn(code), signIn(code)]);
    expect(replies.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 401]);
  });

  it('a recovery code works once, for its own person only', async () => {
    expect(recovery).toHaveLength(10);
    expect(JSON.stringify(await world.fixture.sql`SELECT * FROM recovery_code`)).not.toContain(recovery[0]);
    const mineFirst = recovery[0] ?? '';
    expect((await signIn(mineFirst.toLowerCase().replace('-', ' '))).statusCode).toBe(200);
    expect(codeOf(await signIn(mineFirst))).toBe('SIGN_IN_REFUSED');
    // Of the test before.
    name = `person${people - 1}`;
    expect(codeOf(await signIn(recovery[1]))).toBe('SIGN_IN_REFUSED');
  });

  it('guessing codes with the right password locks the account', async () => {
    for (let n = 0; n < 6; n += 1) expect(codeOf(await signIn('000000'))).toBe('SIGN_IN_REFUSED');
    expect(codeOf(await signIn(appCode()))).toBe('SIGN_IN_REFUSED');
    const { rows } = await world.controller.services.audit.list({ code: 'A1052W', who: name });
    expect(rows.length).toBeGreaterThanOrEqual(5);
  });

  it('a stolen session cannot take the second factor away, nor set up another', async () => {
    expect(codeOf(await mine('/api/me/totp/remove', { code: '000000' }))).toBe('SIGN_IN_REFUSED');
    expect(codeOf(await mine('/api/me/totp', {}))).toBe('CONFLICT');
    for (let n = 0; n < 6; n += 1) await mine('/api/me/totp/remove', { code: '000000' });
    expect(codeOf(await mine('/api/me/totp/remove', { code: appCode() }))).toBe('RATE_LIMITED');
    expect(codeOf(await signIn())).not.toBe(undefined);
  });

  it('is removed by a code, and a new link of an owner starts without', async () => {
    expect((await mine('/api/me/totp/remove', { code: recovery[3] ?? '' })).statusCode).toBe(200);
    expect((await signIn()).statusCode).toBe(200);
    expect(
      await world.fixture.sql`SELECT 1 FROM recovery_code r JOIN person p ON p.id = r.person_id WHERE p.name = ${name}`,
    ).toEqual([]);
  });

  it('that was never confirmed does not count', async () => {
    const other = await world.addPerson(`${name}x`, 'viewer');
    const offered = (await world.call('POST', '/api/me/totp', { session: other, body: {} })).json<TotpOffered>();
    expect(codeOf(await world.call('POST', '/api/me/totp/confirm', { session: other, body: { code: '000000' } }))).toBe(
      'SIGN_IN_REFUSED',
    );
    expect(offered.uri).toContain('otpauth://totp/Hauban');
    expect(
      (await world.call('POST', '/api/sign-in', { body: { name: `${name}x`, password: PASSWORD } })).statusCode,
    ).toBe(200);
  });
});
