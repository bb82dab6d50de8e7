import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, sha256Hex, signAuditHead, type KeyPair } from '@hauban/link';
import type { AuditHead } from '@hauban/shared/audit';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditWitness } from '../../packages/agent/src/link/index.ts';
import { loadKeptHead, storeKeptHead } from '../../packages/agent/src/store/audit-head-file.ts';
import { FakeAgent } from '../support/fake-agent.ts';
import { FakeController } from '../support/fake-controller.ts';
import { createControllerState } from '../support/fake-services.ts';
import { waitFor } from '../support/wait-for.ts';

const headOf = (controller: string, key: KeyPair, change: Partial<AuditHead> = {}): string =>
  signAuditHead({ v: 1, controller, seq: 7, hash: sha256Hex('7'), at: 1, ...change }, key);

describe('heads of the audit log on the link', () => {
  let clock: FakeClock;
  let controller: FakeController;
  let agent: FakeAgent;
  let first: string;

  beforeEach(async () => {
    clock = new FakeClock();
    const state = createControllerState();
    first = headOf(state.identity.controllerId, state.identity.key);
    controller = await FakeController.start({ clock, state: { ...state, auditHead: first } });
    agent = await FakeAgent.start(controller, { clock });
  });
  afterEach(async () => {
    await agent.stop();
    await controller.stop();
  });

  it('AUDIT1 AUDIT3 the newest head follows each status; a later one is kept, and told at the next link', async () => {
    await waitFor('the first head', () => agent.keptHead?.jws === first);
    expect(controller.told.auditHeads[0]).toBeNull();
    const { controllerId, key } = controller.identity;
    const second = headOf(controllerId, key, { seq: 9 });
    controller.gateway.links.all().forEach((link) => void link.sendAuditHead(second));
    await waitFor('the second head', () => agent.keptHead?.seq === 9);
    controller.cutAll();
    await waitFor('the loss', () => agent.keeper.phase === 'waiting');
    clock.advance(60_000);
    await waitFor('the report', () => controller.told.auditHeads.includes(second));
    expect(controller.told.faults).toEqual([]);
  });
});

describe('a node as a witness', () => {
  const key = createKeyPair();
  const controllerId = randomUUID();
  let folder: string;
  let path: string;
  let warnings: string[];
  const witness = (): AuditWitness =>
    new AuditWitness({
      log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message), error: () => undefined },
      load: () => loadKeptHead(path),
      store: (head) => storeKeptHead(path, head),
      controller: () => ({ controllerId, controllerKeys: [key.publicText] }),
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hb-'));
    path = join(folder, 'audit-head.json');
    warnings = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('AUDIT2 keeps the newest head on disk, over a restart', () => {
    const newest = headOf(controllerId, key, { seq: 8 });
    const one = witness();
    one.take(headOf(controllerId, key));
    one.take(newest);
    expect(warnings).toEqual([]);
    expect(witness().newest).toBe(newest);
    expect(readFileSync(path, 'utf8')).toContain(newest);
  });

  it.each([
    ['an older row: a log that has gone back', () => headOf(controllerId, key, { seq: 6 })],
    ['the same row with another hash: a rewritten log', () => headOf(controllerId, key, { hash: sha256Hex('x') })],
    ['a foreign key', () => headOf(controllerId, createKeyPair(), { seq: 8 })],
    ['another controller', () => headOf(randomUUID(), key, { seq: 8 })],
    ['an altered text', () => `${headOf(controllerId, key, { seq: 8 }).slice(0, -3)}AAA`],
    ['another document of the same key', () => headOf(controllerId, key, { seq: 8 }).replace(/^[^.]+/, 'e30')],
    ['garbage', () => 'x'],
  ])('AUDIT2 does not keep %s, and logs it', (_name, attack) => {
    const one = witness();
    const kept = headOf(controllerId, key);
    one.take(kept);
    one.take(attack());
    expect(one.newest).toBe(kept);
    expect(warnings).toHaveLength(1);
  });

  it('AUDIT2 a head that cannot be stored does not count', () => {
    const one = witness();
    path = join(folder, 'absent', 'audit-head.json');
    one.take(headOf(controllerId, key));
    expect(one.newest).toBeNull();
    expect(warnings).toHaveLength(1);
  });

  it.each(['', '{', '{"v":1}', 'x'.repeat(10_000)])(
    'AUDIT3 a damaged file (%#) is told as none and replaced',
    (text) => {
      writeFileSync(path, text);
      const one = witness();
      expect(one.newest).toBeNull();
      one.take(headOf(controllerId, key));
      expect(witness().newest).toBe(headOf(controllerId, key));
    },
  );
});
