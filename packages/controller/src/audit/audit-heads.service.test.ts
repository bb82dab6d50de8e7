import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  auditCrypto,
  createKeyPair,
  linkStepHash,
  signAuditHead,
  signLinkStep,
  systemRandom,
  type KeyPair,
} from '@hauban/link';
import { createExportVerifier, openAuditHead, type ExportVerdict } from '@hauban/shared/audit';
import type { LinkStep, SignedLinkStep } from '@hauban/shared/protocol';
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
let linkSteps: SignedLinkStep[];
const identity = { controllerId: randomUUID(), key: createKeyPair() };
const nodeId = randomUUID();
const by = { name: 'owner', address: '192.0.2.1' };

beforeEach(async () => {
  fixture = await createTestDatabase();
  database = createDatabase({ url: fixture.url });
  clock = new FakeClock();
  folder = mkdtempSync(join(tmpdir(), 'hb-'));
  [told, witnesses, linkSteps] = [[], [], []];
  identity.key = createKeyPair();
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
    linkKeys: {
      get steps() {
        return linkSteps;
      },
      refresh: async () => false,
    },
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

async function textOf(text: AsyncGenerator<string>): Promise<string> {
  let source = '';
  for await (const piece of text) source += piece;
  return source;
}

const verdictOf = async (text: AsyncGenerator<string>): Promise<ExportVerdict> =>
  verdictBy(await textOf(text), identity.key);

function verdictBy(source: string, key: KeyPair): ExportVerdict {
  const verifier = createExportVerifier(auditCrypto, { keys: [key.publicText], witnessed: [] });
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

  it('are signed of no empty log, which would be a statement about nothing', async () => {
    const { auditHeads } = parts();
    await expect(auditHeads.closing()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('close an export: what somebody writes behind its end is not taken for a part of it', async () => {
    const { audit, auditHeads, auditExport } = parts();
    await write(audit, 'a');
    await auditHeads.beat();
    const source = await textOf(await auditExport(by));
    expect(verdictBy(source, identity.key)).toMatchObject({ ok: true });
    const row = source.split('\n').find((line) => line.startsWith('{"t":"row"')) ?? '';
    for (const more of [row, '{}']) expect(verdictBy(`${source}${more}\n`, identity.key)).toMatchObject({ ok: false });
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

  it('with its own signed end once more behind its end is refused, so that nothing can be hung on', async () => {
    const { audit, auditHeads, auditExport } = parts();
    await write(audit, 'a');
    await auditHeads.beat();
    const whole = await textOf(await auditExport(by));
    const end = whole.split('\n').at(-2) ?? '';
    expect(end).toContain('"t":"end"');
    expect(verdictBy(whole, identity.key)).toMatchObject({ ok: true });
    expect(verdictBy(`${whole}${end}\n`, identity.key)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('behind the end'),
    });
  });

  /** The next link key follows on the one in use, whose time ends now. */
  async function rotate(): Promise<KeyPair> {
    const [before, next] = [identity.key, createKeyPair()];
    const last = linkSteps.at(-1) ?? null;
    const step: LinkStep = {
      v: 1,
      is: 'hauban-link-step',
      controller: identity.controllerId,
      version: linkSteps.length + 2,
      previous: last === null ? null : linkStepHash(stepIn(last)),
      before: before.publicText,
      next: next.publicText,
      authority: 1,
      issuedAt: clock.nowMs(),
      retireAt: clock.nowMs(),
    };
    linkSteps.push(await sealStep(step, before, next));
    identity.key = next;
    return before;
  }
  const stepIn = ({ byNext }: SignedLinkStep): LinkStep =>
    JSON.parse(Buffer.from(byNext.split('.')[1] ?? '', 'base64url').toString()) as LinkStep;
  const sealStep = async (step: LinkStep, before: KeyPair, next: KeyPair): Promise<SignedLinkStep> => ({
    byAuthority: 'e30.e30.e30',
    byBefore: await signLinkStep(step, before),
    byNext: await signLinkStep(step, next),
  });
  /** Three keys, with a row and a head by each. */
  async function rotatedLog() {
    const made = parts();
    const keys: KeyPair[] = [];
    for (const who of ['a', 'b', 'c']) {
      await write(made.audit, who);
      await made.auditHeads.beat();
      clock.advance(600_000);
      if (who !== 'c') keys.push(await rotate());
    }
    return { ...made, keys: [...keys, identity.key] as [KeyPair, KeyPair, KeyPair] };
  }

  it('KEYS23 over two rotations is whole by any one of its keys', async () => {
    const { auditExport, keys } = await rotatedLog();
    const source = await textOf(await auditExport(by));
    for (const key of keys) expect(verdictBy(source, key)).toMatchObject({ ok: true, rows: 4, heads: 4 });
    expect(verdictBy(source, createKeyPair())).toMatchObject({
      ok: false,
      problem: expect.stringContaining('do not lead to a key that was given'),
    });
  });

  it('KEYS23 a head by the replaced key, stolen, after its time is found', async () => {
    const { audit, auditHeads, auditExport, keys } = await rotatedLog();
    await write(audit, 'd');
    const newest = identity.key;
    [identity.key] = keys;
    await auditHeads.beat();
    identity.key = newest;
    const source = await textOf(await auditExport(by));
    expect(verdictBy(source, newest)).toMatchObject({
      ok: false,
      seq: 4,
      problem: expect.stringContaining('by a link key outside its time'),
    });
  });

  it('KEYS23 the same with an old time in it is found by the time of the row', async () => {
    const { audit, auditExport, keys } = await rotatedLog();
    await write(audit, 'd');
    const [{ seq, hash, at: writtenAt } = { seq: 0, hash: '', at: 0 }] = (await audit.list({ limit: 1 })).rows;
    const at = writtenAt - 1_200_000;
    const jws = signAuditHead({ v: 1, controller: identity.controllerId, seq, hash, at }, keys[0]);
    await fixture.sql`INSERT INTO audit_head ${fixture.sql({ seq, hash, at, key: keys[0].publicText, jws })}`;
    expect(verdictBy(await textOf(await auditExport(by)), identity.key)).toMatchObject({ ok: false, seq: 4 });
  });

  it('KEYS23 a second successor that a stolen old key names is found', async () => {
    const { auditExport, keys } = await rotatedLog();
    const stranger = createKeyPair();
    const [first] = linkSteps as [SignedLinkStep, SignedLinkStep];
    linkSteps.push(await sealStep({ ...stepIn(first), next: stranger.publicText }, keys[0], stranger));
    expect(verdictBy(await textOf(await auditExport(by)), identity.key)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('steps between link keys'),
    });
  });

  it('KEYS23 a step that is not signed by both keys, or is of another controller, is found', async () => {
    const { auditExport, keys } = await rotatedLog();
    const [first, second] = linkSteps as [SignedLinkStep, SignedLinkStep];
    const foreign = { ...stepIn(first), controller: randomUUID() };
    for (const bad of [
      { ...first, byNext: second.byNext },
      { ...first, byBefore: await signLinkStep(stepIn(first), createKeyPair()) },
      await sealStep(foreign, keys[0], keys[1]),
    ]) {
      linkSteps = [bad, second];
      expect(verdictBy(await textOf(await auditExport(by)), identity.key)).toMatchObject({ ok: false, seq: null });
    }
  });
});
