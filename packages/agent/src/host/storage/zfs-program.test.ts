import { expect, it } from 'vitest';
import { parseUnit, unitArguments } from './zfs-program.ts';

it.each([
  ['0::/system.slice/hauban-executor.service\n', 'hauban-executor.service'],
  ['1:name=systemd:/x\n0::/lab.slice/system.slice/a@b.service\n', 'a@b.service'],
  ['0::/user.slice/user-0.slice/session-1.scope\n', null],
  ['0::/\n', null],
  ['', null],
])('the unit of %j', (cgroup, unit) => {
  expect(parseUnit(cgroup)).toBe(unit);
});

it('a unit of zfs ends with the executor, when that is one', () => {
  expect(unitArguments('hauban-executor.service')).toContain('--property=BindsTo=hauban-executor.service');
  expect(unitArguments(null).join(' ')).not.toContain('BindsTo');
  expect(unitArguments(null).at(-1)).toBe('--');
});
