import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionDefinition, Change, Verified } from '@hauban/shared/actions';
import { FakeClock } from '@hauban/shared/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratchActions, createScratchHost } from '../support/scratch-host.ts';
import { runAction, undoneResult, type RunEnd } from '../../packages/agent/src/executor/run-action.ts';

const never = new Promise<never>(() => undefined);
const holds: Verified = { name: 'file', ok: true, saw: 'file' };
const fails: Verified = { name: 'file', ok: false, saw: 'absent' };

let folder = '';
let clock: FakeClock;
let begun: (readonly Change[])[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hauban-run-action-'));
  clock = new FakeClock();
  begun = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (index: number): string => join(folder, `a-${index}.txt`);

interface Asked {
  readonly mode?: 'plan' | 'apply';
  readonly planHash?: string | null;
  readonly count?: number;
  readonly step?: (index: number, what: string) => void;
}

/** The action that writes files, with these parts in the place of its own. */
async function run(change: Partial<ActionDefinition> = {}, asked: Asked = {}): Promise<RunEnd> {
  const action = createScratchActions(folder).get('files.write');
  if (action === undefined) throw new TypeError('the scratch actions write files');
  return await runAction({
    order: { mode: asked.mode ?? 'apply', planHash: asked.planHash ?? null },
    action: { ...action, ...change },
    args: { set: 'a', count: asked.count ?? 2, content: 'new' },
    host: createScratchHost({ folder, delayMs: 0, dieAt: 0 }),
    clock,
    begin: async (changes) => void begun.push(changes),
    step: asked.step ?? (() => undefined),
    progress: () => undefined,
  });
}

const says = async (running: Promise<RunEnd>): Promise<string> => {
  const { result } = await running;
  return `${result.outcome} ${result.code ?? ''} ${result.detail}`;
};

/** Lets everything that was promised happen, then the time of the action pass. */
async function passTime(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(ms);
}

describe('an action', () => {
  it('changes, verifies and says so; with nothing to change it says that', async () => {
    expect(await says(run())).toBe('succeeded  2 changes');
    expect(readFileSync(file(1), 'utf8')).toBe('new');
    expect(begun).toHaveLength(1);
    expect(await says(run())).toBe('unchanged  it is so already');
    expect(begun).toHaveLength(1);
  });

  it('that is only planned changes nothing, and is not begun', async () => {
    expect(await says(run({}, { mode: 'plan' }))).toBe('succeeded  2 changes');
    expect(existsSync(file(0))).toBe(false);
    expect(begun).toEqual([]);
    await run();
    expect(await says(run({}, { mode: 'plan' }))).toBe('unchanged  it is so already');
  });

  it('runs by the hash of its plan, and by no other', async () => {
    expect(await says(run({}, { planHash: 'f'.repeat(64) }))).toMatch(/^refused PLAN_CHANGED /);
    expect(existsSync(file(0))).toBe(false);
    const { result } = await run({}, { mode: 'plan' });
    expect(await says(run({}, { planHash: (result.plan as { readonly hash: string }).hash }))).toMatch(/^succeeded/);
  });

  it('that refuses its own plan, or whose rehearsal fails, changes nothing', async () => {
    const refused = { ok: false, code: 'BAD_REQUEST', detail: 'not here' } as const;
    expect(await says(run({ plan: async () => refused }))).toBe('refused BAD_REQUEST not here');
    expect(await says(run({ rehearse: async () => refused }))).toBe('refused BAD_REQUEST not here');
    expect(existsSync(file(0))).toBe(false);
    expect(begun).toEqual([]);
  });

  it.each(['plan', 'rehearse', 'verify'] as const)('whose %s does not end fails in its time', async (part) => {
    const count = part === 'verify' ? 0 : 2;
    const running = says(run({ [part]: () => never }, { count }));
    await passTime(60_000);
    expect(await running).toMatch(/^failed ACTION_TIMEOUT .*nothing was changed$/);
    expect(existsSync(file(0))).toBe(false);
  });

  it('that only reads is not verified; any other is, also with nothing to change', async () => {
    const verify = async (): Promise<readonly Verified[]> => [holds, fails];
    expect(await says(run({ readOnly: true, verify }, { count: 0 }))).toBe('succeeded  done');
    expect(await says(run({ verify }, { count: 0 }))).toBe(
      'failed VERIFY_FAILED nothing was to be changed, but file: absent',
    );
  });

  it('whose effect is not there, or is not seen in time, is undone', async () => {
    expect(await says(run({ verify: async () => [holds, fails] }))).toMatch(
      /^failed VERIFY_FAILED .*file: absent; everything was undone$/,
    );
    expect(existsSync(file(0))).toBe(false);
    let isAsked = false;
    const verify = (): Promise<never> => {
      isAsked = true;
      return never;
    };
    const running = says(run({ verify }));
    await expect.poll(() => isAsked).toBe(true);
    await passTime(60_000);
    expect(await running).toMatch(/^failed VERIFY_FAILED .*did not end in time; everything was undone$/);
    expect(existsSync(file(0))).toBe(false);
  });

  it('with no time left begins no further change, and takes back those before it', async () => {
    const step = (index: number, what: string): void => {
      if (index === 0 && what === 'applied') clock.advance(60_000);
    };
    expect(await says(run({}, { step }))).toMatch(/^failed ACTION_TIMEOUT there was no time left .*was undone$/);
    expect(existsSync(file(0))).toBe(false);
    expect(existsSync(file(1))).toBe(false);
  });

  it('with a step that fails is undone, and says which', async () => {
    const plan: ActionDefinition['plan'] = async () => ({
      ok: true,
      notes: [],
      changes: [0, 1].map((index) => {
        const path = index === 0 ? file(0) : join(folder, 'no-such-folder', 'file');
        return { kind: 'file', path, before: null, after: { mode: 0o644, uid: 0, gid: 0, content: 'new' } };
      }),
    });
    expect(await says(run({ plan }))).toMatch(/^failed ACTION_FAILED .*no-such-folder.*everything was undone$/);
    expect(existsSync(file(0))).toBe(false);
  });

  it('that could not be undone is undetermined, never failed', () => {
    expect(undoneResult('VERIFY_FAILED', 'why', [], {})).toMatchObject({ outcome: 'failed', code: 'VERIFY_FAILED' });
    expect(undoneResult('VERIFY_FAILED', 'why', ['file: in use'], {})).toMatchObject({
      outcome: 'undetermined',
      code: 'ACTION_UNDO_FAILED',
      detail: 'why; not undone: file: in use',
    });
  });
});
