import type { SessionPage } from '@hauban/shared/api';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createShellDesk, type ShellDesk } from '../../../../test/support/shell-desk.ts';
import { allowedOrigins, buildApp, createSessionCookie, type App } from '../http/index.ts';
import { shellRoutes } from './shells.routes.ts';

let desk: ShellDesk;
beforeAll(async () => {
  desk = await createShellDesk();
});
afterAll(() => desk.stop());
beforeEach(() => desk.startOver());

describe('routes', () => {
  const publicUrl = new URL('http://localhost:7460');
  let app: App;
  beforeAll(async () => {
    app = await buildApp({
      log: pino({ level: 'silent' }),
      publicUrl,
      tls: null,
      uiDir: null,
      trustedProxies: [],
      cookie: createSessionCookie(publicUrl),
      origins: allowedOrigins(publicUrl),
      authenticator: desk.authenticator,
      targets: desk.targets,
      nowMs: () => desk.clock.nowMs(),
      onForbidden: () => undefined,
      system: { version: '0', ping: async () => undefined },
      routes: [(server) => shellRoutes(server, { shells: desk.shells })],
    });
  });
  afterAll(() => app.server.close());

  const post = async (
    role: string | null,
    body: object,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => {
    const reply = await app.server.inject({
      method: 'POST',
      url: `/api/nodes/${desk.node}/shells`,
      headers: { 'content-type': 'application/json', ...(role === null ? {} : desk.bearer(role)) },
      payload: JSON.stringify(body),
    });
    return { status: reply.statusCode, body: JSON.parse(reply.body) as Record<string, unknown> };
  };

  it('an operator opens a shell; a viewer, and somebody without an account, do not', async () => {
    expect((await post(null, desk.request)).status).toBe(401);
    expect((await post('viewer', desk.request)).status).toBe(403);
    expect(await desk.statesOf()).toEqual([]);
    expect(await post('operator', desk.request)).toMatchObject({
      status: 200,
      body: { sessionId: expect.any(String) },
    });
    expect((await post('owner', desk.request)).status).toBe(200);
  });

  it('writes down by which role and rule a shell was allowed', async () => {
    const { body } = await post('operator', desk.request);
    const [row] = await desk.sql`SELECT detail FROM audit_entry
      WHERE code = 'A4000I' AND detail LIKE ${`%${String(body['sessionId'])}%`}`;
    expect(JSON.parse(String(row?.['detail']))).toMatchObject({ role: 'operator', rule: 'operator' });
  });

  it.each([
    ['a user with shell metacharacters', { user: 'root;id' }],
    ['a user that begins with a dash', { user: '-froot' }],
    ['no columns', { columns: 0 }],
    ['a field too many', { uid: 0 }],
  ])('refuses %s', async (_attack, change) => {
    expect((await post('operator', { ...desk.request, ...change })).status).toBe(400);
    expect(await desk.statesOf()).toEqual([]);
  });

  it('lists sessions page by page, open ones alone when asked', async () => {
    for (let i = 0; i < 5; i += 1) {
      const { sessionId } = await desk.shells.open(desk.node, desk.request, desk.olga);
      if (i < 2) await desk.shells.recordingEnded(sessionId, 'exited', 5);
      desk.clock.advance(1000);
    }
    const get = async (query: string): Promise<SessionPage> =>
      JSON.parse(
        (await app.server.inject({ url: `/api/shells?${query}`, headers: desk.bearer('viewer') })).body,
      ) as SessionPage;
    expect((await get('open=true')).sessions).toHaveLength(3);
    expect((await get('openedBy=somebody')).sessions).toHaveLength(0);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: SessionPage = await get(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.sessions.map(({ id }) => id));
      ({ cursor } = page);
    }
    expect(new Set(seen).size).toBe(5);
    expect((await get('limit=1')).sessions[0]).toMatchObject({
      hostName: 'web1',
      user: 'root',
      recording: 'none',
      openedBy: 'olga',
    });
    expect((await app.server.inject({ url: '/api/shells' })).statusCode).toBe(401);
  });
});
