import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, sha256Hex, signAuditExportEnd, signAuditHead } from '@hauban/link';
import { auditSignedLine, type ExportVerdict } from '@hauban/shared/audit';
import { SeededRandom } from '@hauban/shared/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAuditFile } from '../../packages/cli/src/audit-file.ts';
import { createAuditLog, exportOf, type AuditLog } from '../support/audit-log.ts';

const MUTATIONS = 1000;
const ROWS = 40;

let folder: string;
let log: AuditLog;
/** A second log of the same controller and key: what a fork after a restored backup looks like. */
let other: AuditLog;
let clean: string;
let foreign: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hb-'));
  log = createAuditLog({ rows: ROWS, headEvery: 9 });
  const { controller, key } = log;
  other = createAuditLog({ rows: ROWS, headEvery: 9, controller, key, draft: (seq) => (seq > 3 ? { who: 'x' } : {}) });
  clean = await exportOf(log);
  foreign = await exportOf(other);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function check(bytes: string | Uint8Array, witnesses: readonly string[] = []): Promise<ExportVerdict> {
  const path = join(folder, 'export.jsonl');
  writeFileSync(path, bytes);
  return verifyAuditFile({ path, keys: [log.key.publicText], witnesses });
}

interface Dice {
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
}
const diceOf = (seed: number): Dice => {
  const random = new SeededRandom(seed);
  const below = (limit: number): number => Math.floor(random.unit() * limit);
  return { below, pick: (items) => items[below(items.length)]! };
};

/** Every line with its line feed: 1 first line, rows, heads, the end. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/);

const KINDS: Readonly<Record<string, (dice: Dice) => string | Uint8Array>> = {
  edit: (dice) => {
    const bytes = Buffer.from(clean);
    bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8);
    return bytes;
  },
  'edit a value': (dice) => {
    const lines = linesOf(clean);
    const at = 1 + dice.below(lines.length - 2);
    const value = JSON.parse(lines[at]!) as Record<string, unknown>;
    const name = dice.pick(Object.keys(value));
    const old = value[name];
    value[name] = typeof old === 'number' ? old + 1 : `${String(old)}x`;
    lines[at] = `${JSON.stringify(value)}\n`;
    return lines.join('');
  },
  'rewrite a line in another form': (dice) => {
    const lines = linesOf(clean);
    const at = dice.below(lines.length);
    lines[at] = dice.pick([
      ` ${lines[at]!}`,
      lines[at]!.replace('\n', '\r\n'),
      lines[at]!.replace('{', '{ '),
      `\n${lines[at]!}`,
    ]);
    return lines.join('');
  },
  delete: (dice) => {
    const lines = linesOf(clean);
    lines.splice(dice.below(lines.length), 1 + dice.below(3));
    return lines.join('');
  },
  insert: (dice) => {
    const lines = linesOf(clean);
    const source = dice.pick([lines, linesOf(foreign)]);
    lines.splice(dice.below(lines.length + 1), 0, dice.pick(source));
    return lines.join('');
  },
  reorder: (dice) => {
    const lines = linesOf(clean);
    const [line] = lines.splice(dice.below(lines.length), 1);
    lines.splice(dice.below(lines.length + 1), 0, line!);
    return lines.join('');
  },
  truncate: (dice) => Buffer.from(clean).subarray(0, dice.below(Buffer.byteLength(clean))),
  'swap of two logs': (dice) => {
    const [ours, theirs] = [linesOf(clean), linesOf(foreign)];
    const from = 1 + dice.below(ours.length - 2);
    const to = from + 1 + dice.below(ours.length - from);
    return [...ours.slice(0, from), ...theirs.slice(from, to), ...ours.slice(to)].join('');
  },
};

describe('an audit export', () => {
  it('that was not touched passes', async () => {
    expect(await check(clean)).toMatchObject({ ok: true, rows: ROWS, heads: 5, end: { controller: log.controller } });
  });

  it(`with one of ${MUTATIONS} seeded mutations is refused, each with one sentence`, async () => {
    const unseen: string[] = [];
    const counts = new Map<string, number>();
    let made = 0;
    for (let seed = 1; made < MUTATIONS; seed += 1) {
      const dice = diceOf(seed);
      const kind = dice.pick(Object.keys(KINDS));
      const mutated = KINDS[kind]!(dice);
      // Nothing changed: the draw hit two equal lines, or moved one to where it was.
      if (Buffer.from(mutated).equals(Buffer.from(clean))) continue;
      made += 1;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const verdict = await check(mutated);
      if (verdict.ok) unseen.push(`seed ${seed}: ${kind}`);
      else expect(verdict.problem).toMatch(/^(?:Row \d+|One of the rows \d+ to \d+|The export) .+\.$/);
    }
    expect(unseen).toEqual([]);
    expect(counts.size).toBe(Object.keys(KINDS).length);
  });

  it.each([
    ['an edited row', (lines: string[]) => void (lines[5] = lines[5]!.replace('person-5', 'person-6')), 5],
    ['a missing row', (lines: string[]) => void lines.splice(7, 1), 7],
    ['a row twice', (lines: string[]) => void lines.splice(4, 0, lines[4]!), 5],
    ['two rows in the wrong order', (lines: string[]) => void lines.splice(2, 2, lines[3]!, lines[2]!), 2],
  ])('names the first bad row of %s', async (_name, attack, seq) => {
    const lines = linesOf(clean);
    attack(lines);
    expect(await check(lines.join(''))).toMatchObject({ ok: false, seq });
  });
});

describe('an attacker who rewrites the log from a row on', () => {
  it('with all hashes made anew, is found at the next head', async () => {
    const forged = createAuditLog({
      rows: ROWS,
      headEvery: 9,
      controller: log.controller,
      draft: (seq) => (seq === 12 ? { who: 'nobody' } : {}),
    });
    const text = await exportOf({ ...forged, heads: log.heads });
    expect(await check(text)).toMatchObject({ ok: false, problem: expect.stringContaining('rows 10 to 18') });
    const ours = createAuditLog({ rows: ROWS, headEvery: 9, controller: log.controller, key: createKeyPair() });
    expect(await check(await exportOf(ours))).toMatchObject({ ok: false });
  });

  it('with the controller’s own key, is found by what a witness kept', async () => {
    const path = join(folder, 'witness.jsonl');
    writeFileSync(path, `${auditSignedLine('head', log.heads.get(18)!)}\n${log.heads.get(27)!}\n`);
    expect(await check(clean, [path])).toMatchObject({ ok: true });
    expect(await check(foreign)).toMatchObject({ ok: true });
    expect(await check(foreign, [path])).toMatchObject({
      ok: false,
      problem: expect.stringContaining('rows 10 to 18'),
    });
  });

  it('or restores an old backup and signs it again, is found by what a witness kept', async () => {
    const path = join(folder, 'witness.jsonl');
    writeFileSync(path, auditSignedLine('head', log.heads.get(ROWS)!) + '\n');
    const old = createAuditLog({ ...log, rows: 9, headEvery: 9 });
    const { controller, key } = log;
    expect(
      await check(await exportOf({ ...old, controller, key, rows: log.rows.slice(0, 9), heads: log.heads }), [path]),
    ).toMatchObject({
      ok: false,
      seq: 10,
    });
  });

  it('or gives a head in the place of an end, or an end of another log, is refused', async () => {
    const last = log.rows.at(-1)!;
    const head = { v: 1, controller: log.controller, seq: ROWS, hash: last.hash, at: 1 } as const;
    for (const jws of [
      signAuditHead(head, log.key),
      signAuditExportEnd({ ...head, heads: 5, headsHash: sha256Hex('x') }, log.key),
    ]) {
      const text = [...linesOf(clean).slice(0, -1), `${auditSignedLine('end', jws)}\n`].join('');
      expect(await check(text)).toMatchObject({ ok: false });
    }
  });
});
