import type { TokenCreated } from '@hauban/shared/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';

let world: ControllerWorld;
beforeAll(async () => {
  world = await createControllerWorld();
});
afterAll(() => world.stop());

it('an API token does not sign out: whoever holds it ends no session, and is not told that it did', async () => {
  const body = { name: 't' };
  const made = (await world.call('POST', '/api/tokens', { session: world.owner, body })).json<TokenCreated>();
  const reply = await world.call('POST', '/api/sign-out', { token: made.secret, body: {} });
  expect(reply.json()).toMatchObject({ code: 'BAD_REQUEST' });
  expect((await world.call('GET', '/api/me', { session: world.owner })).statusCode).toBe(200);
  expect((await world.call('GET', '/api/me', { token: made.secret })).statusCode).toBe(200);
});
