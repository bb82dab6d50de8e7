import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserPasskey } from '../../../../test/support/browser-passkey.ts';
import {
  createControllerWorld,
  sessionOf,
  type ControllerWorld,
  type WorldReply,
} from '../../../../test/support/controller-world.ts';

const HOST = 'localhost';
/** No sign-on has this number: a proof that holds gets as far as that. */
const NO_SIGN_ON = '/api/me/sign-ons/00000000-0000-4000-8000-000000000000/remove';
type Passkey = ReturnType<typeof createBrowserPasskey>;

let world: ControllerWorld;
let ann: string;
let ben: string;
let number = 0;

beforeAll(async () => {
  world = await createControllerWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  number += 1;
  ann = await world.addPerson(`ann${number}`, 'viewer');
  ben = await world.addPerson(`ben${number}`, 'viewer');
});

const said = (reply: WorldReply): string => reply.json<{ code?: string }>().code ?? `ok ${reply.statusCode}`;
const post = (session: string, url: string, body: object = {}) => world.call('POST', url, { session, body });
const challenge = async (session: string, url: string): Promise<string> =>
  (await post(session, url)).json<{ challenge: string }>().challenge;

async function made(session: string, passkey: Passkey): Promise<object> {
  return passkey.create(await challenge(session, '/api/me/passkeys/options'), HOST, world.origin);
}
const keep = async (session: string, answer: object): Promise<string> =>
  said(await post(session, '/api/me/passkeys', { name: 'key', passkey: answer }));
const add = async (session: string, passkey = createBrowserPasskey()): Promise<string> =>
  keep(session, await made(session, passkey));
const passkeysOf = async (session: string): Promise<readonly { readonly id: string }[]> =>
  (await world.call('GET', '/api/me/passkeys', { session })).json<{ id: string }[]>();
const remove = async (session: string, id: string): Promise<string> =>
  said(await world.call('DELETE', `/api/me/passkeys/${id}`, { session }));

describe('a passkey of one’s own', () => {
  it('is added once by what was asked for, and by nobody else', async () => {
    const answer = await made(ann, createBrowserPasskey());
    expect(await keep(ben, answer)).toBe('SETUP_TOKEN_REFUSED');
    expect(await add(ann)).toMatch(/^ok /);
    const again = await made(ann, createBrowserPasskey());
    expect(await keep(ann, again)).toMatch(/^ok /);
    expect(await keep(ann, again)).toBe('SETUP_TOKEN_REFUSED');
    expect(await passkeysOf(ann)).toHaveLength(2);
    expect(await passkeysOf(ben)).toHaveLength(0);
  });

  it('made for a challenge of the attacker, or for that of a sign-in, is refused', async () => {
    const own = createBrowserPasskey().create(Buffer.alloc(32).toString('base64url'), HOST, world.origin);
    expect(await keep(ann, own)).toBe('SETUP_TOKEN_REFUSED');
    const forSignIn = await challenge(ann, '/api/sign-in/passkey-options');
    expect(await keep(ann, createBrowserPasskey().create(forSignIn, HOST, world.origin))).toBe('SETUP_TOKEN_REFUSED');
  });

  it('beyond the tenth is refused, also when two are under way', async () => {
    for (let count = 0; count < 9; count += 1) expect(await add(ann)).toMatch(/^ok /);
    const [tenth, eleventh] = [await made(ann, createBrowserPasskey()), await made(ann, createBrowserPasskey())];
    expect(await keep(ann, tenth)).toMatch(/^ok /);
    expect(await keep(ann, eleventh)).toBe('CONFLICT');
    expect(said(await post(ann, '/api/me/passkeys/options'))).toBe('CONFLICT');
    expect(await passkeysOf(ann)).toHaveLength(10);
  });

  it('that is the only way in is not deleted; that of somebody else is not found', async () => {
    await add(ann);
    const [own] = await passkeysOf(ann);
    expect(await remove(ben, own?.id ?? '')).toBe('NOT_FOUND');
    await world.fixture.sql`UPDATE person SET password_hash = NULL WHERE name = ${`ann${number}`}`;
    expect(await remove(ann, own?.id ?? '')).toBe('CONFLICT');
    await add(ann);
    expect(await remove(ann, own?.id ?? '')).toMatch(/^ok /);
    expect(await passkeysOf(ann)).toHaveLength(1);
  });
});

describe('a proof by passkey', () => {
  let passkey: Passkey;
  let counter = 0;
  beforeEach(async () => {
    passkey = createBrowserPasskey();
    await add(ann, passkey);
  });
  const answer = async (session: string, by = passkey): Promise<object> =>
    by.get(await challenge(session, '/api/me/prove-options'), HOST, world.origin, (counter += 1));
  const prove = async (session: string, proof: object): Promise<string> =>
    said(await post(session, NO_SIGN_ON, { proof: { passkey: proof } }));

  it('is taken once, from the person who was asked', async () => {
    const proof = await answer(ann);
    expect(await prove(ann, proof)).toBe('NOT_FOUND');
    expect(await prove(ann, proof)).toBe('SIGN_IN_REFUSED');
  });

  it('with the challenge of another person, with another’s passkey or an unknown one, is refused', async () => {
    expect(await prove(ben, await answer(ann))).toBe('SIGN_IN_REFUSED');
    expect(await prove(ben, await answer(ben))).toBe('SIGN_IN_REFUSED');
    expect(await prove(ann, await answer(ben))).toBe('SIGN_IN_REFUSED');
    expect(await prove(ann, await answer(ann, createBrowserPasskey()))).toBe('SIGN_IN_REFUSED');
  });

  it('with a challenge that nobody gave is refused', async () => {
    const own = passkey.get(Buffer.alloc(32).toString('base64url'), HOST, world.origin, 99);
    expect(await prove(ann, own)).toBe('SIGN_IN_REFUSED');
  });
});

describe('an invitation that is answered by a passkey', () => {
  async function invite(name: string): Promise<string> {
    const reply = await post(world.owner, '/api/people', { name, role: 'viewer' });
    return new URL(reply.json<{ url: string }>().url).searchParams.get('token') ?? '';
  }
  const asked = async (token: string): Promise<string> =>
    (await world.call('POST', '/api/invite/passkey-options', { body: { token } })).json<{ challenge: string }>()
      .challenge;
  const accept = (token: string, passkey: object): Promise<WorldReply> =>
    world.call('POST', '/api/invite/accept', { body: { token, passkey } });

  it('lets in once; with the challenge of another invitation or of nobody it is refused', async () => {
    const [cat, dan] = [await invite(`cat${number}`), await invite(`dan${number}`)];
    const make = (text: string): object => createBrowserPasskey().create(text, HOST, world.origin);
    expect(said(await accept(cat, make(await asked(dan))))).toBe('SETUP_TOKEN_REFUSED');
    expect(said(await accept(cat, make(Buffer.alloc(32).toString('base64url'))))).toBe('SETUP_TOKEN_REFUSED');
    const reply = await accept(cat, make(await asked(cat)));
    expect(sessionOf(reply)).not.toBe('');
    expect(said(await accept(cat, make(await asked(dan))))).toBe('SETUP_TOKEN_REFUSED');
  });

  it('by a token that was never made is refused before any challenge is given', async () => {
    const reply = await world.call('POST', '/api/invite/passkey-options', { body: { token: 'A'.repeat(43) } });
    expect(said(reply)).toBe('SETUP_TOKEN_REFUSED');
  });
});
