import { describe, expect, it } from 'vitest';
import { createFakeHost, FakeCrash, type FakeHost } from '../../testing/index.ts';
import { resourceKey } from '../../testing/fake-world.ts';
import {
  ACTIONS,
  applyChanges,
  changeState,
  parseActionArguments,
  revertChanges,
  type Planned,
  type UnitFacts,
} from '../index.ts';

const RUNS: UnitFacts = {
  loadState: 'loaded',
  activeState: 'active',
  subState: 'running',
  canReload: true,
  invocation: 'a1',
  mainPid: 7,
  restarts: 0,
};
const APACHE = resourceKey('service.unit', 'nginx.service');

function createNode(facts: Partial<UnitFacts> = {}): FakeHost {
  const host = createFakeHost();
  host.world.resources.set(APACHE, { active: facts.activeState !== 'inactive', enabled: true });
  host.world.answers['service.facts'] = () => ({ ...RUNS, ...facts });
  return host;
}

async function plan(host: FakeHost, name: string, args: object = { unit: 'nginx' }): Promise<Planned> {
  const action = ACTIONS.get(name)!;
  const parsed = parseActionArguments(action, args);
  if (!parsed.ok) throw new Error(parsed.problem);
  return action.plan(host, parsed.args);
}
async function changesOf(host: FakeHost, name: string): Promise<Extract<Planned, { ok: true }>['changes']> {
  const planned = await plan(host, name);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.changes;
}

describe('a resource as a change', () => {
  it('is applied, found in place the second time, and brought back', async () => {
    const host = createNode();
    const before = host.snapshot();
    const changes = await changesOf(host, 'service.stop');
    expect(changes).toMatchObject([{ before: { active: true }, after: { active: false, enabled: true } }]);
    await applyChanges(host, changes);
    expect(host.world.resources.get(APACHE)).toEqual({ active: false, enabled: true });
    expect(await changesOf(host, 'service.stop')).toEqual([]);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(host.snapshot()).toBe(before);
  });

  it.each(['before', 'after'] as const)('killed %s its effect, it is as before or as after', async (when) => {
    const host = createNode();
    const changes = await changesOf(host, 'service.stop');
    host.crashAt(1, when);
    await expect(applyChanges(host, changes)).rejects.toThrow(FakeCrash);
    for (const change of changes) expect(await changeState(host, change)).toBe(when);
    expect(changes).toHaveLength(1);
  });

  it('whoever changed it meanwhile is not overwritten', async () => {
    const host = createNode();
    const changes = await changesOf(host, 'service.stop');
    host.world.resources.set(APACHE, { active: true, enabled: false });
    await expect(applyChanges(host, changes)).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'CHANGE_CONFLICT' }]);
  });

  it('what nobody can take back says so, and its hidden fields are not shown', async () => {
    const host = createNode();
    const change = {
      kind: 'resource',
      resource: 'service.unit',
      id: 'nginx.service',
      before: { active: true, enabled: true },
      after: { active: false, enabled: true },
      irreversible: true,
    } as const;
    await applyChanges(host, [change]);
    expect(await revertChanges(host, [change])).toMatchObject([{ code: 'ACTION_UNDO_FAILED' }]);
  });
});

describe('services', () => {
  it('a restart is a moment: done each time its turn comes, with the run that it is to replace', async () => {
    const host = createNode();
    await applyChanges(host, await changesOf(host, 'service.restart'));
    expect(host.effects).toEqual(['service.restart {"unit":"nginx.service","invocation":"a1"}']);
  });

  it.each([
    ['service.restart', { activeState: 'inactive' }, /does not run \(inactive\): start it instead/],
    ['service.reload', { canReload: false }, /can not reload: restart it instead/],
    ['service.start', { loadState: 'not-found' }, /is not on this node/],
    ['service.start', { loadState: 'masked' }, /systemd says: masked/],
  ])('%s is refused when %o', async (name, facts, wanted) => {
    const planned = await plan(createNode(facts), name, { unit: 'mariadb' });
    expect(planned).toMatchObject({ ok: false, code: 'ACTION_REFUSED', detail: expect.stringMatching(wanted) });
  });

  it.each(['apache2', 'nginx'])('%s has a reload of its own, which tries the configuration first', (unit) => {
    expect(parseActionArguments(ACTIONS.get('service.reload')!, { unit })).toMatchObject({ ok: false });
  });

  it.each(['service.reload', 'service.restart'])(
    '%s of php-fpm is refused when its pools would end it',
    async (name) => {
      const host = createNode();
      const asked: unknown[] = [];
      let fault: string | null = 'no user x';
      host.world.answers['service.php-pools'] = (args) => {
        asked.push(args);
        return { fault };
      };
      expect(await plan(host, name, { unit: 'php8.2-fpm' })).toMatchObject({ ok: false, detail: 'no user x' });
      fault = null;
      expect(await plan(host, name, { unit: 'php8.2-fpm' })).toMatchObject({ ok: true });
      expect(await plan(host, name, { unit: 'mariadb' })).toMatchObject({ ok: true });
      expect(asked).toEqual([
        { version: '8.2', masterPid: 7 },
        { version: '8.2', masterPid: 7 },
      ]);
    },
  );
});
