import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, keyThumbprint, signOrder, systemClock } from '@hauban/link';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificates.ts';
import { startEmbeddedPostgres } from '../../../test/support/postgres-server.ts';
import { createTestDatabase } from '../../../test/support/postgres-database.ts';
import { createMemoryRing } from '../../../test/support/memory-ring.ts';
import { createController, type Controller } from './app.ts';
import type { ControllerParts } from './compose-services.ts';
import { createDatabase, migrateDatabase, type Database } from './db/index.ts';
import { createControllerIdentityRepository } from './enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from './enrolment/controller-identity.service.ts';
import { createLog } from './runtime/index.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function build(database: Database, more: Partial<ControllerParts> = {}): Promise<Controller> {
  const identity = await loadControllerIdentity(
    createControllerIdentityRepository(database),
    createKeyPair(),
    systemClock,
  );
  const authority = createKeyPair();
  const kid = keyThumbprint(authority.publicText) ?? '';
  return createController({
    webhooks: { ring: createMemoryRing() },
    database,
    identity,
    signer: {
      sign: (order) => signOrder(order, authority, kid),
      keys: async () => ({ authorityKeys: [{ kid, key: authority.publicText }], authoritySteps: [] }),
      signBundle: () => Promise.reject(new TypeError('no bundle is signed here')),
      bundle: async () => null,
      draftStep: () => Promise.reject(new TypeError('no step is drafted here')),
      signStep: () => Promise.reject(new TypeError('no step is signed here')),
      step: async () => null,
      leave: async () => undefined,
      signLinkStep: () => Promise.reject(new TypeError('no link key is signed for here')),
      close: () => undefined,
    },
    log: createLog('silent'),
    publicUrl: new URL('http://localhost:7460'),
    tls: null,
    uiDir: null,
    trustedProxies: [],
    version: '0.0.0',
    ...more,
  });
}

describe('a controller whose PostgreSQL is killed with -9', () => {
  it('answers DATABASE, retryable, meanwhile, and works again by itself when it is back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hauban-outage-'));
    await chmod(folder, 0o711);
    cleanUps.push(() => rm(folder, { recursive: true, force: true }));
    const options = { dataDir: join(folder, 'pg') };
    let server = await startEmbeddedPostgres(options);
    cleanUps.push(() => server.stop());
    await migrateDatabase(server.url);
    const database = createDatabase({ url: server.url });
    cleanUps.push(() => database.close());
    const controller = await build(database);
    await controller.start('127.0.0.1', 0);
    cleanUps.push(() => controller.stop());
    const token = await controller.services.setup.makeToken();
    const origin = 'http://localhost:7460';
    const payload = { token, name: 'olga', password: 'correct horse battery' };
    const made = await controller.app.server.inject({
      method: 'POST',
      url: '/api/setup',
      headers: { origin },
      payload,
    });
    const cookies = { 'hauban-session': made.cookies[0]?.value ?? '' };
    const ask = (url: string): Promise<{ statusCode: number; body: string; json: () => unknown }> =>
      controller.app.server.inject({ url, cookies });
    expect((await ask('/api/nodes')).statusCode).toBe(200);

    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    const away = await ask('/api/nodes');
    expect(away.json()).toMatchObject({ code: 'DATABASE', retryable: true });
    expect(away.statusCode).toBe(503);
    // Nothing of the driver's words, of hosts or of paths.
    expect(away.body).not.toContain(folder);
    expect((await ask('/api/health')).json()).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    // What needs no database goes on.
    expect((await ask('/api/openapi.json')).statusCode).toBe(200);
    const sources = await Promise.all(Array.from({ length: 30 }, () => ask('/api/audit')));
    expect(new Set(sources.map(({ statusCode }) => statusCode))).toEqual(new Set([503]));

    server = await startEmbeddedPostgres(options);
    await expect.poll(async () => (await ask('/api/nodes')).statusCode, { timeout: 20_000 }).toBe(200);
    expect((await ask('/api/health')).json()).toMatchObject({ ok: true });
    expect(await controller.services.audit.verify()).toMatchObject({ ok: true });
  }, 60_000);
});

describe('a controller that ends TLS itself', () => {
  it('gives the __Host- cookie and promises to stay on https', async () => {
    const fixture = await createTestDatabase();
    cleanUps.push(() => fixture.drop());
    const database = createDatabase({ url: fixture.url });
    cleanUps.push(() => database.close());
    const tls = makeCertificate();
    const controller = await build(database, { tls, publicUrl: new URL('https://localhost') });
    const port = await controller.start('127.0.0.1', 0);
    cleanUps.push(() => controller.stop());
    const token = await controller.services.setup.makeToken();
    const body = JSON.stringify({ token, name: 'olga', password: 'correct horse battery' });
    const headers = { origin: 'https://localhost', 'content-type': 'application/json', 'content-length': body.length };
    const reply = await new Promise<{ status: number; headers: Record<string, unknown> }>((done, fail) => {
      const sent = httpsRequest(
        { host: '127.0.0.1', servername: 'localhost', port, path: '/api/setup', method: 'POST', headers, ca: tls.cert },
        (response) => {
          response.resume();
          done({ status: response.statusCode ?? 0, headers: response.headers });
        },
      );
      sent.once('error', fail);
      sent.end(body);
    });
    expect(reply.status).toBe(200);
    expect(String(reply.headers['set-cookie'])).toMatch(
      /^__Host-hauban=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(reply.headers['strict-transport-security']).toBe('max-age=31536000');
  });
});

describe('a controller that stops', () => {
  it('answers who waits for a run at once, and closes what is open', async () => {
    const fixture = await createTestDatabase();
    cleanUps.push(() => fixture.drop());
    const database = createDatabase({ url: fixture.url });
    cleanUps.push(() => database.close());
    const controller = await build(database);
    const port = await controller.start('127.0.0.1', 0);
    const { setup, tokens } = controller.services;
    await setup.setUp(
      { token: await setup.makeToken(), name: 'olga', password: 'correct horse battery' },
      { address: '', userAgent: '' },
    );
    const [person] = await fixture.sql`SELECT id FROM person`;
    const made = await tokens.make({ name: 't' }, { personId: String(person?.['id']), name: 'olga', address: '' });
    const tokenId = randomUUID();
    await fixture.sql`INSERT INTO join_token VALUES (${tokenId}, 'x', 0, 'x', 0, 1, 0, '{}', '{}', null, null)`;
    await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version)
      VALUES (${tokenId}, 'web1', 'k', 'r', ${tokenId}, '{}', '{}', 0, '', '')`;
    const headers = { authorization: `Bearer ${made.secret}`, 'content-type': 'application/json' };
    const base = `http://127.0.0.1:${port}/api/runs`;
    const body = JSON.stringify({ action: 'node.ping', args: {}, nodes: [tokenId], mode: 'apply' });
    const { id } = (await (await fetch(base, { method: 'POST', headers, body })).json()) as { id: string };
    const arrived = once(controller.app.server.server, 'request');
    const waiting = fetch(`${base}/${id}?waitMs=60000`, { headers });
    await arrived;
    await controller.stop();
    const reply = await waiting;
    expect(((await reply.json()) as { counts: unknown }).counts).toEqual({ queued: 1 });
    await expect(fetch(base, { headers })).rejects.toThrow('fetch failed');
  });
});
