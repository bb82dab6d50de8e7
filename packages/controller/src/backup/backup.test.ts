import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, loadOrCreateKeyPair, systemClock, systemRandom } from '@hauban/link';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectAdmin, createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { backUp, restore } from '../compose-backup.ts';
import { createAudit } from '../compose-audit.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createControllerIdentityRepository } from '../enrolment/controller-identity.repository.ts';
import { loadControllerIdentity } from '../enrolment/controller-identity.service.ts';
import { loadTotpKey, storeTotpKey } from '../people/totp-key.ts';
import { createLog } from '../runtime/index.ts';
import { createSignerClient, runSigner } from '../signer/index.ts';
import { encodeHead } from './backup-entries.ts';
import { createSealedFile } from './sealed-file.ts';

/** A controller that has been used: identity, keys of both, a node, rows in partitions, an audit log. */
let source: TestDatabase;
let database: Database;
let home: string;
const nodeId = randomUUID();
const linkKey = createKeyPair().publicText;
const totpKey = { key: systemRandom.bytes(32), isComplete: true };

const envOf = (folder: string, url: string, passphrase = 'correct horse battery') => {
  writeFileSync(join(folder, 'passphrase'), `${passphrase}\n`, { mode: 0o600 });
  return {
    DATABASE_URL: url,
    HAUBAN_CONTROLLER_DIR: join(folder, 'controller'),
    HAUBAN_SIGNER_DIR: join(folder, 'signer'),
    HAUBAN_BACKUP_PASSPHRASE_FILE: join(folder, 'passphrase'),
  };
};
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'hauban-backup-'));

async function useSigner<T>(folder: string, work: (client: ReturnType<typeof createSignerClient>) => Promise<T>) {
  const settings = {
    socketPath: join(folder, 'signer.sock'),
    keyDir: join(folder, 'signer'),
    passphrase: { credential: null, file: null },
  };
  const running = await runSigner(settings, systemClock, createLog('silent'));
  const client = createSignerClient(settings.socketPath, systemClock);
  try {
    return await work(client);
  } finally {
    client.close();
    await running.stop();
  }
}
const identityOf = async (folder: string, of: Database) =>
  loadControllerIdentity(
    createControllerIdentityRepository(of),
    loadOrCreateKeyPair(join(folder, 'controller/link-key.json')),
    systemClock,
  );

beforeAll(async () => {
  source = await createTestDatabase();
  database = createDatabase({ url: source.url });
  home = newFolder();
  await useSigner(home, async (client) => client.signStep(await client.draftStep(randomUUID(), 0), []));
  mkdirSync(join(home, 'controller'), { mode: 0o700 });
  await identityOf(home, database);
  storeTotpKey(join(home, 'controller/totp-key.json'), totpKey);
  const { sql } = source;
  const joinToken = randomUUID();
  await sql`INSERT INTO join_token (id, secret_hash, created_at, created_by, expires_at, uses, uses_left, labels, roles)
    VALUES (${joinToken}, 'x', 1, 'ann', 2, 1, 0, '{}', '{}')`;
  await sql`INSERT INTO node (id, host_name, link_key, receipt_key, join_token_id, labels, roles, enrolled_at, os, agent_version, join_counter, join_mark_hash)
    VALUES (${nodeId}, ${'tab\tand \\N'}, ${linkKey}, ${linkKey}, ${joinToken}, ${sql.json({ rack: '1' })}, ARRAY['web'], 1, 'debian', '1', 7, 'x')`;
  await sql`CREATE TABLE metric_chunk_20000 PARTITION OF metric_chunk FOR VALUES FROM (20000) TO (20007)`;
  await sql`INSERT INTO metric_chunk (node_id, day, boot, seq, list, start_ms, end_ms, ticks, received_at, cpu)
    VALUES (${nodeId}, 20001, ${randomUUID()}, 1, 'l', 1, 2, 3, 4, ${Buffer.from([0, 1, 92, 255])})`;
  await sql`SELECT nextval('account_uid_next')`;
  await createAudit(database, systemClock).recordAlone({ code: 'A5000I', who: 'system' });
});
afterAll(async () => {
  await database.close();
  await source.drop();
  rmSync(home, { recursive: true });
});

let target: TestDatabase;
let place: string;
let file: string;
const begin = async (): Promise<void> => {
  target = await createTestDatabase();
  place = newFolder();
  file = join(place, 'hauban.backup');
};
const end = async (): Promise<void> => {
  await target.drop();
  rmSync(place, { recursive: true });
};
const backup = () => backUp(file, envOf(home, source.url));
const countOf = async ({ sql }: TestDatabase, table: string): Promise<number> =>
  Number((await sql.unsafe(`SELECT count(*) AS n FROM ${table}`))[0]?.['n']);

describe('a backup', { timeout: 120_000 }, () => {
  beforeEach(begin);
  afterEach(end);

  it('goes on after a table whose end was in a stream that was full, each time', async () => {
    await source.sql`UPDATE node SET policy_text = ${randomUUID().repeat(6000)}`;
    for (let round = 0; round < 8; round += 1) {
      await backup();
      rmSync(file);
    }
    await source.sql`UPDATE node SET policy_text = ''`;
  });

  it('holds the whole controller and brings it back: identity, keys, rows, partitions, counters, audit log', async () => {
    const keys = await useSigner(home, async (client) => client.keys());
    expect(await backup()).toContain('key files');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const plain = readFileSync(file, 'latin1');
    for (const secret of ['debian', 'link_key', '"kty"', linkKey]) expect(plain).not.toContain(secret);
    expect(await restore(file, false, envOf(place, target.url))).toContain('is back');
    const restored = createDatabase({ url: target.url });
    try {
      expect(await identityOf(place, restored)).toMatchObject({
        controllerId: (await identityOf(home, database)).controllerId,
      });
      expect(await createAudit(restored, systemClock).verify()).toMatchObject({ ok: true });
    } finally {
      await restored.close();
    }
    expect(await useSigner(place, async (client) => client.keys())).toEqual(keys);
    // Without it nobody's authenticator app would open the restored account.
    expect(loadTotpKey(join(place, 'controller/totp-key.json'))).toMatchObject({ isComplete: true });
    expect(Buffer.from(loadTotpKey(join(place, 'controller/totp-key.json'))?.key ?? [])).toEqual(
      Buffer.from(totpKey.key),
    );
    const [node] = await target.sql`SELECT host_name, labels, roles, join_counter FROM node`;
    expect(node).toMatchObject({ host_name: 'tab\tand \\N', labels: { rack: '1' }, roles: ['web'] });
    const [chunk] = await target.sql`SELECT cpu, tableoid::regclass::text AS place FROM metric_chunk`;
    expect(chunk).toMatchObject({ cpu: Buffer.from([0, 1, 92, 255]), place: 'metric_chunk_20000' });
    const [uid] = await target.sql`SELECT nextval('account_uid_next')::int AS uid`;
    expect(uid).toEqual({ uid: 100_001 });
    const keysThere = await target.sql`SELECT 1 FROM pg_constraint WHERE contype = 'f'`;
    expect(keysThere).toHaveLength((await source.sql`SELECT 1 FROM pg_constraint WHERE contype = 'f'`).length);
    // The log stays append-only.
    await expect(target.sql`DELETE FROM audit_entry`).rejects.toThrow('append-only');
  });

  it('is one moment, while writes go on', async () => {
    const over = new AbortController();
    const sql = connectAdmin(source.url);
    const writer = (async () => {
      for (let at = 0; !over.signal.aborted; at += 1)
        await sql.begin(async (tx) => {
          await tx`INSERT INTO account_uid (uid, account, allocated_at) VALUES (${200_000 + at}, ${`a${at}`}, 1)`;
          await tx`UPDATE node SET epoch = ${at + 1} WHERE id = ${nodeId}`;
        });
    })();
    try {
      await expect.poll(() => countOf(source, 'account_uid')).toBeGreaterThan(3);
      await backup();
    } finally {
      over.abort();
      await writer;
      await sql.end();
    }
    await restore(file, false, envOf(place, target.url));
    const [node] = await target.sql`SELECT epoch::int AS epoch FROM node`;
    expect(await countOf(target, 'account_uid')).toBe(node?.['epoch']);
  });

  it('is refused by a database or a folder that is not empty, unless told; then nothing of before is left in the way', async () => {
    await backup();
    await target.sql`INSERT INTO person (id, name, role, created_at) VALUES (${randomUUID()}, 'there', 'owner', 1)`;
    const env = envOf(place, target.url);
    await expect(restore(file, false, env)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readdirSync(place)).not.toContain('controller');
    await restore(file, true, env);
    expect(await countOf(target, 'person')).toBe(0);
    await expect(restore(file, false, env)).rejects.toMatchObject({ code: 'CONFLICT' });
    await restore(file, true, env);
    const aside = readdirSync(place).filter((name) => name.includes('.before-restore-'));
    expect(aside).toHaveLength(2);
  });

  it('never overwrites a file, and leaves nothing when it fails', async () => {
    await backup();
    const env = envOf(home, source.url);
    await expect(backUp(join(place, 'none/x'), env)).rejects.toMatchObject({ code: 'FILE_FAILED' });
    await expect(backUp(file, env)).rejects.toMatchObject({ code: 'FILE_FAILED' });
    await expect(backUp(join(place, 'new'), { ...env, DATABASE_URL: target.url })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(readdirSync(place).toSorted()).toEqual(['hauban.backup']);
  });
});

describe('a backup that somebody has had in his hands', { timeout: 120_000 }, () => {
  let kept: Buffer;
  /** Refused in one sentence, and not a row or a file is written. */
  async function expectRefused(says: string, passphrase?: string): Promise<void> {
    await expect(restore(file, true, envOf(place, target.url, passphrase))).rejects.toMatchObject({
      code: 'BACKUP_DAMAGED',
      detail: expect.stringContaining(says) as string,
    });
    expect(await countOf(target, 'node')).toBe(0);
    expect(readdirSync(place).toSorted()).toEqual(['hauban.backup', 'passphrase']);
  }
  const flip = (at: number): void => {
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
  };

  beforeAll(async () => {
    await begin();
    // More than one chunk.
    await source.sql`UPDATE node SET policy_text = ${randomUUID().repeat(6000)}`;
    await backup();
    kept = readFileSync(file);
  }, 120_000);
  beforeEach(() => writeFileSync(file, kept));
  afterAll(end);

  it('with a wrong passphrase', async () => {
    await expectRefused('The passphrase is not the right one', 'another passphrase');
  });

  it('truncated: inside a chunk, between two, to nothing but the line', async () => {
    const size = statSync(file).size;
    const line = readFileSync(file).indexOf('\n') + 1;
    truncateSync(file, size - 1);
    await expectRefused('altered or cut off after');
    truncateSync(file, line + 65_552);
    await expectRefused('was altered');
    truncateSync(file, line);
    await expectRefused('cut off');
    truncateSync(file, 10);
    await expectRefused('no backup of Hauban');
  });

  it('edited: in its line, its first chunk, a later one, its end, and with something behind it', async () => {
    const whole = readFileSync(file);
    const line = whole.indexOf('\n') + 1;
    for (const [at, says] of [
      [line - 6, ''],
      [line + 5, 'The passphrase is not the right one, or the backup was altered'],
      [line + 70_000, 'altered or cut off after 65536 bytes'],
      [whole.length - 1, 'altered or cut off after'],
    ] as const) {
      flip(at);
      await expectRefused(says);
      writeFileSync(file, whole);
    }
    appendFileSync(file, 'x');
    await expectRefused('altered or cut off');
  });

  it('with two chunks in the other order', async () => {
    const whole = readFileSync(file);
    const line = whole.indexOf('\n') + 1;
    const [one, two] = [whole.subarray(line, line + 65_552), whole.subarray(line + 65_552, line + 2 * 65_552)];
    writeFileSync(file, Buffer.concat([whole.subarray(0, line), two, one, whole.subarray(line + 2 * 65_552)]));
    await expectRefused('altered');
  });

  it('of another version: of the file, and of the tables', async () => {
    const whole = readFileSync(file, 'latin1');
    writeFileSync(file, whole.replace('"v":1', '"v":0'), 'latin1');
    await expectRefused('an older or newer version');
    writeFileSync(file, whole, 'latin1');
    await target.sql`DELETE FROM drizzle.__drizzle_migrations WHERE id = (SELECT max(id) FROM drizzle.__drizzle_migrations)`;
    await target.sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('0', 99999999999999)`;
    await expectRefused('made by another version');
  });

  it('that is no whole one inside: without keys, without an end', async () => {
    rmSync(file);
    const sealed = createSealedFile(file, 'correct horse battery');
    const controllerId = randomUUID();
    const manifest = { controllerId, madeAt: 1, migrations: [], partitions: [], sequences: [] };
    sealed.add(encodeHead({ is: 'manifest', ...manifest }));
    sealed.finish();
    await expectRefused('it has no end');
  });
});
