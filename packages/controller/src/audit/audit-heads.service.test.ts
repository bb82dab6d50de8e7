import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditCrypto, createKeyPair, signAuditHead, systemRandom } from '@hauban/link';
import { createExportVerifier, openAuditHead, type ExportVerdict } from '@hauban/shared/audit';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/postgres-database.ts';
import { createAudit, createAuditEvidence } from '../compose-audit.ts';
import { createDatabase, type Database } from '../db/index.ts';
import { createLog } from '../runtime/index.ts';
import type { OutsideWitness } from './outside-witness.ts';
import { createWitnessFile } from './witness-file.ts';
import { createWitnessUrl } from './witness-url.ts';

let fixture: TestDatabase;
let database: Database;
let clock: FakeClock;
let told: string[];
let folder: string;
let witnesses: OutsideWitness[];
const identity = { controllerId: randomUUID(), key: createKeyPair() };
const nodeId = randomUUID();
const by = { name: 'owner', address: '192.0.2.1' };

beforeEach(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  clock = new FakeClock();
  folder = mkdtempSync(join(tmpdir(), 'hb-'));
  [told, witnesses] = [[], []];
});
afterEach(async () => {
  await database.close();
  await fixture.drop();
  rmSync(folder, { recursive: true });
});

/** The controller's audit parts; a second call is a controller that was started anew. */
function parts() {
  const audit = createAudit(database, clock);
  const { transaction, together } = database;
  const shared = { audit, transaction, together, clock, random: systemRandom, log: createLog('silent') };
  const needs = {
    identity,
    witnesses,
    hostNameOf: async () => 'web1',
    tellNodes: (jws: string) => void told.push(jws),
  };
  return { audit, ...createAuditEvidence(shared, database, needs) };
}
const write = (audit: ReturnType<typeof parts>['audit'], who: string): Promise<void> =>
  audit.recordAlone({ code: 'A3000I', who });
const codes = async (audit: ReturnType<typeof parts>['audit']): Promise<string[]> =>
  (await audit.list({ limit: 1000 })).rows.map(({ code }) => code);

async function verdictOf(text: AsyncGenerator<string>): Promise<ExportVerdict> {
  let source = '';
  for await (const piece of text) source += piece;
  const verifier = createExportVerifier(auditCrypto, { keys: [identity.key.publicText], witnessed: [] });
  for (const line of source.split('\n').slice(0, -1)) if (!verifier.line(line)) break;
  return verifier.finish();
}

describe('heads', () => {
  it('are signed each minute when there are new rows, and told to nodes once', async () => {
    const { audit, auditHeads } = parts();
    await auditHeads.start();
    expect(told).toEqual([]);
    await write(audit, 'a');
    await auditHeads.beat();
    await auditHeads.beat();
    expect(told).toHaveLength(1);
    expect(openAuditHead(told.join(), [identity.key.publicText], auditCrypto)).toMatchObject({ seq: 1 });
    await write(audit, 'b');
    clock.advance(60_000);
    await expect.poll(() => told.length).toBe(2);
    expect(await auditHeads.seen({ nodeId }, null)).toBe(told[1]);
    await auditHeads.stop();
  });

  it('are append-only: an attacker with SQL cannot take one back through the table', async () => {
    const { audit, auditHeads } = parts();
    await write(audit, 'a');
    await auditHeads.beat();
    for (const attack of ['UPDATE audit_head SET hash = $$x$$', 'DELETE FROM audit_head', 'TRUNCATE audit_head'])
      await expect(fixture.sql.unsafe(attack)).rejects.toThrow('append-only');
  });

  it('go into the witness file, each once', async () => {
    const path = join(folder, 'heads.jsonl');
    witnesses = [createWitnessFile(path)];
    const { audit, auditHeads } = parts();
    for (const who of ['a', 'b']) {
      await write(audit, who);
      await auditHeads.beat();
    }
    expect(readFileSync(path, 'utf8').trim().split('\n')).toEqual(
      told.map((jws) => JSON.stringify({ t: 'head', jws })),
    );
    expect(await createWitnessFile(path).lastKept()).toBe(told.at(-1));
  });

  it('that an outside witness does not take are told in the log once, and again when it is back', async () => {
    const bodies: string[] = [];
    let status = 500;
    const server: Server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => void bodies.push(text));
      request.on('end', () => response.writeHead(status).end());
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const { port } = server.address() as AddressInfo;
      witnesses = [createWitnessUrl(new URL(`http://127.0.0.1:${port}/hook?secret=s3cret`))];
      const { audit, auditHeads } = parts();
      await write(audit, 'a');
      await auditHeads.beat();
      await auditHeads.beat();
      expect(await codes(audit)).toEqual(['A6020E', 'A3000I']);
      expect(JSON.stringify(await audit.list({}))).not.toContain('s3cret');
      expect(await auditHeads.state()).toMatchObject({ witnesses: [{ problem: expect.stringContaining('500') }] });
      status = 204;
      await auditHeads.beat();
      expect(await codes(audit)).toContain('A6021I');
      expect(bodies.at(-1)).toBe(told.at(-1));
    } finally {
      await new Promise((done) => server.close(done));
    }
  });
});

describe('what a witness tells back', () => {
  /** As when the database is replaced by a copy of before row `from`. */
  const restore = async (from: number): Promise<void> => {
    await fixture.sql.unsafe(`
      ALTER TABLE audit_entry DISABLE TRIGGER ALL; ALTER TABLE audit_head DISABLE TRIGGER ALL;
      DELETE FROM audit_entry WHERE seq >= ${from}; DELETE FROM audit_head WHERE seq >= ${from};
      UPDATE audit_tail SET seq = ${from} - 1, hash = (SELECT hash FROM audit_entry WHERE seq = ${from} - 1);
      ALTER TABLE audit_entry ENABLE TRIGGER ALL; ALTER TABLE audit_head ENABLE TRIGGER ALL`);
  };
  const signedLog = async (): Promise<string> => {
    const { audit, auditHeads } = parts();
    for (const who of ['a', 'b', 'c', 'd', 'e']) {
      await write(audit, who);
      if (who === 'b') await auditHeads.beat();
    }
    await auditHeads.beat();
    return told.at(-1)!;
  };

  it('finds out a controller that was restored from an old backup, once, until an owner takes note', async () => {
    const head = await signedLog();
    await restore(3);
    const { audit, auditHeads, auditFindings } = parts();
    await auditHeads.seen({ nodeId }, head);
    await auditHeads.seen({ nodeId }, head);
    await parts().auditHeads.seen({ nodeId: randomUUID() }, head);
    const { findings } = await auditHeads.state();
    expect(findings).toMatchObject([{ kind: 'behind', seq: 5, nodeId, hostName: 'web1' }]);
    expect((await codes(audit)).filter((code) => code === 'A6010E')).toHaveLength(1);
    const id = findings.map((finding) => finding.id).join();
    await auditFindings.acknowledge(id, by);
    expect((await auditHeads.state()).findings).toEqual([]);
    await expect(auditFindings.acknowledge(id, by)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await codes(audit)).toContain('A6012I');
  });

  it('finds out a log that goes on from an old backup', async () => {
    const head = await signedLog();
    await restore(3);
    const { audit, auditHeads } = parts();
    for (const who of ['f', 'g', 'h', 'i']) await write(audit, who);
    await auditHeads.seen({ nodeId }, head);
    expect(await codes(audit)).toContain('A6011E');
  });

  it('AUDIT3 is found out from the witness file at the start', async () => {
    witnesses = [createWitnessFile(join(folder, 'heads.jsonl'))];
    await signedLog();
    await restore(3);
    const { audit, auditHeads } = parts();
    await auditHeads.start();
    expect(await codes(audit)).toContain('A6010E');
    await auditHeads.stop();
  });

  it.each([
    [
      'a foreign key',
      () =>
        signAuditHead(
          { v: 1, controller: identity.controllerId, seq: 99, hash: '0'.repeat(64), at: 1 },
          createKeyPair(),
        ),
    ],
    [
      'another controller',
      () => signAuditHead({ v: 1, controller: randomUUID(), seq: 99, hash: '0'.repeat(64), at: 1 }, identity.key),
    ],
    ['no signature at all', () => 'e30.e30.e30'],
  ])('AUDIT3 is no evidence with %s: a hostile node raises no alarm', async (_name, attack) => {
    const { audit, auditHeads } = parts();
    await write(audit, 'a');
    await auditHeads.seen({ nodeId }, attack());
    expect(await codes(audit)).toEqual(['A3000I']);
  });
});

describe('an export', () => {
  it('holds its own entry and all heads, and is whole; a row changed in the database is named', async () => {
    const { audit, auditHeads, auditExport } = parts();
    for (const who of ['a', 'b', 'c']) {
      await write(audit, who);
      await auditHeads.beat();
    }
    expect(await verdictOf(await auditExport(by))).toMatchObject({ ok: true, rows: 4, heads: 4 });
    await fixture.sql.unsafe(
      `ALTER TABLE audit_entry DISABLE TRIGGER ALL; UPDATE audit_entry SET who = 'z' WHERE seq = 2`,
    );
    expect(await verdictOf(await auditExport(by))).toMatchObject({ ok: false, seq: 2 });
  });
});
