import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Change } from '@hauban/shared/actions';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UndoStore, type UndoLimits } from './undo-store.ts';

let folder: string;
let clock: FakeClock;
const open: UndoStore[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-undo-'));
  clock = new FakeClock();
});
afterEach(() => {
  for (const store of open.splice(0)) store.close();
  rmSync(folder, { recursive: true, force: true });
});

function store(limits?: UndoLimits): UndoStore {
  const one = new UndoStore(folder, clock, limits);
  open.push(one);
  return one;
}

const order = (): { id: string; action: string; actionVersion: number; args: object } => ({
  id: randomUUID(),
  action: 'files.write',
  actionVersion: 1,
  args: {},
});
const link = (path: string, target = 'x'): Change => ({ kind: 'symlink', path, before: null, after: target });
const files = (): readonly string[] => readdirSync(folder).filter((name) => name.endsWith('.json'));

describe('what orders changed is kept', () => {
  it('over a restart, with what was undone', async () => {
    const [one, two] = [order(), order()];
    const first = store();
    await first.keep(one, ['a'], [link('/a')]);
    await first.keep(two, ['b'], [link('/b')]);
    await first.undone(one.id, two.id);
    const second = store();
    expect(second.find(one.id)).toMatchObject({ undoneBy: two.id, locks: ['a'] });
    expect(second.find(two.id)).toMatchObject({ undoneBy: null });
    expect(second.changesOf(two.id)).toEqual([link('/b')]);
  });

  it('and not believed when something else lies in its place', async () => {
    const one = order();
    const kept = store();
    await kept.keep(one, ['a'], [link('/a')]);
    for (const json of ['{"0":{"kind":"symlink"},"length":1}', 'null', '"x"']) {
      const sum = crc32(json).toString(16).padStart(8, '0');
      writeFileSync(join(folder, `${one.id}.json`), `${sum}\n${json}`);
      expect(kept.changesOf(one.id)).toBeNull();
    }
  });

  it('for its time, its number of orders and its bytes: the oldest goes first, its file too', async () => {
    const limits = { ageMs: 1000, orders: 3, bytes: 100_000 };
    const kept = store(limits);
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const one = order();
      ids.push(one.id);
      await kept.keep(one, [], [link(`/${i}`)]);
    }
    expect(ids.map((id) => kept.find(id) !== null)).toEqual([false, false, true, true, true]);
    expect(files()).toHaveLength(3);
    const large = order();
    await kept.keep(large, [], [link('/large', 'x'.repeat(99_900))]);
    expect(kept.find(large.id)).not.toBeNull();
    expect(files()).toHaveLength(1);
    clock.advance(1001);
    const last = order();
    await kept.keep(last, [], [link('/last')]);
    expect(kept.find(large.id)).toBeNull();
    expect(files()).toEqual([`${last.id}.json`]);
  });

  it('a file that a crash left without an entry goes at the next start; a torn index is cut off', async () => {
    const one = order();
    await store().keep(one, [], [link('/a')]);
    writeFileSync(join(folder, `${randomUUID()}.json`), 'left');
    appendFileSync(join(folder, 'index'), '01234567 {"t":"undone"');
    const again = store();
    expect(again.find(one.id)).toMatchObject({ undoneBy: null });
    expect(files()).toEqual([`${one.id}.json`]);
  });

  it('changes that the disk altered are not undone by', async () => {
    const one = order();
    const kept = store();
    await kept.keep(one, [], [link('/a')]);
    writeFileSync(join(folder, `${one.id}.json`), '00000000\n[]');
    expect(kept.changesOf(one.id)).toBeNull();
  });
});

describe('which order comes first', () => {
  it('one that changed the same thing, or held the lock of the same one thing; a lock of a whole service is nothing', async () => {
    const kept = store();
    const [base, sameService, samePath, sameAccount] = [order(), order(), order(), order()];
    const later = (): string | null => {
      const entry = kept.find(base.id);
      return entry === null ? null : kept.laterThan(entry);
    };
    await kept.keep(order(), ['account:a'], [link('/a')]);
    await kept.keep(base, ['account:a', 'apache'], [link('/a')]);
    expect(later()).toBeNull();
    await kept.keep(sameService, ['account:b', 'apache'], [link('/b')]);
    expect(later()).toBeNull();
    await kept.keep(samePath, ['apache'], [link('/a', 'y')]);
    expect(later()).toBe(samePath.id);
    await kept.keep(sameAccount, ['account:a'], [link('/c')]);
    expect(later()).toBe(sameAccount.id);
    await kept.undone(sameAccount.id, randomUUID());
    await kept.undone(samePath.id, randomUUID());
    expect(later()).toBeNull();
  });
});
