import { randomUUID } from 'node:crypto';
import type { Offboarded, TokenCreated } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { SeededRandom } from '@hauban/shared/testing';
import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControllerWorld, type ControllerWorld } from '../../../../test/support/controller-world.ts';

/** Somebody is offboarded while everything that can be done in that person's name is being done, again and again. */
const ROUNDS = process.env['HAUBAN_REDTEAM'] === 'full' ? 100 : 5;
const PASSWORD = 'correct horse battery';
let world: ControllerWorld;
let node: string;

beforeAll(async () => {
  world = await createControllerWorld();
  node = await world.addNode();
});
afterAll(() => world.stop());

const offboard = (id: string) => world.call('POST', `/api/people/${id}/offboard`, { session: world.owner, body: {} });

/** A row in a person's name, as some part of the controller would write it: by table and column. */
const ROWS: Readonly<Record<string, (personId: string) => SQL>> = {
  'run.requester_id': (
    id,
  ) => sql`INSERT INTO run (id, action, action_version, mode, args, requester_id, requester, via, request_hash, created_at, expires_at, open_targets)
    VALUES (${randomUUID()}, 'node.ping', 1, 'apply', '{}', ${id}, 'x', 'page', ${randomUUID()}, 0, 9, 0)`,
  'schedule.requester_id': (
    id,
  ) => sql`INSERT INTO schedule (id, name, cron, zone, missed, state, request, nodes, requester_id, requester, created_at)
    VALUES (${randomUUID()}, ${randomUUID()}, '0 3 * * *', 'UTC', 'skip', 'paused', '{}', '[]', ${id}, 'x', 0)`,
  'shell_session.opened_by_id': (
    id,
  ) => sql`INSERT INTO shell_session (id, order_id, node_id, login, opened_by_id, opened_by, state, requested_at)
    VALUES (${randomUUID()}, ${randomUUID()}, ${node}, 'root', ${id}, 'x', 'requested', 0)`,
  'approval_request.requester_id': (
    id,
  ) => sql`INSERT INTO approval_request (id, kind, state, statement, needed, requester_id, requester, asked_at, expires_at)
    VALUES (${randomUUID()}, 'run', 'waiting', '{}', 1, ${id}, 'x', 0, 9)`,
  'approval.operator': (id) => sql`INSERT INTO approval (subject, operator, name, assertion, given_at)
    VALUES (${randomUUID()}, ${id}, 'x', '{}', 0)`,
  'session.person_id': (
    id,
  ) => sql`INSERT INTO session (token_hash, person_id, created_at, last_used_at, expires_at, address, user_agent)
    VALUES (${randomUUID()}, ${id}, 0, 0, 9000000000000, '', '')`,
  'api_token.person_id': (
    id,
  ) => sql`INSERT INTO api_token (id, person_id, name, secret_hash, made_by, created_at, expires_at)
    VALUES (${randomUUID()}, ${id}, 'x', ${randomUUID()}, 'page', 0, 9000000000000)`,
  'passkey.person_id': (id) => sql`INSERT INTO passkey (id, person_id, public_key, counter, transports, created_at)
    VALUES (${randomUUID()}, ${id}, 'x', 0, '{}', 0)`,
  'invite.person_id': (id) =>
    sql`INSERT INTO invite (hash, person_id, created_at, expires_at) VALUES (${randomUUID()}, ${id}, 0, 9)`,
  'recovery_code.person_id': (id) => sql`INSERT INTO recovery_code (hash, person_id) VALUES (${randomUUID()}, ${id})`,
  'cli_sign_in.person_id': (
    id,
  ) => sql`INSERT INTO cli_sign_in (device_hash, user_code, created_at, expires_at, person_id)
    VALUES (${randomUUID()}, ${randomUUID()}, 0, 9, ${id})`,
};

/** Writes the row as the controller does, in a transaction; the code of a refusal. */
async function write(row: SQL): Promise<string> {
  try {
    await world.database.transaction(async (tx) => void (await tx.db.execute(row)));
    return 'written';
  } catch (error) {
    if (error instanceof HaubanError) return error.code;
    throw error;
  }
}

describe('what is written in the name of somebody who leaves', () => {
  it('is guarded in every table that says in whose name a row is', async () => {
    const columns = await world.fixture.sql`
      SELECT c.table_name || '.' || c.column_name AS place, t.trigger_name IS NOT NULL AS guarded
      FROM information_schema.columns c LEFT JOIN information_schema.triggers t
        ON t.event_object_table = c.table_name AND t.trigger_name = c.table_name || '_no_leaver' AND t.event_manipulation = 'INSERT'
      WHERE c.table_schema = 'public' AND c.column_name IN ('person_id', 'requester_id', 'opened_by_id', 'operator')`;
    const open = columns.filter((row) => row['guarded'] !== true).map((row) => row['place'] as string);
    expect(open).toEqual(['passkey_challenge.person_id']);
    const places = columns.map((row) => row['place'] as string);
    expect(places).toEqual(expect.arrayContaining(Object.keys(ROWS)));
  });

  it.each(Object.entries(ROWS))('%s: waits for the offboarding, and is refused', async (place, row) => {
    const name = `w${place.replaceAll(/[^a-z]/g, '')}`.slice(0, 30);
    await world.addPerson(name, 'operator');
    const id = await world.personId(name);
    expect(await write(row(id))).toBe('written');
    let outcome = '';
    let late: Promise<unknown> = Promise.resolve();
    await world.database.transaction(async (tx) => {
      await tx.db.execute(sql`UPDATE person SET left_at = 1, password_hash = null WHERE id = ${id}`);
      late = write(row(id)).then((code) => (outcome = code));
      // It stands and waits for this transaction: nothing else could have been granted.
      await expect
        .poll(async () => (await world.fixture.sql`SELECT 1 FROM pg_locks WHERE NOT granted`).length, {
          timeout: 10_000,
        })
        .toBeGreaterThan(0);
      expect(outcome).toBe('');
    });
    await late;
    expect(outcome).toBe('NOT_SIGNED_IN');
  });

  it('a leaver gets no password back', async () => {
    await world.addPerson('gone', 'operator');
    const id = await world.personId('gone');
    expect((await offboard(id)).statusCode).toBe(200);
    await expect(world.fixture.sql`UPDATE person SET password_hash = 'x' WHERE id = ${id}`).rejects.toMatchObject({
      code: '23514',
    });
  });
});

/** There is no node here that ends shells when it is told to. */
async function offboardAndEndShells(id: string): ReturnType<typeof offboard> {
  const ended = new AbortController();
  const done = offboard(id).finally(() => ended.abort());
  while (!ended.signal.aborted)
    await world.fixture.sql`UPDATE shell_session SET state = 'ended' WHERE ending_at IS NOT NULL`;
  return await done;
}

const acts = (name: string, session: string): readonly (() => Promise<number>)[] => {
  const run = { action: 'node.ping', args: {}, nodes: [node], mode: 'apply', startWithinMs: 600_000 };
  const status = async (url: string, as: object, body: object): Promise<number> =>
    (await world.call('POST', url, { ...as, body })).statusCode;
  return [
    () => status('/api/runs', { session }, run),
    () => status('/api/tokens', { session }, { name: randomUUID() }),
    () => status('/api/sign-in', {}, { name, password: PASSWORD }),
    async () => {
      const made = await world.call('POST', '/api/tokens', { session, body: { name: 'again' } });
      const { secret } = made.json<TokenCreated>();
      return made.statusCode === 200 ? await status('/api/runs', { token: secret }, run) : made.statusCode;
    },
  ];
};

describe('offboarding in the very moment of writing', () => {
  it(`leaves nothing that acts, in ${ROUNDS} rounds with many writers each`, { timeout: 600_000 }, async () => {
    const random = new SeededRandom(42);
    let written = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `race${round}`;
      const session = await world.addPerson(name, 'operator');
      const id = await world.personId(name);
      const writers = [
        ...acts(name, session).map((act) => async () => (await act()) < 300),
        ...Object.values(ROWS).map((row) => async () => (await write(row(id))) === 'written'),
      ].map(async (act) => {
        while (await act()) written += 1;
      });
      await new Promise((resolve) => setTimeout(resolve, random.below(60)));
      const done = await offboardAndEndShells(id);
      expect(done.statusCode).toBe(200);
      await Promise.all(writers);
      const left = await world.fixture.sql`
        SELECT 'session' AS what FROM session WHERE person_id = ${id}
        UNION ALL SELECT 'token' FROM api_token WHERE person_id = ${id}
        UNION ALL SELECT 'passkey' FROM passkey WHERE person_id = ${id}
        UNION ALL SELECT 'invite' FROM invite WHERE person_id = ${id}
        UNION ALL SELECT 'recovery code' FROM recovery_code WHERE person_id = ${id}
        UNION ALL SELECT 'command line' FROM cli_sign_in WHERE person_id = ${id}
        UNION ALL SELECT 'order' FROM run_target t JOIN run r ON r.id = t.run_id WHERE r.requester_id = ${id} AND t.finished_at IS NULL
        UNION ALL SELECT 'shell' FROM shell_session WHERE opened_by_id = ${id} AND ending_at IS NULL AND state IN ('requested', 'open')
        UNION ALL SELECT 'request' FROM approval_request WHERE requester_id = ${id} AND state IN ('waiting', 'approved')`;
      expect(left).toEqual([]);
      expect(done.json<Offboarded>().ordersUnderWay).toBe(0);
    }
    process.stdout.write(`offboarding against writers: ${ROUNDS} rounds, ${written} rows written before\n`);
    expect(written).toBeGreaterThan(ROUNDS);
  });
});
