import { randomUUID } from 'node:crypto';
import { createKeyPair, keyThumbprint, signOrder, systemClock, systemRandom } from '@hauban/link';
import { createController, type Controller } from '../../packages/controller/src/app.ts';
import { createDatabase, type Database } from '../../packages/controller/src/db/index.ts';
import { createControllerIdentityRepository } from '../../packages/controller/src/enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../../packages/controller/src/enrolment/controller-identity.service.ts';
import { createTotpSeal, TOTP_KEY_BYTES } from '../../packages/controller/src/people/totp-seal.ts';
import { createLog } from '../../packages/controller/src/runtime/index.ts';
import { createMemoryRing } from './memory-ring.ts';
import { createTestDatabase, type TestDatabase } from './postgres-database.ts';

const PASSWORD = 'correct horse battery';
const publicUrl = new URL('http://localhost:7460');
const { origin } = publicUrl;
const COOKIE = 'hauban-session';

export type WorldReply = Awaited<ReturnType<Controller['app']['server']['inject']>>;

/** The controller as it is, on a database of its own, with a signer in the process; nodes are rows. */
export interface ControllerWorld {
  readonly fixture: TestDatabase;
  readonly database: Database;
  readonly controller: Controller;
  readonly port: number;
  readonly origin: string;
  /** Session of the first owner, `olga`. */
  readonly owner: string;
  call(
    method: string,
    url: string,
    options?: { session?: string; token?: string; body?: unknown },
  ): Promise<WorldReply>;
  /** Invites a person and lets them in by a password; their session. */
  addPerson(name: string, role: string): Promise<string>;
  /** `linkKey`: of one that connects. */
  addNode(labels?: Readonly<Record<string, string>>, linkKey?: string): Promise<string>;
  personId(name: string): Promise<string>;
  stop(): Promise<void>;
}

export const sessionOf = (reply: WorldReply): string => reply.cookies.find(({ name }) => name === COOKIE)?.value ?? '';

/** What a test wants to be otherwise. */
type WorldOptions = Partial<Pick<Parameters<typeof createController>[0], 'signOnProviders' | 'signer' | 'webhooks'>>;

async function build(database: Database, options: WorldOptions): Promise<Controller> {
  const identities = createControllerIdentityRepository(database);
  const identity = await loadControllerIdentity(identities, createKeyPair(), systemClock);
  const authority = createKeyPair();
  const kid = keyThumbprint(authority.publicText) ?? '';
  return createController({
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
    publicUrl,
    tls: null,
    uiDir: null,
    trustedProxies: [],
    version: '0.0.0',
    totpSeal: createTotpSeal(systemRandom.bytes(TOTP_KEY_BYTES), systemRandom),
    webhooks: { ring: createMemoryRing() },
    attemptsPerMinute: 10_000,
    ...options,
  });
}

export async function createControllerWorld(options: WorldOptions = {}): Promise<ControllerWorld> {
  const fixture = await createTestDatabase();
  const database = createDatabase({ url: fixture.url });
  const controller = await build(database, options);
  const call: ControllerWorld['call'] = (method, url, { session, token, body } = {}) =>
    controller.app.server.inject({
      method: method as 'GET',
      url,
      headers: { origin, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(session === undefined ? {} : { cookies: { [COOKIE]: session } }),
      ...(body === undefined ? {} : { payload: body as object }),
    });
  const setup = { token: await controller.services.setup.makeToken(), name: 'olga', password: PASSWORD };
  const owner = sessionOf(await call('POST', '/api/setup', { body: setup }));
  const joinToken = randomUUID();
  await fixture.sql`INSERT INTO join_token (id, secret_hash, created_at, created_by, expires_at, uses, uses_left, labels, roles)
    VALUES (${joinToken}, 'x', 0, 'x', 0, 1, 0, '{}', '{}')`;
  const port = await controller.start('127.0.0.1', 0);
  return {
    fixture,
    database,
    controller,
    port,
    origin,
    owner,
    call,
    addPerson: async (name, role) => {
      const invited = await call('POST', '/api/people', { session: owner, body: { name, role } });
      const token = new URL(invited.json<{ url: string }>().url).searchParams.get('token');
      return sessionOf(await call('POST', '/api/invite/accept', { body: { token, password: PASSWORD } }));
    },
    addNode: async (labels = {}, linkKey) => {
      const id = randomUUID();
      const key = linkKey ?? id;
      await fixture.sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version, policy_text)
        VALUES (${id}, ${`n-${id.slice(0, 8)}`}, ${key}, ${key}, ${joinToken}, ${JSON.stringify(labels)}::text::jsonb, '{web}', 0, 'Debian', '1', '')`;
      return id;
    },
    personId: async (name) => {
      const [row] = await fixture.sql`SELECT id FROM person WHERE name = ${name}`;
      return String(row?.['id']);
    },
    stop: async () => {
      await controller.stop();
      await database.close();
      await fixture.drop();
    },
  };
}
